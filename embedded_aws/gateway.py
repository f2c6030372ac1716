"""Start and stop the embedded AWS: one background process, known by a note in its home folder.

Nobody but `stop`, `forget` and `restart` ends it; what it holds is kept until `forget` or `restart`.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from filelock import FileLock, Timeout

from embedded_aws import kept_state, note, own_log, processes, settings
from embedded_aws.database import StateError
from embedded_aws.kept_state import Kept
from embedded_aws.note import Gateway, GatewayError, died, hold, running
from embedded_aws.runtime.docker import engine
from embedded_aws.runtime.docker.engine import Engine, EngineError
from embedded_aws.settings import ACCOUNT, HOST, IMAGES, PORT, REGION, Containers, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import BinaryIO


__all__ = [
    "ACCOUNT",
    "HOST",
    "PORT",
    "REGION",
    "Containers",
    "Gateway",
    "GatewayError",
    "Kept",
    "died",
    "hold",
    "running",
]  # and what is below

_START_SECONDS = 60
_ANSWER_SECONDS = 60  # that one which runs may be too busy to answer
_STOP_SECONDS = 30
_RESTORE_SECONDS = 120  # until the hosts of endpoints are up again
_PORT_SECONDS = 10  # that a port which another program took for a moment may stay taken
_FOLDER = Path(__file__).resolve().parent


class NoAnswerError(GatewayError):
    """One runs, and does not answer."""


class KeptError(GatewayError):
    """What an earlier one has kept can't be used."""


def start(
    home: Path,
    *,
    cache: Path,
    environment: Mapping[str, str],
    images: Path = IMAGES,
    pace: float = 1.0,
    port: int = PORT,
    only_port: bool = False,
    enforce: bool = False,
    owner: int = 0,
    containers: str | None = None,
    notice: Callable[[str], object] = lambda _: None,
) -> Gateway:
    """Start it from what it has kept, or find the one that runs.

    Takes `port`, or a free one if that is 0, or taken and not the `only_port`.

    `environment` is the caller's: its PATH must lead to `node`, and its NODE_PATH to the packages of AWS's Node
    runtimes, for the functions that CDK itself ships. With `enforce` every call asks policies, over https. It ends with
    the process `owner`, if one is named. `containers` is the engine that may run images of one's own, `docker` or
    `podman`; empty: none; None: as before, none at first. `notice` is told what it waits for.

    Raises GatewayError when it does not answer within a minute or ends at once, runs without asking policies or with
    another engine, there is no such engine, or what it has kept can't be used. One that runs is never ended here.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _one_at_a_time(home, notice):
        found = running(home)
        if found and _waits_for_answer(found, notice):
            if enforce and not found.enforcing:
                raise GatewayError("The embedded AWS runs already, and does not enforce policies: stop it first.")
            if containers not in (None, found.containers):
                has = f"with `--containers {found.containers}`" if found.containers else "without `--containers`"
                raise GatewayError(f"The embedded AWS runs already, {has}: stop it first.")
            return found
        clear(home, environment)
        before = kept(home)
        port, enforce = _as_before(before, port, enforce=enforce)
        wanted = _settings(
            home,
            cache=cache,
            images=images,
            pace=pace,
            enforce=enforce,
            port=_port(port, only=only_port),
            owner=owner,
            containers=_engine(before, containers, environment),
        )
        try:
            return _run(wanted, environment)
        except GatewayError as error:
            if only_port or os.strerror(errno.EADDRINUSE) not in str(error):
                raise
            # Another program that was starting at the same time has taken a port first.
            return _run(replace(wanted, port=any_free_port(), proxy=any_free_port()), environment)


def begin_here(
    home: Path, *, cache: Path, images: Path, pace: float, port: int, enforce: bool, containers: str | None = None
) -> Settings:
    """Note this very process as the embedded AWS of a home folder, and return what it is to serve.

    It goes on with the port, the policies and the engine of an earlier one whose state it finds, as `start` does.
    Raises GatewayError if one runs there, the port is taken, or there is no such engine.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _one_at_a_time(home, lambda _: None):
        if found := running(home):
            raise GatewayError(f"The embedded AWS runs already on {found.url} (process {found.pid}): stop it first.")
        clear(home)
        before = kept(home)
        port, enforce = _as_before(before, port, enforce=enforce)
        chosen = _settings(
            home,
            cache=cache,
            images=images,
            pace=pace,
            enforce=enforce,
            port=_port(port, only=True),
            containers=_engine(before, containers, os.environ),
        )
        note.write(chosen, os.getpid(), os.environ, foreground=True)
    return chosen


