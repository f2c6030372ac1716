"""Prepare everything a request needs, then listen: a host that answers /ping is one that can predict.

Starting the workers stays by hand: uvicorn's supervisor starts equal ones, each anew when it dies. Here the first has
the models and the others ask it, as they ask TensorFlow Serving in the container.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import multiprocessing
import multiprocessing.connection
import os
import signal
import socket
import sys
from functools import partial
from typing import TYPE_CHECKING

from embedded_aws.serving import layout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)


def run(listen: int, ml: Path) -> int:
    """Install, load, serve until SIGTERM; requests in progress are finished. Returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s:%(name)s:%(message)s", stream=sys.stdout)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as the container's serve.py does
    layout.check(os.environ)
    model = ml / "model"
    code = model / "code"
    if not _install(code):
        return 1
    # Without code there is no Python service whose workers could be counted.
    count = int(os.environ.get("SAGEMAKER_GUNICORN_WORKERS", "1")) if layout.wants_python_service(code) else 1
    listening = socket.socket(fileno=listen)
    predictions = socket.create_server(("127.0.0.1", 0))
    reserved = _reserved_port()
    if layout.is_multi_model(os.environ):
        from embedded_aws.serving import multi_model  # noqa: PLC0415 - as below

        multi_model.serve(predictions, reserved, listening)
        return 0
    # Nothing that the requirements may replace must be loaded before they are installed.
    from embedded_aws.serving.worker import serve  # noqa: PLC0415

    work = partial(serve, model, predictions, reserved)
    if count > 1:
        return _run_workers(count, work, listening)
    work(listening, 0, handed=False)
    return 0


def _reserved_port() -> socket.socket:
    """Return a socket that keeps a port for another one of this user's. Nobody listens there yet."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.bind(("127.0.0.1", 0))
    return reserved


def _run_workers(count: int, work: Callable[..., None], listening: socket.socket) -> int:
    """Call work(…, 0), work(…, 1) … in processes of their own; when one ends, end all. Returns the first one's status.

    To be called before any model or its code is loaded: what they have started does not survive a fork.
    """
    fork = multiprocessing.get_context("fork")
    pairs = [socket.socketpair() for _ in range(count)]
    workers = [
        fork.Process(target=work, args=(theirs, number), kwargs={"handed": True})
        for number, (_, theirs) in enumerate(pairs)
    ]
    for worker in workers:
        worker.start()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it goes to the whole group: each worker ends by itself
    first = _hand_out(listening, [ours for ours, _ in pairs], [worker.sentinel for worker in workers])
    for worker in workers:
        if worker.sentinel != first:
            worker.terminate()
        worker.join()
    [code] = [worker.exitcode or 0 for worker in workers if worker.sentinel == first]
    return code if code >= 0 else 128 - code


def _hand_out(listening: socket.socket, channels: Sequence[socket.socket], sentinels: Sequence[int]) -> int:
    """Hand the connections to the workers in turn until one of these has ended; return its sentinel.

    The kernel would share them out by chance: of 32 callers 22 may meet at one of two workers, and wait a third longer.
    """
    listening.setblocking(False)
    turns = itertools.cycle(channels)
    while True:
        ready = multiprocessing.connection.wait([listening, *sentinels])
        for ended in sentinels:
            if ended in ready:
                return ended
        with contextlib.suppress(OSError):  # who called may have hung up by now
            connection, _ = listening.accept()
            with connection:
                socket.send_fds(next(turns), [b"c"], [connection.fileno()])


def _install(code: Path) -> bool:
    """Install code/requirements.txt, unless code/lib brings the modules along; put both on the path."""
    requirements, library = code / layout.REQUIREMENTS, code / layout.LIBRARY
    if library.exists():
        if requirements.exists():
            log.warning("loading modules in '%s', ignoring requirements.txt", library)
        sys.path[:0] = [str(code), str(library)]
        return True
    if requirements.exists():
        # A sixth of a start, which few models need; the model's own modules may have the names of what this imports.
        from embedded_aws.serving import installing  # noqa: PLC0415

        if not installing.install(requirements):
            return False
    sys.path.insert(0, str(code))
    return True
