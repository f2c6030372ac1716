"""TensorFlow Serving's gRPC API, which begins to answer when a handler first looks for it.

Its libraries and the models take two seconds and 400 MB that a handler which answers by itself has no use for. In the
container TensorFlow Serving has its port from the start on.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from embedded_aws.serving.tensorflow_serving import ModelServer

_THREADS = 8
_LARGEST = 2**31 - 1  # bytes of a message, as TensorFlow Serving sets it


class GrpcPort:
    """The port of the gRPC API, for a handler: whoever is given it finds it answering."""

    def __init__(self, number: int, start: Callable[[], None]) -> None:
        self.number = str(number)
        self._start = start
        self._channel: Any = None
        self._answering = False
        self._lock = threading.Lock()

    def answering(self) -> str:
        """Return the port's number, as text, once the API answers there."""
        if not self._answering:
            self._start()
            self._answering = True
        return self.number

    def channel(self) -> Any:
        """Return a channel to it, made once."""
        import grpc  # noqa: PLC0415 - see above

        target = f"localhost:{self.answering()}"
        with self._lock:
            if self._channel is None:
                self._channel = grpc.insecure_channel(target)
            return self._channel


class GrpcApi:
    """Serves the models by gRPC on the port of a socket that keeps it."""

    def __init__(self, models: ModelServer, reserved: socket.socket) -> None:
        self._models, self._reserved = models, reserved
        self._server: Any = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Load the models and begin to answer; nothing happens at further calls."""
        with self._lock:
            if self._server is None:
                self._models.load()
                self._server = self._serving()

    def _serving(self) -> Any:
        import grpc  # noqa: PLC0415 - see above

        from embedded_aws.serving import grpc_services  # noqa: PLC0415 - as above

        sizes = [(f"grpc.max_{way}_message_length", _LARGEST) for way in ("send", "receive")]
        server = grpc.server(ThreadPoolExecutor(_THREADS), options=[("grpc.so_reuseport", 1), *sizes])
        grpc_services.add(self._models, server)
        host, port = self._reserved.getsockname()
        server.add_insecure_port(f"{host}:{port}")
        server.start()
        return server
