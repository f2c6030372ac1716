"""The gateway's web server. Ministack's own choice, hypercorn, takes 0.4 ms longer for each request."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_IDLE_SECONDS = 75
_GRACE_SECONDS = 3
_FAREWELL_SECONDS = 0.2


async def serve(application: Any, *, host: str, port: int, certificate: Path | None = None) -> None:
    """Serve an ASGI application until SIGTERM or SIGINT; over TLS with a certificate, a file with its key in it."""
    server = _Server(
        uvicorn.Config(
            application,
            host=host,
            port=port,
            ssl_certfile=certificate,
            ssl_keyfile=certificate,
            lifespan="on",
            ws="wsproto",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # no client may say that it came over TLS
            date_header=False,  # ministack writes it, as the services do
            timeout_keep_alive=_IDLE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )
    loop = asyncio.get_running_loop()
    if certificate:
        _leave_silent_clients(loop)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    await server.serve()


class _Server(uvicorn.Server):
    """Ends when it is told; uvicorn's own would end the process too, with all that is to be cleared away after it."""

    def stop(self) -> None:
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _leave_silent_clients(loop: asyncio.AbstractEventLoop) -> None:
    """Wait a moment only for a client to say farewell, as TLS has it: one that was killed or sleeps never does."""
    asyncio.constants.SSL_SHUTDOWN_TIMEOUT = _FAREWELL_SECONDS  # type: ignore[attr-defined]  # uvicorn passes none on

    def tell(of: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not isinstance(context.get("exception"), TimeoutError):
            of.default_exception_handler(context)

    loop.set_exception_handler(tell)
