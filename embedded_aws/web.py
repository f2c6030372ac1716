"""The gateway's web server, uvicorn. Ministack's own choice, hypercorn, takes 0.4 ms longer for each request."""

from __future__ import annotations

import asyncio
import signal
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import uvicorn

from embedded_aws.forward_proxy import ForwardProxy
from embedded_aws.settings import HOST

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator, Mapping

_IDLE_SECONDS = 75
_SHUTDOWN_SECONDS = 3
_TLS_SHUTDOWN_SECONDS = 0.2


async def serve(
    application: Any,
    certificates: ssl.SSLContext,
    *,
    port: int,
    proxy_port: int,
    encrypted: bool,
    outside: Mapping[str, str],
    started: Callable[[], object],
) -> None:
    """Serve an ASGI application until SIGTERM or SIGINT, over TLS if `encrypted`; call `started` once it answers.

    The forward proxy on `proxy_port` has what is meant for AWS's names come to it, always over TLS; `outside` is the
    environment that says how it reaches all other hosts.
    """
    main = _Server(_config(application, certificates if encrypted else None, lifespan="on"), started)
    servers = {main: _bound_socket(port)}
    if not encrypted:
        servers[_Server(_config(application, certificates, lifespan="off"))] = _bound_socket(0)
    loop = asyncio.get_running_loop()
    _shorten_tls_shutdown(loop)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, servers)
    *_, over_tls = servers.values()
    proxy = ForwardProxy(int(over_tls.getsockname()[1]), None if encrypted else port, outside)
    forwarding = await proxy.serve(_bound_socket(proxy_port))
    try:
        await asyncio.gather(*(server.serve(sockets=[listening]) for server, listening in servers.items()))
    finally:
        forwarding.close()


def _stop(servers: Iterable[_Server]) -> None:
    for server in servers:
        server.should_exit = True


def _bound_socket(port: int) -> socket.socket:
    # Asyncio lets answers go at once on sockets that say they are TCP's; on others every answer waits for 40 ms.
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((HOST, port))
    return made


def _config(application: Any, certificates: ssl.SSLContext | None, *, lifespan: Literal["on", "off"]) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        ssl_context_factory=(lambda _config, _default: certificates) if certificates else None,
        lifespan=lifespan,
        http="httptools",
        ws="wsproto",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # no client may say that it came over TLS
        date_header=False,  # ministack writes it, as the services do
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


class _Server(uvicorn.Server):
    """Ends when `should_exit` says so; uvicorn's own would end the process too, before all is cleared away."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], object] = lambda: None) -> None:
        super().__init__(config)
        self._tell_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tell_started()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _shorten_tls_shutdown(loop: asyncio.AbstractEventLoop) -> None:
    """Wait a moment only for a client to say farewell, as TLS has it: one that was killed or sleeps never does."""
    asyncio.constants.SSL_SHUTDOWN_TIMEOUT = _TLS_SHUTDOWN_SECONDS  # type: ignore[attr-defined]  # uvicorn passes none on

    def tell(of: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not isinstance(context.get("exception"), TimeoutError):
            of.default_exception_handler(context)

    loop.set_exception_handler(tell)
