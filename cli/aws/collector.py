"""One collector of the lab's state, for every page and terminal that shows it: it asks AWS gently, and only if watched.

Each source has a rhythm of its own. When AWS asks for fewer calls the rhythm becomes slower, twice each time, and goes
back with the next answer; a source that the caller may not read is asked again after minutes, for rights may change;
where nobody answers, it is asked on in its rhythm.

Codes of credentials that are not taken: "Common Errors" of AWS's API references; ExpiredToken, InvalidToken and
InvalidAccessKeyId are S3's ("Error responses" of its API reference).
"""

from __future__ import annotations

import re
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    LoginError,
    NoCredentialsError,
    SSOError,
    TokenRetrievalError,
)

from cli.ui.errors import LabError
from teardown import refusals
from teardown.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

UNREACHABLE = "AWS does not answer."
_AT_ONCE = 6
_SLOWEST = 600.0  # seconds between two questions, whatever AWS refuses
_AWAY = 5.0  # seconds until somebody is asked again who does not answer, or takes no credentials
_DENIED = 120.0  # seconds until a question is asked again that the caller may not ask
_LINGER = 20.0  # seconds that are asked on for nobody: a page that is loaded anew is away for a moment
# What IAM's refusals say, in every service that has words for it.
_ACTION = re.compile(r"not authorized to perform:? ([\w-]+:\w+)")
_NOT_TAKEN = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "RequestExpired",
    "UnrecognizedClientException",
}
_NO_CREDENTIALS = (CredentialRetrievalError, LoginError, NoCredentialsError, SSOError, TokenRetrievalError)


@dataclass(frozen=True)
class Source:
    """Something of the lab that is asked for: `read` asks AWS, `every` so many seconds."""

    name: str
    read: Callable[[], Any]
    every: float


@dataclass(frozen=True)
class Reading:
    """What is known of a source: the last value, and in `problem` why there is none, or no newer one."""

    value: Any = None
    problem: str = ""
    at: datetime | None = None

    @property
    def is_there(self) -> bool:
        """Return whether it has been asked for, with whatever outcome."""
        return self.at is not None or bool(self.problem)


@dataclass(eq=False)
class _Asked:
    source: Source
    reading: Reading = Reading()
    due: float = 0.0
    pause: float = 0.0
    asking: bool = False
    again: bool = False  # whether something was done while it was asked for
    watchers: int = 0
    left: float = 0.0  # when the last watcher went


