"""The server of a page, on this machine's own address."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator


@contextmanager
def running(application: Any, listening: socket.socket, end: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Serve an ASGI application in a thread while the block runs; call `end` first when that is over."""
    config = uvicorn.Config(
        application, log_level="error", access_log=False, lifespan="off", timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), name="page", daemon=True)
    thread.start()
    try:
        yield
    finally:
        end()
        server.should_exit = True
        thread.join()
        listening.close()
