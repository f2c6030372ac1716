"""Start, find and stop the embedded AWS: one background process, known by a note in its home folder.

It is alive as long as its process is, or holds its lock, however long it does not answer: busy is not dead. Nobody but
`stop` ends it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from filelock import FileLock, Timeout

from embedded_aws import proxies, tls

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping
    from typing import TextIO

HOST = "127.0.0.1"
PORT = 4566
ACCOUNT = "000000000000"
REGION = "us-east-1"
_ROOT = Path(__file__).resolve().parent.parent
_START_SECONDS = 60
_PATIENCE_SECONDS = 60
_STOP_SECONDS = 30
_LOOKS = 20
_CLOCK_SECONDS = 5  # by which a process's start may seem to move when the machine's clock is set
_OWN = ("TMPDIR", "HOME", "SAGEMAKER_BASE_DIR")  # what places a program in the folder of its gateway


class GatewayError(RuntimeError):
    """The embedded AWS did not start; the message says what it printed last."""


@dataclass(frozen=True)
class Gateway:
    """A running embedded AWS."""

    pid: int
    created: float  # the process's start, seconds since the epoch: a reused pid is not it
    port: int
    proxy: int = 0  # the port of forward.py
    certificates: str = ""  # the folder of certificates.py's files
    enforcing: bool = False  # whether each call asks the policies of roles, buckets and keys, over https

    @property
    def url(self) -> str:
        """The endpoint of every service."""
        return f"{'https' if self.enforcing else 'http'}://{HOST}:{self.port}"

    def ssl_context(self) -> ssl.SSLContext | None:
        """What Python's own HTTP client needs to trust it; None where there is no TLS."""
        return tls.context(Path(self.certificates)) if self.enforcing else None

    def environment(self, outside: Mapping[str, str] | None = None) -> dict[str, str]:
        """The variables that point any AWS tool at it, for an environment that is otherwise `outside` (None: ours)."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            **proxies.variables(
                f"http://{HOST}:{self.proxy}", Path(self.certificates), os.environ if outside is None else outside
            ),
        }

    def alive(self) -> bool:
        """Whether that very process still runs."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < _CLOCK_SECONDS
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def answers(self, *, within: float) -> bool:
        """Whether it says within so many seconds that it is well; false at once when its process has ended."""
        deadline = time.monotonic() + within
        while self.alive():
            if _answers(self):
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return False


def running(home: Path) -> Gateway | None:
    """The embedded AWS that was started with this home folder, if it still runs."""
    try:
        gateway = Gateway(**json.loads(_note(home).read_text()))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None
    return gateway if gateway.alive() or _is_held(home) else None


def hold(home: Path) -> TextIO:
    """Say, as the embedded AWS's own process, that this home is in use, for as long as the file stays open.

    Raises GatewayError if another process has said so.
    """
    held = _held(home).open("w")
    for _ in range(_LOOKS):  # somebody may just be looking
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return held
        time.sleep(0.05)
    held.close()
    raise GatewayError(f"Another embedded AWS works in {home}.")


def start(
    home: Path,
    *,
    cache: Path,
    environment: Mapping[str, str],
    pace: float = 1.0,
    port: int = PORT,
    enforce: bool = False,
    notice: Callable[[str], object] = lambda _: None,
) -> Gateway:
    """Start it, or find the one that runs. Takes `port`, or a free one if that is taken or 0.

    `environment` is the caller's: its PATH must lead to `node`, for the functions that CDK itself ships. With `enforce`
    every call asks policies, over https. `notice` is told what it waits for.

    Raises GatewayError when it does not answer within a minute or ends at once, or runs without asking policies. One
    that runs is never ended here.
    """
    home.mkdir(parents=True, exist_ok=True)
    with _turn(home, notice):
        if found := running(home):
            _wait_for_answer(found, notice)
            if enforce and not found.enforcing:
                raise GatewayError("The embedded AWS runs already, and does not enforce policies: stop it first.")
            return found
        clear(home)
        chosen = port if port and _free(port) else any_free_port()
        run = partial(_run, home, cache=cache, environment=environment, pace=pace, enforce=enforce)
        try:
            return run(chosen)
        except GatewayError as error:
            if os.strerror(errno.EADDRINUSE) not in str(error):
                raise
            # Another program that was starting at the same time has taken a port first.
            return run(any_free_port())