def restart(home: Path) -> Gateway:
    """End the one that runs and start it anew, empty, with the settings and the environment that it was started with.

    Raises GatewayError if none runs, somebody's terminal holds it, or another program has taken its port meanwhile.
    """
    found = running(home)
    if found is None:
        raise GatewayError("The embedded AWS does not run.")
    if found.foreground:
        raise GatewayError(f"The embedded AWS (process {found.pid}) runs in the foreground: end and start it there.")
    environment = psutil.Process(found.pid).environ()
    with _one_at_a_time(home, lambda _: None):
        forget(home)
        same = Settings(
            home=home.resolve(),
            port=_again(found.port),
            proxy=found.proxy if _is_free(found.proxy) else any_free_port(),
            cache=Path(found.cache),
            images=Path(found.images),
            pace=found.pace,
            enforce=found.enforcing,
            containers=found.containers,
        )
        return _run(same, environment)


def stop(home: Path, *, grace: float = _STOP_SECONDS) -> bool:
    """End it with everything it runs; true if there was one. What it holds stays, and the next start brings it back.

    It has so many seconds to end by itself before it is killed.
    """
    gateway = running(home)
    if gateway:
        processes.end(gateway.pid, grace)
    clear(home)
    return gateway is not None


def forget(home: Path) -> Path | None:
    """End it, and remove all that it held. What can't be read is put aside instead: returns where, else None."""
    stop(home)
    try:
        kept_state.find(home)
    except StateError:
        return kept_state.put_aside(home)
    kept_state.forget(home)
    return None


def kept(home: Path) -> Kept | None:
    """Return what one that does not run has kept there; None if it runs, or there is nothing. Raises GatewayError."""
    if running(home):
        return None
    try:
        return kept_state.find(home)
    except StateError as error:
        raise KeptError(str(error)) from None


def what_came_back(found: Gateway, before: Kept, notice: Callable[[str], object] = lambda _: None) -> str:
    """Return what to tell of one that has come back from what it had kept, once all of it is there that will be."""
    deadline = time.monotonic() + _RESTORE_SECONDS
    told = False
    while (restored := _ask(found, "restored"))["pending"] and time.monotonic() < deadline:
        if not told:
            notice(f"Bringing back {', '.join(restored['pending'])}")
        told = True
        time.sleep(0.1)
    but = restored["lost"] + [f"{each}, which is still to come" for each in restored["pending"]]
    return f"The embedded AWS had stopped at {before.when}; all is back{' but ' if but else ''}{', '.join(but)}."


def _ask(found: Gateway, what: str) -> dict[str, Any]:
    request = found.admin_request(f"/_embedded_aws/{what}")
    with urllib.request.urlopen(request, context=found.ssl_context(), timeout=_ANSWER_SECONDS) as answer:  # noqa: S310 - our own URL
        return dict(json.load(answer))


def clear(home: Path, environment: Mapping[str, str] = os.environ) -> None:
    """End what one that is gone has left running, and take its note away.

    Its containers are asked for in this environment, in which the container engine's program and daemon are found.
    """
    processes.kill(list(processes.working_in(settings.state(home))))
    left = note.last(home)
    if left and left.containers:
        with contextlib.suppress(EngineError):  # its daemon does not run: neither do they
            Engine(left.containers, str(home.resolve()), environment).remove_containers()
    note.remove(home)
    settings.admin_token(home).unlink(missing_ok=True)


def log(home: Path) -> Path:
    """Return the file that holds what it prints."""
    return own_log.path(home)


