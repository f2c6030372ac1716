"""Which service answers a request: services of ours stand beside ministack's, and may see a request of theirs first."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import ministack.app
from ministack.core import router
from ministack.core.responses import StreamingResponse
from ministack.services import budgets as budgets_service
from ministack.services import stepfunctions

from embedded_aws.patches import patching
from embedded_aws.streamed import StreamedBody

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, list[str]]], Awaitable[Response]]
Interceptor = Callable[[str, str, dict[str, str], bytes, dict[str, list[str]]], Response | None]
HandlerWrapper = Callable[[Handler, str, str, dict[str, str], bytes, dict[str, list[str]]], Awaitable[Response]]


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service of ours: what answers it, and how its requests are known.

    `target` begins X-Amz-Target up to the dot, "" if its requests are known by method and path; `hosts` are the first
    labels of its host names, `scope` is the service that requests are signed for. `sdk_name` is its part of a Step
    Functions resource `aws-sdk:…`.
    """

    handler: Handler
    target: str
    hosts: tuple[str, ...]
    scope: str
    sdk_name: str


def add(services: Mapping[str, Service]) -> None:
    """Answer these services, by name."""
    for name, service in services.items():
        ministack.app.SERVICE_HANDLERS[name] = _streaming(service.handler)
        router.SERVICE_PATTERNS[name] = {
            "target_prefixes": [f"{service.target}."] if service.target else [],
            "host_patterns": [re.escape(f"{host}.") for host in service.hosts],
            "credential_scope": service.scope,
        }
        if service.target:  # state machines reach services of this protocol only
            stepfunctions._AWS_SDK_SERVICE_MAP[name] = {"target_prefix": service.target, "protocol": "json"}
            stepfunctions._AWS_SDK_ERROR_PREFIX[name] = service.sdk_name


def _streaming(handler: Handler) -> Handler:
    """Return a handler that answers the same, with a streamed body as ministack sends one: piece by piece."""

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Response:
        status, described, content = await handler(method, path, headers, body, query)
        if isinstance(content, StreamedBody):
            return status, described, cast("bytes", StreamingResponse(partial(_send, content)))
        return status, described, content

    return handle


async def _send(content: StreamedBody, send: Callable[[dict[str, Any]], Awaitable[None]], receive: Any) -> None:
    del receive  # there is nothing more to read
    async for piece in content.pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def wrap(name: str, wrapper: HandlerWrapper) -> None:
    """Let `wrapper` answer a service's requests; it is given ministack's handler first."""
    patching.wrap_item(ministack.app.SERVICE_HANDLERS, name, "ministack.app.SERVICE_HANDLERS", wrapper)


def intercept(name: str, interceptor: Interceptor) -> None:
    """Let `interceptor` see a service's requests: it answers in the service's place, or with None leaves that to it."""

    async def answered(
        answer: Handler, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Response:
        found = interceptor(method, path, headers, body, query)
        return await answer(method, path, headers, body, query) if found is None else found

    answered.__module__ = interceptor.__module__
    wrap(name, answered)


def add_places(paths: Mapping[str, Handler], hosts: Mapping[re.Pattern[str], Handler]) -> None:
    """Answer every request whose path begins with a key of `paths`, or to a host whose name a pattern of `hosts` has.

    Cognito's pages for signing in (/oauth2/authorize, /login and their like) are at every name, and stay there:
    ministack answers them before it asks which service it is.
    """
    patches = patching.Patches()

    @patches.wraps(ministack.app.detect_service, ministack.app)
    def detect_service(
        original: Callable[[str, str, dict[str, str], dict[str, list[str]]], str],
        method: str,
        path: str,
        headers: dict[str, str],
        query_params: dict[str, list[str]],
    ) -> str:
        host = headers.get("host", "").lower()
        at_host = next((pattern.pattern for pattern in hosts if pattern.fullmatch(host)), None)
        below = next((prefix for prefix in paths if path.startswith(prefix)), None)
        return at_host or below or original(method, path, headers, query_params)

    at_hosts = {pattern.pattern: handler for pattern, handler in hosts.items()}
    ministack.app.SERVICE_HANDLERS.update({**paths, **at_hosts})
    patches.apply()


def call_budgets(operation: str, request: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Carry out an operation of AWS Budgets for the caller; return HTTP status and document of its answer."""
    status, _, body = budgets_service._DISPATCH[operation](request)
    return status, json.loads(body)


def application() -> Any:
    """Return ministack's ASGI application."""
    return ministack.app.app
