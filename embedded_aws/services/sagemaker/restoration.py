"""Bring back, after a start, what the records say that there was: each resource type's provider knows how.

It goes in two steps. Before the port answers, each record gets the status that it has after what happened, so that
nobody sees a job in progress of which nothing is left. Once it answers, what needs other services is done: hosts that
fetch their model, jobs that go on from their checkpoints.
"""

from __future__ import annotations

import logging
import queue
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from embedded_aws.services.sagemaker.provider import Provider, Work
    from embedded_aws.services.sagemaker.store import Record, Store

log = logging.getLogger(__name__)

_AT_ONCE = 4  # hosts that start compete for the processors


class Restoration:
    """What of a store's records comes back, and what does not."""

    def __init__(self, store: Store, providers: Mapping[str, Provider]) -> None:
        """Give every record its status."""
        self._work: queue.SimpleQueue[tuple[Record, Work]] = queue.SimpleQueue()
        self._pending: dict[Record, None] = {}
        self._lost: dict[Record, None] = {}
        self._closed = False
        records = store.every()
        # A type whose provider uses other types' operations comes after them in the table.
        for name, provider in providers.items():
            for record in records:
                if record.resource_type.name == name:
                    self._prepare(provider, record)

    def start(self) -> None:
        """Begin with what needs other services."""
        for number in range(min(_AT_ONCE, self._work.qsize())):
            threading.Thread(target=self._run, name=f"restoration {number}", daemon=True).start()

    def report(self) -> dict[str, list[str]]:
        """Return what is still to come, and what was lost, in words for people."""
        return {"pending": [*_words(list(self._pending))], "lost": [*_words(list(self._lost))]}

    def close(self) -> None:
        """Begin with nothing more."""
        self._closed = True

    def _prepare(self, provider: Provider, record: Record) -> None:
        before = record.status
        try:
            work = provider.restore(record)
        except Exception:
            log.exception("%s", record.arn)
            self._lost[record] = None
            return
        if work:
            self._pending[record] = None
            self._work.put((record, work))
        elif record.status == "Failed" != before:
            self._lost[record] = None

    def _run(self) -> None:
        while not self._closed:
            try:
                record, work = self._work.get_nowait()
            except queue.Empty:
                return
            try:
                work()
            except Exception:
                log.exception("%s", record.arn)
                self._lost[record] = None
            if record.status == "Failed":
                self._lost[record] = None
            del self._pending[record]


def _words(records: Iterable[Record]) -> Iterator[str]:
    """Yield the records by their types: the name of one, the number of several."""
    names: dict[str, list[str]] = {}
    for record in records:
        names.setdefault(record.resource_type.arn_type.replace("-", " "), []).append(record.name)
    for what, those in names.items():
        yield f"{what} {those[0]}" if len(those) == 1 else f"{len(those)} {what}s"