class Collector:
    """Reads sources while somebody watches them, in threads of its own; `with` it, they run.

    Nobody waits for those threads at the end: an answer may take a minute. `unreachable` is what to say without one.
    """

    def __init__(self, sources: Iterable[Source], unreachable: str = UNREACHABLE) -> None:
        self._asked = {source.name: _Asked(source) for source in sources}
        self._unreachable = unreachable
        self._changed = threading.Condition()
        self._listeners: set[Callable[[str], None]] = set()
        self._over = False
        self._thread = threading.Thread(target=self._run, name="collector", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()
        self._thread.join()

    def readings(self) -> dict[str, Reading]:
        """Return what is known of every source."""
        with self._changed:
            return {name: each.reading for name, each in self._asked.items()}

    @contextmanager
    def watching(self, *names: str) -> Iterator[None]:
        """Have these sources read while the block runs, all if none is named."""
        with self._changed:
            watched = [self._asked[name] for name in names or [*self._asked]]
            for each in watched:
                each.watchers += 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                for each in watched:
                    each.watchers -= 1
                    each.left = time.monotonic()

    @contextmanager
    def adding(self, source: Source) -> Iterator[None]:
        """Have one more source while the block runs; one of this name that is there is watched too."""
        with self._changed:
            self._asked.setdefault(source.name, _Asked(source))
        try:
            with self.watching(source.name):
                yield
        finally:
            with self._changed:
                if not self._asked[source.name].watchers:
                    del self._asked[source.name]

    @contextmanager
    def listening(self, hear: Callable[[str], None]) -> Iterator[None]:
        """Call `hear` with a source's name, from a thread, each time that it has another reading."""
        with self._changed:
            self._listeners.add(hear)
        try:
            yield
        finally:
            with self._changed:
                self._listeners.discard(hear)

    def ask_now(self) -> None:
        """Ask for everything that is watched without waiting for its time: something was done."""
        with self._changed:
            for each in self._asked.values():
                each.due, each.again = 0.0, each.asking
            self._changed.notify_all()

    def wait_for_all(self, seconds: float) -> bool:
        """Wait until all that is watched has been read once; return whether that is so."""
        with self._changed:
            return self._changed.wait_for(
                lambda: all(each.reading.is_there for each in self._asked.values() if each.watchers), seconds
            )

    def _run(self) -> None:
        with self._changed:
            while not self._over:
                now = time.monotonic()
                awake = [e for e in self._asked.values() if e.watchers or (e.left and now - e.left < _LINGER)]
                room = _AT_ONCE - sum(each.asking for each in self._asked.values())
                due = sorted((e for e in awake if e.due <= now and not e.asking), key=lambda e: e.due)
                for each in due[:room]:
                    each.asking = True
                    threading.Thread(target=self._ask, args=(each,), name=each.source.name, daemon=True).start()
                # Who finds no room is asked for when another's answer is there, which wakes this thread.
                waiting = [each.due - now for each in awake if not each.asking and each not in due]
                self._changed.wait(max(0.05, min(waiting, default=_SLOWEST)))

    def _ask(self, asked: _Asked) -> None:
        source, before = asked.source, asked.reading
        try:
            reading, pause = Reading(source.read(), at=datetime.now(UTC)), source.every
        except (ClientError, BotoCoreError) as error:
            reading, pause = replace(before, problem=explain(error, self._unreachable)), _pause_after(error, asked)
        except (LabError, OSError, ValueError) as error:
            reading, pause = replace(before, problem=str(error)), 2 * source.every
        except Exception as error:  # noqa: BLE001 - without an end it would seem to be asked for ever
            said = f"The {source.name} could not be read ({type(error).__name__}: {error})."
            reading, pause = replace(before, problem=said), 2 * source.every
        with self._changed:
            asked.due = 0.0 if asked.again else time.monotonic() + pause
            asked.reading, asked.asking, asked.again, asked.pause = reading, False, False, pause
            is_new = (reading.value, reading.problem) != (before.value, before.problem) or not before.is_there
            listeners = [*self._listeners] if is_new else []
            self._changed.notify_all()
        for hear in listeners:
            hear(source.name)


def explain(error: ClientError | BotoCoreError, unreachable: str = UNREACHABLE) -> str:
    """Say in a sentence why AWS did not answer: which right is missing, or what else it was.

    What holds for every question alike is the same sentence for all of them.
    """
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if code in _NOT_TAKEN or isinstance(error, _NO_CREDENTIALS):
        return f"AWS does not take your credentials any more ({code or error}): log in and type the command again."
    if not isinstance(error, ClientError):
        return unreachable if refusals.is_passing(error) else f"AWS could not be asked: {error}"
    refusal, said = refusals.classify(error), error.response["Error"].get("Message", "")
    if refusal is Refusal.DENIED:
        action = _ACTION.search(said)
        return f"You lack the right {action[1] if action else error.operation_name}."
    if refusal is Refusal.SLOW:
        return "AWS asks for fewer calls: what is shown is older than usual."
    if refusal is Refusal.ABSENT:
        return f"{error.operation_name} is not to be had here."
    return f"AWS refused {error.operation_name}: {said}"


def _pause_after(error: ClientError | BotoCoreError, asked: _Asked) -> float:
    if not isinstance(error, ClientError) or error.response["Error"]["Code"] in _NOT_TAKEN:
        return max(_AWAY, asked.source.every)
    if refusals.classify(error) in {Refusal.DENIED, Refusal.ABSENT}:
        return max(_DENIED, asked.source.every)
    return min(_SLOWEST, 2 * max(asked.pause, asked.source.every))
