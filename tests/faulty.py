"""boto3 clients between which and AWS something goes wrong: their process is killed, an answer is lost, AWS throttles.

A process that is killed when a call was answered is one that is killed before its next: what it has done, only the
account knows.
"""

from __future__ import annotations

import io
import random
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError

from bench.support import faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Fault = Callable[["FaultyClients", Any, str, Any], Any]  # told: ours, the client, the operation and its request

SHARE = 0.2  # of all calls, that AWS throttles or answers with its own trouble


class Killed(Exception):  # noqa: N818 - it is no error of anybody's
    """The process ended here."""


class FaultyClients:
    """Clients of one process, by service.

    `changing` are the calls so far that may have changed something; `killed` is the one at which the process ended, if
    it has, from when on it calls nothing any more.
    """

    def __init__(self, client: Callable[[str], Any], fault: Fault) -> None:
        self._client, self._fault = client, fault
        self._made: dict[str, Any] = {}
        self.changing: list[str] = []
        self.killed = ""

    def __call__(self, service: str) -> Any:
        """A client."""
        if service not in self._made:
            made = self._client(service)
            self._made[service] = made, partial(self._send, made)
            made.meta.events.register("before-send", self._made[service][1])
        return self._made[service][0]

    @contextmanager
    def working(self) -> Iterator[FaultyClients]:
        """Let the clients go when the block ends, however it does."""
        try:
            yield self
        finally:
            for made, handler in self._made.values():
                made.meta.events.unregister("before-send", handler)

    def kill(self, operation: str) -> NoReturn:
        """End the process."""
        self.killed = operation
        raise Killed(operation)

    def _send(self, client: Any, request: Any, event_name: str, **_: Any) -> Any:
        if self.killed:
            raise Killed(self.killed)
        operation = event_name.rpartition(".")[2]
        if faults.changes(operation):
            self.changing.append(operation)
        return self._fault(self, client, operation, request)


def killed_before(nth: int) -> Fault:
    """Kill the process before its `nth` call that may change something."""

    def fault(clients: FaultyClients, _client: Any, operation: str, _request: Any) -> None:
        if faults.changes(operation) and len(clients.changing) == nth:
            clients.kill(operation)

    return fault


def killed_before_operation(name: str) -> Fault:
    """Kill the process before it asks for an operation."""

    def fault(clients: FaultyClients, _client: Any, operation: str, _request: Any) -> None:
        if operation == name:
            clients.kill(operation)

    return fault


def killed_after(nth: int) -> Fault:
    """Kill the process when its `nth` call that may change something has done so, and before it hears of it."""

    def fault(clients: FaultyClients, client: Any, operation: str, request: Any) -> None:
        if faults.changes(operation) and len(clients.changing) == nth:
            client._endpoint._send(request)
            clients.kill(operation)

    return fault


def answers_lost() -> Fault:
    """Lose the answer to each call that may change something, once it has: botocore asks again, and is answered."""
    lost: set[tuple[str, bytes]] = set()

    def fault(_clients: FaultyClients, client: Any, operation: str, request: Any) -> None:
        call = operation, bytes(request.url, "utf-8") + _content(request)
        if faults.changes(operation) and call not in lost:
            lost.add(call)
            client._endpoint._send(request)
            raise ReadTimeoutError(endpoint_url=request.url)

    return fault


def throttled(seed: int = 0) -> Fault:
    """Answer every fifth call, by chance, that there are too many of them, or that AWS is in trouble."""
    chance = random.Random(seed)  # noqa: S311 - chance, and no secret

    def fault(_clients: FaultyClients, client: Any, _operation: str, request: Any) -> Any:
        if chance.random() > SHARE:
            return None
        return refuse(client, request, throttles=chance.random() < 0.5)

    return fault


def refuse(client: Any, request: Any, *, throttles: bool = True) -> AWSResponse:
    """Return AWS's answer that it is asked too much, or is in trouble."""
    service = client.meta.service_model
    protocol = service.resolved_protocol
    told = faults.throttled(service.service_name, protocol) if throttles else faults.in_trouble(protocol)
    return AWSResponse(request.url, told.status, HTTPHeaders.from_dict(told.headers), _Raw(told.body))


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        """What botocore reads of an answer."""
        yield self.read()


def _content(request: Any) -> bytes:
    body = request.body or b""
    return body if isinstance(body, bytes) else bytes(str(body), "utf-8")
