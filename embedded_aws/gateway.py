"""Start, find and stop the embedded AWS: one background process, known by a note in its home folder.

It is alive as long as its process is, or holds its lock, however long it does not answer: busy is not dead. Nobody but
`stop` and `restart` ends it.
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
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from filelock import FileLock, Timeout

from embedded_aws import admin_token, processes, proxies, settings, tls
from embedded_aws.runtime import sandbox
from embedded_aws.settings import ACCOUNT, HOST, IMAGES, PORT, REGION, Settings

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping
    from typing import TextIO

__all__ = ["ACCOUNT", "HOST", "PORT", "REGION"]  # and what is defined below

_START_SECONDS = 60
_ANSWER_SECONDS = 60  # that one which runs may be too busy to answer
_STOP_SECONDS = 30
_HOLD_ATTEMPTS = 20
_FOLDER = Path(__file__).resolve().parent


class GatewayError(RuntimeError):
    """What kept the embedded AWS from starting, in a sentence; if it has printed anything, with the last of that."""


class NoAnswerError(GatewayError):
    """One runs, and does not answer."""


@dataclass(frozen=True)
class Gateway:
    """A running embedded AWS."""

    pid: int
    created: float  # the process's start, seconds since the epoch: a reused pid is not it
    port: int
    proxy: int = 0  # the port of the forward proxy
    certificates: str = ""  # the folder of the files that tls.py names
    admin_token: str = ""  # the file of the token for what only its owner may ask
    enforcing: bool = False  # whether each call asks the policies of roles, buckets and keys, over https
    cache: str = ""
    images: str = ""
    pace: float = 1.0
    unsandboxed: str = ""  # why its containers are no sandboxes, in a sentence
    foreground: bool = False  # whether somebody's terminal or service manager holds it

    @property
    def url(self) -> str:
        """The endpoint of every service."""
        return f"{'https' if self.enforcing else 'http'}://{HOST}:{self.port}"

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return what Python's own HTTP client needs to trust it; None where there is no TLS."""
        return tls.context(Path(self.certificates)) if self.enforcing else None

    def admin_request(self, path: str) -> urllib.request.Request:
        """Return the POST request to a path that only its owner may ask, such as `/_embedded_aws/…`.

        Raises GatewayError if the token can't be read.
        """
        headers = {admin_token.HEADER: self.read_admin_token()}
        return urllib.request.Request(f"{self.url}{path}", method="POST", headers=headers)  # noqa: S310 - our own URL

    def read_admin_token(self) -> str:
        """Return the token for what only its owner may ask. Raises GatewayError if it can't be read."""
        try:
            return Path(self.admin_token).read_text()
        except OSError as error:
            raise GatewayError(
                f"The token of the embedded AWS (process {self.pid}) can't be read: {self.admin_token or 'its file'}: "
                f"{error.strerror}. Stop and start it, and it writes a new one."
            ) from None

    def environment(self, outside: Mapping[str, str] | None = None, *, account: str = "test") -> dict[str, str]:
        """Return the variables that point any AWS tool at it.

        They are for an environment that is otherwise `outside` (None: ours).

        `account` is the access key: twelve digits are the root of the account of that number, `test` of ACCOUNT.
        """
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            **proxies.variables(
                f"http://{HOST}:{self.proxy}", Path(self.certificates), os.environ if outside is None else outside
            ),
        }

    def alive(self) -> bool:
        """Tell whether that very process still runs."""
        return processes.runs(self.pid, self.created)

    def answers(self, *, within: float) -> bool:
        """Tell whether it says within so many seconds that it is well; false at once when its process has ended."""
        deadline = time.monotonic() + within
        while self.alive():
            if _answers(self):
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return False


def running(home: Path) -> Gateway | None:
    """Return the embedded AWS that was started with this home folder, if it still runs."""
    try:
        gateway = Gateway(**json.loads(_note(home).read_text()))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None
    return gateway if gateway.alive() or _is_held(home) else None


