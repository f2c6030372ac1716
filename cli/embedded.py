"""The embedded AWS as commands use it: its images, its start, and a watch over it while a command works on it.

One that had stopped, or was killed, comes back with all that it held for the first command that needs it. Without the
watch, the CDK CLI and boto3 would try again for minutes what nobody can
answer any more.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time

import psutil
from rich.markup import escape

from cli import paths
from cli.programs import tool_environment
from cli.ui import screen
from cli.ui.errors import LabError
from embedded_aws import gateway
from embedded_aws.runtime import images
from infra.algorithms import KERAS, images_of

IMAGES = paths.ROOT / "embedded_aws" / "images"
_NOTEBOOK = "notebook-al2023-v1"
_CHECK_SECONDS = 0.5
_SILENT_SECONDS = 15
_ASK_SECONDS = 5
_OOM = "SIGKILL"

_is_command = threading.Event()
_ending = threading.Event()
_watched: set[int] = set()


def of_the_lab(algorithm: str = KERAS) -> list[str]:
    """Return the images that a lab runs: its training's, its endpoint's, its notebooks', and its algorithm's."""
    return [*(f"{repository}-{tag}" for repository, tag in images_of(algorithm)), _NOTEBOOK]


def install_images(algorithm: str = KERAS) -> None:
    """Install the lab's images that are missing, a line for each, so that a first job does not wait in silence."""
    for name in of_the_lab(algorithm):
        if images.is_installed(name, images_dir=IMAGES, cache_dir=paths.cache()):
            continue
        with screen.step(f"image {name} installed (once)"):
            try:
                image = images.install(name, images_dir=IMAGES, cache_dir=paths.cache())
            except images.ImageError as error:
                raise LabError(str(error)) from None
        if image.notice:
            screen.errors.print(f"[yellow]![/] {escape(image.notice)}", soft_wrap=True)


def start(*, enforce: bool, containers: str | None = None) -> gateway.Gateway:
    """Start the embedded AWS if it does not run, and watch over it.

    With `enforce` it asks policies before each call; `containers` is the engine that may run images of one's own, None:
    as before. Raises LabError if it can't be started so.
    """
    running = gateway.running(paths.GATEWAY)
    if enforce and running and not running.enforcing:
        raise LabError(
            "The embedded AWS runs already, without enforcing policies: `./lab down`, then `./lab up --enforce-iam`."
        )
    if running and containers not in (None, running.containers):
        raise LabError(
            "The embedded AWS runs already, with another choice of `--containers`: `./lab down`, then `./lab up "
            f"--containers {containers or 'none'}`."
        )
    before = kept()
    try:
        found = gateway.start(
            paths.GATEWAY,
            cache=paths.cache(),
            environment=tool_environment(),
            enforce=enforce,
            containers=containers,
            notice=_notice,
        )
        if before:
            screen.errors.print(escape(gateway.what_came_back(found, before, _notice)), soft_wrap=True)
    except gateway.NoAnswerError as error:
        raise LabError(f"{error} `./lab down` stops it.") from None
    except gateway.GatewayError as error:
        raise LabError(str(error)) from None
    if found.unsandboxed and not running:
        screen.console.print(f"  {escape(unsandboxed(found))}", soft_wrap=True)
    _watch(found)
    return found


def unsandboxed(found: gateway.Gateway) -> str:
    """Return what follows from containers that are no sandboxes, in a few sentences; empty where they are."""
    return found.unsandboxed and (
        f"{found.unsandboxed} Jobs, endpoints and notebooks run as your own processes, and see your files; a program "
        "that names /opt/ml itself, and not by SM_MODEL_DIR and its like, does not find it."
    )


def find() -> gateway.Gateway:
    """Find the embedded AWS that runs, or bring back one that had stopped, and watch over it.

    Raises LabError if there is none.
    """
    found = gateway.running(paths.GATEWAY)
    if not found:
        if kept():
            return start(enforce=False)
        raise LabError("The embedded AWS does not run: start the lab with `./lab up` (or name `--target aws`).")
    _watch(found)
    return found


def kept() -> gateway.Kept | None:
    """Return what one that does not run any more has kept. Raises LabError if that can't be used."""
    try:
        return gateway.kept(paths.GATEWAY)
    except gateway.KeptError as error:
        raise LabError(f"{error} `./lab down` does that.") from None


def _notice(text: str) -> None:
    screen.errors.print(f"{escape(text)} …", soft_wrap=True)


def watch_from_now_on() -> None:
    """Let this process end when the embedded AWS that it works on has: it is a command, and not a test or a library."""
    _is_command.set()


def stop_watching() -> None:
    """Let this process live on: it is about to end the embedded AWS itself, or shows that it has ended."""
    _ending.set()


def _watch(found: gateway.Gateway) -> None:
    """End this process, with what it started, as soon as the embedded AWS has ended."""
    if _is_command.is_set() and found.pid not in _watched:
        _watched.add(found.pid)
        threading.Thread(target=_watch_process, args=(found,), name="liveness", daemon=True).start()
        threading.Thread(target=_watch_answers, args=(found,), name="liveness answers", daemon=True).start()


def _watch_process(found: gateway.Gateway) -> None:
    while found.alive():
        time.sleep(_CHECK_SECONDS)
    if not _ending.is_set():
        _end(found)


def _watch_answers(found: gateway.Gateway) -> None:
    """Say once that it is silent: it may be busy, and is left running."""
    heard = time.monotonic()
    while found.alive():
        if found.answers(within=0):
            heard = time.monotonic()
        elif time.monotonic() - heard > _SILENT_SECONDS and not _ending.is_set():
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
        f"\n[red]✗[/] The embedded AWS {_how_it_ended(found.pid)}. What it said last is in "
        f"{escape(str(gateway.log(paths.GATEWAY)))}. The lab in it is kept: type the command again, and it comes back.",
        soft_wrap=True,
    )
    os._exit(1)


def _how_it_ended(pid: int) -> str:
    """Return how it ended, which only the process that started it is told."""
    try:
        _, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return f"(process {pid}) has ended"
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"(process {pid}) has ended with exit code {code}"
    name = signal.Signals(-code).name
    return f"(process {pid}) was killed by {name}{', perhaps for want of memory' if name == _OOM else ''}"