def any_free_port() -> int:
    """Return a port of the loopback address that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _as_before(before: Kept | None, port: int, *, enforce: bool) -> tuple[int, bool]:
    """Return the port and whether policies are enforced, as they were if nothing else is asked for."""
    if before is None:
        return port, enforce
    return before.port if port == PORT else port, enforce or before.enforce  # who was pointed at it still is


def _engine(before: Kept | None, wanted: str | None, environment: Mapping[str, str]) -> str:
    """Return the engine that may run images of one's own: the one asked for, else the one of before.

    Raises GatewayError if one is asked for whose program is not there.
    """
    if wanted is None:
        return before.containers if before else ""
    if wanted and not shutil.which(wanted, path=environment.get("PATH")):
        raise GatewayError(engine.missing(wanted))
    return wanted


def _port(wanted: int, *, only: bool) -> int:
    if wanted and _is_free(wanted):
        return wanted
    if wanted and only:
        raise GatewayError(
            f"Port {wanted} is taken by {processes.listener(wanted)}: name another, or --port 0 for any that is free."
        )
    return any_free_port()


def _again(port: int) -> int:
    """Return the port once it is free again: for a moment, another program's connection may have it."""
    deadline = time.monotonic() + _PORT_SECONDS
    while not _is_free(port):
        if time.monotonic() > deadline:
            raise GatewayError(
                f"It has ended and is empty, and {processes.listener(port)} has taken its port {port} meanwhile: "
                "start it with another --port."
            )
        time.sleep(0.05)
    return port


def _settings(
    home: Path,
    *,
    cache: Path,
    images: Path,
    pace: float,
    enforce: bool,
    port: int,
    owner: int = 0,
    containers: str = "",
) -> Settings:
    return Settings(
        home=home.resolve(),
        port=port,
        proxy=port + 1 if port == PORT and _is_free(port + 1) else any_free_port(),
        cache=cache.resolve(),
        images=images.resolve(),
        pace=pace,
        enforce=enforce,
        owner=owner,
        containers=containers,
    )


def _run(wanted: Settings, environment: Mapping[str, str]) -> Gateway:
    """Start a server in the background; return once it answers."""
    # One that is not noted yet is one that nobody would find, or end.
    with own_log.opened(wanted.home) as output, processes.signals_wait():
        process = begin_process(wanted, environment, output)
        gateway = note.write(wanted, process.pid, environment, foreground=False)
    _wait_until_it_answers(process, gateway, wanted.home)
    process.returncode = 0  # it outlives us on purpose: without this, Popen warns that it still runs
    return gateway


def begin_process(wanted: Settings, environment: Mapping[str, str], output: BinaryIO) -> subprocess.Popen[bytes]:
    """Begin the process that serves these settings, in a session of its own; it prints to `output`."""
    return subprocess.Popen(
        [sys.executable, "-m", "embedded_aws.background", *wanted.arguments],
        # A source tree's own package is found from beside it; one that is installed, from anywhere.
        cwd=_FOLDER.parent if (_FOLDER / "pyproject.toml").exists() else wanted.home,
        env=without_aws(environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


@contextlib.contextmanager
def _one_at_a_time(home: Path, notice: Callable[[str], object]) -> Iterator[None]:
    """Let one process at a time start it."""
    lock = FileLock(home / "gateway.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        notice("Another command is starting the embedded AWS: waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _waits_for_answer(found: Gateway, notice: Callable[[str], object]) -> bool:
    """Wait until one that runs answers; false if it has ended meanwhile. Raises NoAnswerError."""
    if found.is_well():
        return True
    notice(f"The embedded AWS (process {found.pid}) is at work on something else: waiting for its answer")
    if found.answers(within=_ANSWER_SECONDS):
        return True
    if found.alive():
        raise NoAnswerError(
            f"The embedded AWS (process {found.pid}) runs, and has not answered for {_ANSWER_SECONDS} seconds: it is "
            "very busy, or hangs. Try again later, or stop it: what it holds comes back with the next start."
        )
    return False


def without_aws(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment by which no account of the caller's can be reached.

    glibc may give each of its many threads memory of its own to hoard: a tenth of all that it takes.
    """
    kept = {name: value for name, value in environment.items() if not name.startswith("AWS_")}
    return {"MALLOC_ARENA_MAX": "2", **kept}


def _wait_until_it_answers(process: subprocess.Popen[bytes], gateway: Gateway, home: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        # Whose the port is takes ten times as long to find out as that nobody has it yet.
        if _accepts(gateway.port) and processes.listens(gateway.pid, gateway.port) and gateway.is_well():
            return
        time.sleep(0.05)
    processes.end(gateway.pid, _STOP_SECONDS)
    last = "\n".join(log(home).read_text(errors="replace").splitlines()[-5:])
    raise GatewayError(f"The embedded AWS did not start; it printed last:\n{last}\nThe whole log is {log(home)}.")


def _accepts(port: int) -> bool:
    """Return whether anybody accepts connections there."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