def hold(home: Path) -> TextIO:
    """Say, as the embedded AWS's own process, that this home is in use, for as long as the file stays open.

    Raises GatewayError if another process has said so.
    """
    held = _lock(home).open("w")
    for _ in range(_HOLD_ATTEMPTS):  # somebody may just be looking
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
    images: Path = IMAGES,
    pace: float = 1.0,
    port: int = PORT,
    only_port: bool = False,
    enforce: bool = False,
    owner: int = 0,
    notice: Callable[[str], object] = lambda _: None,
) -> Gateway:
    """Start it, or find the one that runs. Takes `port`, or a free one if that is 0, or taken and not the `only_port`.

    `environment` is the caller's: its PATH must lead to `node`, and its NODE_PATH to the packages of AWS's Node
    runtimes, for the functions that CDK itself ships. With `enforce` every call asks policies, over https. It ends with
    the process `owner`, if one is named. `notice` is told what it waits for.

    Raises GatewayError when it does not answer within a minute or ends at once, or runs without asking policies. One
    that runs is never ended here.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _one_at_a_time(home, notice):
        if found := running(home):
            _wait_for_answer(found, notice)
            if enforce and not found.enforcing:
                raise GatewayError("The embedded AWS runs already, and does not enforce policies: stop it first.")
            return found
        clear(home)
        chosen = _port(port, only=only_port)
        wanted = _settings(home, cache=cache, images=images, pace=pace, enforce=enforce, port=chosen, owner=owner)
        try:
            return _run(wanted, environment)
        except GatewayError as error:
            if only_port or os.strerror(errno.EADDRINUSE) not in str(error):
                raise
            # Another program that was starting at the same time has taken a port first.
            return _run(replace(wanted, port=any_free_port(), proxy=any_free_port()), environment)


def begin_here(home: Path, *, cache: Path, images: Path, pace: float, port: int, enforce: bool) -> Settings:
    """Note this very process as the embedded AWS of a home folder, and return what it is to serve.

    Raises GatewayError if one runs there, or the port is taken.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _one_at_a_time(home, lambda _: None):
        if found := running(home):
            raise GatewayError(f"The embedded AWS runs already on {found.url} (process {found.pid}): stop it first.")
        clear(home)
        chosen = _settings(home, cache=cache, images=images, pace=pace, enforce=enforce, port=_port(port, only=True))
        _write_note(chosen, os.getpid(), os.environ, foreground=True)
    return chosen


def restart(home: Path) -> Gateway:
    """End the one that runs and start it anew, empty, with the settings and the environment that it was started with.

    Raises GatewayError if none runs, or somebody's terminal holds it.
    """
    found = running(home)
    if found is None:
        raise GatewayError("The embedded AWS does not run.")
    if found.foreground:
        raise GatewayError(f"The embedded AWS (process {found.pid}) runs in the foreground: end and start it there.")
    environment = psutil.Process(found.pid).environ()
    with _one_at_a_time(home, lambda _: None):
        stop(home)
        same = Settings(
            home=home.resolve(),
            port=found.port,
            proxy=found.proxy,
            cache=Path(found.cache),
            images=Path(found.images),
            pace=found.pace,
            enforce=found.enforcing,
        )
        return _run(same, environment)


def stop(home: Path, *, grace: float = _STOP_SECONDS) -> bool:
    """End it with everything it runs; true if there was one. What it held is gone with it.

    It has so many seconds to end by itself before it is killed.
    """
    gateway = running(home)
    if gateway:
        processes.end(gateway.pid, grace)
    clear(home)
    return gateway is not None


def died(home: Path) -> bool:
    """Tell whether there was one that did not end by itself, nor was stopped: it may have left processes."""
    return _note(home).exists() and running(home) is None


def recover(home: Path) -> str:
    """Clear away one that died, and keep the files of its notebook instances; return what there is to tell of it."""
    count = _end_left(home)
    kept = _keep_files(home)
    clear(home)
    left = f" {count} process{'es' * (count != 1)} that it left ended now." if count else ""
    files = f" The files of its notebook instances are in {kept} now." if kept else ""
    return f"The embedded AWS had died, and what it held is lost.{left}{files}"


def _keep_files(home: Path) -> Path | None:
    """Put the notebook instances' files where nothing deletes them; return the folder, if there was any."""
    kept = home / "kept" / time.strftime("%Y-%m-%dT%H-%M-%S")
    for volume in settings.state(home).glob("notebooks/*/home/ec2-user/SageMaker"):
        if any(each.is_file() for each in volume.rglob("*")):
            place = kept / volume.relative_to(settings.state(home)).parts[1]
            place.parent.mkdir(parents=True, exist_ok=True)
            volume.rename(place)
    return kept if kept.exists() else None


