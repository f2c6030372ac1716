"""What is noted of an embedded AWS in its home folder: which process it is, where it answers, how it was started.

It is alive as long as its process is, or holds its lock, however long it does not answer: busy is not dead.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from embedded_aws import admin_token, processes, proxies, settings, tls
from embedded_aws.runtime import sandbox
from embedded_aws.settings import HOST, REGION, Settings

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from typing import TextIO

_HOLD_ATTEMPTS = 20


class GatewayError(RuntimeError):
    """What kept the embedded AWS from starting, in a sentence; if it has printed anything, with the last of that."""


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
    containers: str = ""  # the engine that may run images of one's own; empty: none

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

    def is_well(self) -> bool:
        """Tell whether it says now that it is well."""
        url, context = f"{self.url}/_ministack/health", self.ssl_context()
        try:
            with urllib.request.urlopen(url, timeout=2, context=context) as said:  # noqa: S310 - our own URL
                return bool(said.status == HTTPStatus.OK)
        except (urllib.error.URLError, OSError):
            return False

    def answers(self, *, within: float) -> bool:
        """Tell whether it says within so many seconds that it is well; false at once when its process has ended."""
        deadline = time.monotonic() + within
        while self.alive():
            if self.is_well():
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return False


def running(home: Path) -> Gateway | None:
    """Return the embedded AWS that was started with this home folder, if it still runs."""
    gateway = last(home)
    return gateway if gateway and (gateway.alive() or _is_held(home)) else None


def last(home: Path) -> Gateway | None:
    """Return the embedded AWS that was started last with this home folder, unless it was stopped."""
    try:
        return Gateway(**json.loads(_note(home).read_text()))
    except (FileNotFoundError, json.JSONDecodeError, TypeError):
        return None


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


def died(home: Path) -> bool:
    """Tell whether there was one that did not end by itself, nor was stopped: it may have left processes."""
    return _note(home).exists() and running(home) is None


def write(of: Settings, pid: int, environment: Mapping[str, str], *, foreground: bool) -> Gateway:
    """Write that the process is the embedded AWS of such settings; `environment` is its own."""
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
        containers=of.containers,
    )
    _note(of.home).write_text(json.dumps(asdict(gateway)))
    return gateway


def remove(home: Path) -> None:
    """Take the note away."""
    _note(home).unlink(missing_ok=True)


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
