"""ministack's services come back as they were: what they hold goes to the database while they work.

An answer to a call that changes something is given when the change is kept. What goes on by itself afterwards (a stack
that is being made, a function's log, an alarm) is kept within half a second; all services of that moment together, so
that no stack knows of a resource that is not there. Objects of S3 are kept by s3_storage.py, each with its own answer.
ministack itself writes its state when it is ended in order, and loses it when it is killed.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import ministack.app
from ministack.services import lambda_svc, s3

from embedded_aws.database import StateError
from embedded_aws.patches import service_handlers, service_states, stack_recovery
from embedded_aws.patches.changing_requests import READ_METHODS, changed_object, changes, object_of
from embedded_aws.patches.kept_logs import KeptLogs
from embedded_aws.patches.kept_metrics import KeptMetrics
from embedded_aws.patches.kept_rows import KeptRows
from embedded_aws.patches.patching import Patches
from embedded_aws.patches.service_states import LOGS, METRICS, OTHERS, STACKS, loaded

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection

    from embedded_aws.database import Database
    from embedded_aws.patches.service_handlers import Handler, HandlerWrapper, Response

log = logging.getLogger(__name__)

_SECONDS = 0.5
_ALL_EVERY = 20  # looks: what changes without anybody having asked for it
_ATTEMPTS = 5  # while threads change what is being read
_SETTLED = frozenset({STACKS, "lambda", "iam", "kms", "ssm"})
"""Services that change only when they are called, or a stack is at work; a class's make up most of what there is."""

patches = Patches()


class Persistence:
    """Keeps the state of ministack's services in a database. Made once, on the event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows = KeptRows(database)
        self._logs = KeptLogs(database, self._rows)
        self._metrics = KeptMetrics(database)
        self._changed = False  # something, by a call, since the last look
        self._asked: set[str] = set()  # services, since then
        self._at_work: dict[str, tuple[str, int]] = {}  # stacks, then
        self._failing = False
        self._looking: asyncio.Task[None] | None = None
        self._resuming: asyncio.Task[None] | None = None

    def restore(self) -> None:
        """Give the services what was kept of them."""
        kept = self._rows.load()
        self._logs.give_back(kept.get(LOGS, {}))
        self._metrics.give_back()
        service_states.give_back(kept)
        self._logs.watch()
        self._metrics.watch()
        patches.apply()
        stack_recovery.patches.apply()

    def apply(self) -> None:
        """Keep what changes from now on."""
        for name, config in ministack.app.SERVICE_REGISTRY.items():
            states = {config.get("state_key", config["module"]), *config.get("sub_modules", ())}
            service_handlers.wrap(name, self._keeping(name, states))
        self._looking = asyncio.get_running_loop().create_task(self._look())

    def resume(self, remove_unknown: Callable[[str, set[str]], object]) -> None:
        """Go on, once the port answers, with stacks that were at work; see stack_recovery.py."""
        self._resuming = asyncio.get_running_loop().create_task(stack_recovery.resume(remove_unknown))

    def close(self) -> None:
        """Write all once more."""
        if self._looking:
            self._looking.get_loop().call_soon_threadsafe(self._looking.cancel)
        self.flush_all()

    def flush_all(self) -> None:
        """Write all that has changed. Raises StateError."""
        self.flush(loaded(), whole=True)

    def flush(self, services: Collection[str], *, whole: bool = False, a_round: bool = False) -> None:
        """Write what has changed of some services in one transaction. Raises StateError.

        `whole`: leave out no stack, log stream or metric that nobody asked for; `a_round`: nor what was asked for a
        moment ago. Raises RuntimeError if another thread goes on changing what is being read.
        """
        for attempt in range(_ATTEMPTS):
            try:
                with self._database.transaction() as connection:
                    for service in loaded() & {*services}:
                        # What a transaction that has failed would have written is no longer noted.
                        everything = whole or self._failing or attempt > 0
                        self._write(connection, service, whole=everything, a_round=a_round)
                    self._rows.write(connection, OTHERS, service_states.others())
                break
            except StateError:
                self._forget_written()
                self._failing = True
                raise
            except RuntimeError:
                self._forget_written()
                if attempt == _ATTEMPTS - 1:
                    raise
        if self._failing:
            log.warning("what the embedded AWS holds is kept again")
            self._failing = False

    def _forget_written(self) -> None:
        self._rows.forget_written()
        self._logs.forget_written()
        self._metrics.forget_written()

    def _write(self, connection: sqlite3.Connection, service: str, *, whole: bool, a_round: bool) -> None:
        match service:
            case service_states.STACKS:
                fingerprint = None if whole else service_states.of_stack
                self._rows.write(connection, service, service_states.stacks(), fingerprint=fingerprint)
            case service_states.LOGS:
                self._rows.write(connection, service, service_states.logs())
                self._logs.write(connection, whole=whole, a_round=a_round)
            case service_states.METRICS:
                self._rows.write(connection, service, service_states.metrics())
                self._metrics.write(connection, whole=whole, a_round=a_round)
            case _:
                state = ministack.app._get_module(ministack.app._state_map[service]).get_state()
                if state is not None:  # else the module could not be loaded, and knows of nothing
                    self._rows.write(connection, service, state)

    async def _look(self) -> None:
        """Write, every half second, what has changed by itself."""
        looks = 0
        while True:
            await asyncio.sleep(_SECONDS)
            looks += 1
            at_work, failed_before = service_states.stacks_at_work(), self._failing
            try:
                self._database.note_alive()
                if looks % _ALL_EVERY == 0 or self._failing:
                    self.flush_all()
                elif at_work != self._at_work or (at_work and self._changed):
                    self.flush(loaded(), a_round=True)
                elif self._changed:
                    self.flush(loaded() - _SETTLED, a_round=True)
                else:
                    # Whoever asks may be waiting for what goes on by itself. What a stack makes is kept with the stack.
                    always = {LOGS, METRICS}
                    self.flush(always if at_work else always | self._asked - _SETTLED, a_round=True)
                self._changed, self._asked, self._at_work = False, set(), at_work
            except (StateError, RuntimeError):
                if not failed_before:  # else it has been said
                    log.exception("the state is not kept just now")

    def _keeping(self, name: str, states: set[str]) -> HandlerWrapper:
        async def kept(
            handler: Handler, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
        ) -> Response:
            if name == "s3" and self._at_work and (bucket := changed_object(method, path)):
                self._keep_bucket(bucket)
            answer = await handler(method, path, headers, body, query)
            if name != "s3" or not (bucket := object_of(path)):
                self._asked |= states
            elif method not in READ_METHODS and bucket in s3._bucket_notifications:
                self._changed = True  # other services are told of it, by and by
            if changes(name, method, path, headers, body, query):
                self._changed = True
                everything = name == STACKS
                self.flush(loaded() if everything else states, whole=everything)
            return answer

        return kept

    def _keep_bucket(self, bucket: str) -> None:
        """Keep everything if a stack has just made the bucket of an object: no object may be there without it."""
        if not self._rows.holds("s3", "buckets_meta", bucket):
            self.flush(loaded())


@patches.replaces(lambda_svc._prune_orphan_code_blobs)
def _prune_orphan_code_blobs(referenced: set[str]) -> None:
    """Leave the code of functions where it is while the embedded AWS runs: what is kept may still name it."""
