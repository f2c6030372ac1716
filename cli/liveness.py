"""While a command works on the embedded AWS it looks whether that still runs, for it holds all that the lab is.

Without it the CDK CLI and boto3 would try again for minutes what nobody can answer any more.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time

import psutil
from rich.markup import escape

from cli import paths, screen
from embedded_aws import gateway

_LOOK_SECONDS = 0.5
_SILENT_SECONDS = 15
_ASK_SECONDS = 5
_OOM = "SIGKILL"

_armed = threading.Event()
_dismissed = threading.Event()
_watched: set[int] = set()


def arm() -> None:
    """Let this process end when the embedded AWS that it works on has: it is a command, and not a test or a library."""
    _armed.set()


def dismiss() -> None:
    """Look no longer: this command is about to end it itself."""
    _dismissed.set()


def over(found: gateway.Gateway) -> None:
    """Look, from now on, whether it runs; when it has ended, so does this process, with what it started."""
    if _armed.is_set() and found.pid not in _watched:
        _watched.add(found.pid)
        threading.Thread(target=_look, args=(found,), name="liveness", daemon=True).start()
        threading.Thread(target=_listen, args=(found,), name="liveness answers", daemon=True).start()


def _look(found: gateway.Gateway) -> None:
    while found.alive():
        time.sleep(_LOOK_SECONDS)
    if not _dismissed.is_set():
        _end(found)


def _listen(found: gateway.Gateway) -> None:
    """Say once that it is silent: it may be busy, and is let be."""
    heard = time.monotonic()
    while found.alive():
        if found.answers(within=0):
            heard = time.monotonic()
        elif time.monotonic() - heard > _SILENT_SECONDS and not _dismissed.is_set():
            screen.errors.print(
                f"[yellow]![/] The embedded AWS (process {found.pid}) has not answered for {_SILENT_SECONDS} seconds: "
                "it is busy, or hangs. `./lab down` ends it, with all that it holds.",
                soft_wrap=True,
            )
            return
        time.sleep(_ASK_SECONDS)


def _end(found: gateway.Gateway) -> None:
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    screen.console.show_cursor()
    screen.errors.print(
        f"\n[red]✗[/] The embedded AWS {_how(found.pid)}, and the lab in it is lost. What it said last is in "
        f"{escape(str(gateway.log(paths.GATEWAY)))}. Type `./lab down` to clear away what it left, then `./lab up`.",
        soft_wrap=True,
    )
    os._exit(1)


def _how(pid: int) -> str:
    """How it ended, which only the process that started it is told."""
    try:
        _, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return f"(process {pid}) has ended"
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"(process {pid}) has ended with exit code {code}"
    name = signal.Signals(-code).name
    return f"(process {pid}) was killed by {name}{', perhaps for want of memory' if name == _OOM else ''}"