def _end_left(home: Path) -> int:
    """End what one that is gone has left running; return how many processes that were."""
    left = list(processes.working_in(settings.state(home)))
    processes.kill(left)
    return len(left)


def clear(home: Path) -> int:
    """End what one that is gone has left running, and forget what it held; return how many processes that were."""
    count = _end_left(home)
    _note(home).unlink(missing_ok=True)
    settings.admin_token(home).unlink(missing_ok=True)
    shutil.rmtree(settings.state(home), ignore_errors=True)
    return count


def log(home: Path) -> Path:
    """Return the file that holds what it prints."""
    return home / "gateway.log"


def any_free_port() -> int:
    """Return a port of the loopback address that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _port(wanted: int, *, only: bool) -> int:
    if wanted and _is_free(wanted):
        return wanted
    if wanted and only:
        raise GatewayError(
            f"Port {wanted} is taken by {processes.listener(wanted)}: name another, or --port 0 for any that is free."
        )
    return any_free_port()


def _settings(
    home: Path, *, cache: Path, images: Path, pace: float, enforce: bool, port: int, owner: int = 0
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
    )


def _run(wanted: Settings, environment: Mapping[str, str]) -> Gateway:
    """Start a server in the background; return once it answers."""
    with log(wanted.home).open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "embedded_aws", "serve", *wanted.arguments],
            # A source tree's own package is found from beside it; one that is installed, from anywhere.
            cwd=_FOLDER.parent if (_FOLDER / "pyproject.toml").exists() else wanted.home,
            env=without_aws(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    gateway = _write_note(wanted, process.pid, environment, foreground=False)
    _wait_until_it_answers(process, gateway, wanted.home)
    process.returncode = 0  # it outlives us on purpose: without this, Popen warns that it still runs
    return gateway


def _write_note(of: Settings, pid: int, environment: Mapping[str, str], *, foreground: bool) -> Gateway:
    found = sandbox.find(environment)
    gateway = Gateway(
        pid=pid,
        created=processes.created(pid),
        port=of.port,
        proxy=of.proxy,
        certificates=str(settings.certificates(of.home)),
        admin_token=str(of.admin_token),
        enforcing=of.enforce,
        cache=str(of.cache),
        images=str(of.images),
        pace=of.pace,
        unsandboxed=found if isinstance(found, str) else "",
        foreground=foreground,
    )
    _note(of.home).write_text(json.dumps(asdict(gateway)))
    return gateway


def _note(home: Path) -> Path:
    return home / "gateway.json"


def _lock(home: Path) -> Path:
    """Return the file that the embedded AWS's own process keeps locked."""
    return home / "running.lock"


def _is_held(home: Path) -> bool:
    try:
        with _lock(home).open() as held:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


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


def _wait_for_answer(found: Gateway, notice: Callable[[str], object]) -> None:
    if _answers(found):
        return
    notice(f"The embedded AWS (process {found.pid}) is at work on something else: waiting for its answer")
    if not found.answers(within=_ANSWER_SECONDS):
        raise NoAnswerError(
            f"The embedded AWS (process {found.pid}) runs, and has not answered for {_ANSWER_SECONDS} seconds: it is "
            "very busy, or hangs. Try again later, or stop it, which ends all that it holds."
        )


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
        if processes.listens(gateway.pid, gateway.port) and _answers(gateway):
            return
        time.sleep(0.05)
    processes.end(gateway.pid, _STOP_SECONDS)
    last = "\n".join(log(home).read_text(errors="replace").splitlines()[-5:])
    raise GatewayError(f"The embedded AWS did not start; it printed last:\n{last}\nThe whole log is {log(home)}.")


def _answers(gateway: Gateway) -> bool:
    url, context = f"{gateway.url}/_ministack/health", gateway.ssl_context()
    try:
        with urllib.request.urlopen(url, timeout=2, context=context) as response:  # noqa: S310 - our own URL
            return bool(response.status == 200)  # noqa: PLR2004 - HTTP's OK
    except (urllib.error.URLError, OSError):
        return False


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
