"""Processes that serve side by side, as gunicorn's workers do in the container."""

from __future__ import annotations

import logging
import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)


def run(count: int, serve: Callable[[int], None]) -> int:
    """Call serve(0), serve(1), … each in a process of its own; when one ends, all do. Returns its exit status.

    To be called before anything is loaded: what a model's code has started does not survive a fork.
    """
    if count == 1:
        serve(0)
        return 0
    workers = [_start(number, serve) for number in range(count)]
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it goes to the whole group: each worker ends by itself
    _, status = os.wait()
    for worker in workers:
        _terminate(worker)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _start(number: int, serve: Callable[[int], None]) -> int:
    worker = os.fork()
    if worker:
        return worker
    status = 1
    try:
        serve(number)
        status = 0
    except BaseException:
        log.exception("worker %d ended", number)
    finally:
        os._exit(status)  # what stands behind the fork is the parent's business


def _terminate(worker: int) -> None:
    try:
        os.kill(worker, signal.SIGTERM)
        os.waitpid(worker, 0)
    except (ProcessLookupError, ChildProcessError):
        return
