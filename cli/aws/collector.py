"""One collector of the lab's state, for every page and terminal that shows it: it asks AWS gently, and only if watched.

Each source has a rhythm of its own. When AWS asks for fewer calls the rhythm becomes slower, twice each time, and goes
back with the next answer; a source that the caller may not read is asked again after minutes, for rights may change.
"""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from cli.ui.errors import LabError
from teardown import refusals
from teardown.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_AT_ONCE = 6
_SLOWEST = 600.0  # seconds between two questions, whatever AWS refuses
_DENIED = 120.0  # seconds until a question is asked again that the caller may not ask
_LINGER = 20.0  # seconds that are asked on for nobody: a page that is loaded anew is away for a moment
# What IAM's refusals say, in every service that has words for it.
_ACTION = re.compile(r"not authorized to perform:? ([\w-]+:\w+)")


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


@dataclass
class _Asked:
    source: Source
    reading: Reading = Reading()
    due: float = 0.0
    pause: float = 0.0
    asking: bool = False
    watchers: int = 0
    left: float = 0.0  # when the last watcher went


class Collector:
    """Reads sources while somebody watches them, in threads of its own; `with` it, they run."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._asked = {source.name: _Asked(source) for source in sources}
        self._changed = threading.Condition()
        self._listeners: set[Callable[[str], None]] = set()
        self._over = False
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="collector")
        self._thread = threading.Thread(target=self._run, name="collector", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()
        self._thread.join()
        self._pool.shutdown(wait=False, cancel_futures=True)

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
                each.due = 0.0
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
                for each in awake:
                    if each.due <= now and not each.asking:
                        each.asking = True
                        self._pool.submit(self._ask, each)
                waiting = [each.due - now for each in awake if not each.asking]
                self._changed.wait(max(0.05, min(waiting, default=_SLOWEST)))

    def _ask(self, asked: _Asked) -> None:
        source, before = asked.source, asked.reading
        try:
            reading, pause = Reading(source.read(), at=datetime.now(UTC)), source.every
        except (ClientError, BotoCoreError) as error:
            reading, pause = replace(before, problem=explain(error)), _pause_after(error, asked)
        except (LabError, OSError, ValueError) as error:
            reading, pause = replace(before, problem=str(error)), 2 * source.every
        with self._changed:
            asked.reading, asked.asking, asked.pause = reading, False, pause
            asked.due = time.monotonic() + pause
            is_new = (reading.value, reading.problem) != (before.value, before.problem) or not before.is_there
            listeners = [*self._listeners] if is_new else []
            self._changed.notify_all()
        for hear in listeners:
            hear(source.name)


def explain(error: ClientError | BotoCoreError) -> str:
    """Say in a sentence why AWS did not answer: which right is missing, or what else it was."""
    if not isinstance(error, ClientError):
        return f"AWS does not answer: {error}"
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
    if isinstance(error, ClientError) and refusals.classify(error) in {Refusal.DENIED, Refusal.ABSENT}:
        return max(_DENIED, asked.source.every)
    return min(_SLOWEST, 2 * max(asked.pause, asked.source.every))
