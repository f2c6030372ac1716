"""The services that answer on the port: ours beside ministack's."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ministack.app
from ministack.core import router
from ministack.services import budgets as budgets_service
from ministack.services import stepfunctions

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, list[str]]], Awaitable[Response]]
First = Callable[[str, str, dict[str, str], bytes, dict[str, list[str]]], Response | None]


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service of ours: what answers it, and how its requests are known.

    `target` begins X-Amz-Target up to the dot, `hosts` are the first labels of its host names, `scope` is the service
    that requests are signed for. `sdk_name` is its part of a Step Functions resource `aws-sdk:…`.
    """

    handler: Handler
    target: str
    hosts: tuple[str, ...]
    scope: str
    sdk_name: str


def add(services: Mapping[str, Service]) -> None:
    """Answer these services, by name."""
    for name, service in services.items():
        ministack.app.SERVICE_HANDLERS[name] = service.handler
        router.SERVICE_PATTERNS[name] = {
            "target_prefixes": [f"{service.target}."],
            "host_patterns": [re.escape(f"{host}.") for host in service.hosts],
            "credential_scope": service.scope,
        }
        stepfunctions._AWS_SDK_SERVICE_MAP[name] = {"target_prefix": service.target, "protocol": "json"}
        stepfunctions._AWS_SDK_ERROR_PREFIX[name] = service.sdk_name


def around(name: str, wrapped: Callable[[Handler], Handler]) -> None:
    """Let what `wrapped` makes of a service's handler answer in its place."""
    ministack.app.SERVICE_HANDLERS[name] = wrapped(ministack.app.SERVICE_HANDLERS[name])


def before(name: str, first: First) -> None:
    """Let `first` see a service's requests: it answers in the service's place, or with None leaves that to it."""

    def wrapped(answer: Handler) -> Handler:
        async def answered(
            method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
        ) -> Response:
            found = first(method, path, headers, body, query)
            return await answer(method, path, headers, body, query) if found is None else found

        return answered

    around(name, wrapped)


def answer_below(prefix: str, handler: Handler) -> None:
    """Answer every request whose path begins so, whatever else it may look like."""
    ministack.app.SERVICE_HANDLERS[prefix] = handler
    detect = ministack.app.detect_service

    def by_path(method: str, path: str, *request: Any) -> str:
        return prefix if path.startswith(prefix) else str(detect(method, path, *request))

    ministack.app.detect_service = by_path


def budgets(operation: str, request: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Carry out an operation of AWS Budgets for the caller; HTTP status and document of its answer."""
    status, _, body = budgets_service._DISPATCH[operation](request)
    return status, json.loads(body)


def application() -> Any:
    """Ministack's ASGI application."""
    return ministack.app.app