def _run(home: Path, port: int, *, cache: Path, environment: Mapping[str, str], pace: float, enforce: bool) -> Gateway:
    proxy = port + 1 if port == PORT and _free(port + 1) else any_free_port()
    options = {"port": port, "proxy": proxy, "home": home, "pace": pace, "cache": cache}
    certificates = home / "certificates"
    with log(home).open("wb") as output:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "embedded_aws",
                *_options(**options, certificates=certificates),
                *["--enforce"] * enforce,
            ],
            cwd=_ROOT,
            env=_without_aws(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    created = psutil.Process(process.pid).create_time()
    gateway = Gateway(process.pid, created, port, proxy, str(certificates), enforce)
    _note(home).write_text(json.dumps(asdict(gateway)))
    _wait_until_it_answers(process, gateway, home)
    process.returncode = 0  # it outlives us on purpose: without this, Popen warns that it still runs
    return gateway


def stop(home: Path, *, grace: float = _STOP_SECONDS) -> bool:
    """End it with everything it runs; true if there was one. What it held is gone with it.

    It has so many seconds to end by itself before it is killed.
    """
    gateway = running(home)
    if gateway:
        _end(gateway, grace)
    clear(home)
    return gateway is not None


def died(home: Path) -> bool:
    """Whether there was one that did not end by itself, nor was stopped: it may have left processes."""
    return _note(home).exists() and running(home) is None


def clear(home: Path) -> int:
    """End what one that is gone has left running, and forget what it held; how many processes that were."""
    left = list(_left(home))
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _left_after(_STOP_SECONDS, left)
    _note(home).unlink(missing_ok=True)
    shutil.rmtree(home / "state", ignore_errors=True)
    return len(left)


def log(home: Path) -> Path:
    """The file that holds what it prints."""
    return home / "gateway.log"


def _options(**values: object) -> list[str]:
    given = {**values, "images": _ROOT / "embedded_aws" / "images"}
    return [text for name, value in given.items() for text in (f"--{name}", str(value))]


def _note(home: Path) -> Path:
    return home / "gateway.json"


def _held(home: Path) -> Path:
    return home / "running.lock"


def _is_held(home: Path) -> bool:
    try:
        with _held(home).open() as held:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _left(home: Path) -> Iterator[psutil.Process]:
    """The processes that an embedded AWS of this home has started: their environment places them in its folder."""
    state = home.resolve() / "state"
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            environment = process.environ()
            if any(Path(environment[name]).is_relative_to(state) for name in _OWN if name in environment):
                yield process


@contextlib.contextmanager
def _turn(home: Path, notice: Callable[[str], object]) -> Iterator[None]:
    """Let one at a time start it."""
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


def _wait_for_answer(found: Gateway, notice: Callable[[str], object]) -> None:
    if _answers(found):
        return
    notice(f"The embedded AWS (process {found.pid}) is at work on something else: waiting for its answer")
    if not found.answers(within=_PATIENCE_SECONDS):
        raise GatewayError(
            f"The embedded AWS (process {found.pid}) runs, and has not answered for {_PATIENCE_SECONDS} seconds: it is "
            "very busy, or hangs. Try again later, or end it, and all that it holds, with `./lab down`."
        )


def _without_aws(environment: Mapping[str, str]) -> dict[str, str]:
    """No account of the caller's may reach what runs here; node finds the packages of CDK's own functions.

    glibc may give each of its many threads memory of its own to hoard: a tenth of all that it takes.
    """
    kept = {name: value for name, value in environment.items() if not name.startswith("AWS_")}
    return {"MALLOC_ARENA_MAX": "2", **kept, "NODE_PATH": str(_ROOT / "node_modules")}


def _wait_until_it_answers(process: subprocess.Popen[bytes], gateway: Gateway, home: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if _listens(gateway) and _answers(gateway):
            return
        time.sleep(0.05)
    _end(gateway, _STOP_SECONDS)
    last = "\n".join(log(home).read_text(errors="replace").splitlines()[-5:])
    raise GatewayError(f"The embedded AWS did not start; it printed last:\n{last}\nThe whole log is {log(home)}.")


def _listens(gateway: Gateway) -> bool:
    """Whether it is this very process that has the port."""
    try:
        connections = psutil.Process(gateway.pid).net_connections("tcp")
    except psutil.NoSuchProcess:
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == gateway.port for one in connections)


def _answers(gateway: Gateway) -> bool:
    url, context = f"{gateway.url}/_ministack/health", gateway.ssl_context()
    try:
        with urllib.request.urlopen(url, timeout=2, context=context) as response:  # noqa: S310 - our own URL
            return bool(response.status == 200)  # noqa: PLR2004 - HTTP's OK
    except (urllib.error.URLError, OSError):
        return False


def _end(gateway: Gateway, grace: float) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(gateway.pid)
        family = [process, *process.children(recursive=True)]
        process.terminate()
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()  # one that somebody has stopped hears nothing
        left = _left_after(grace, family)
        for member in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        _left_after(_STOP_SECONDS, left)


def _left_after(seconds: float, processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended within so many seconds; one whose parent has not heard of its end yet has ended."""
    deadline = time.monotonic() + seconds
    while True:
        _, running = psutil.wait_procs(processes, timeout=0)
        processes = [each for each in running if not _is_zombie(each)]
        if not processes or time.monotonic() > deadline:
            return processes
        time.sleep(0.05)


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def any_free_port() -> int:
    """A port of the loopback address that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
