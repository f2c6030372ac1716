"""ministack's services come back as they were: what they hold goes to the database while they work.

An answer to a call that changes something is given when the change is kept. What goes on by itself afterwards (a stack
that is being made, a function's log, an alarm) is kept within half a second; all services of that moment together, so
that no stack knows of a resource that is not there. Objects of S3 are kept by s3_storage.py, each with its own answer.
ministack itself writes its state when it is ended in order, and loses it when it is killed.
"""

from __future__ import annotations

import ast
import asyncio
import json
import logging
import re
import sys
from typing import TYPE_CHECKING, Any

import ministack.app
from ministack.core import persistence
from ministack.core.responses import AccountRegionScopedDict
from ministack.services import cloudformation, cloudwatch, cloudwatch_logs, eventbridge, lambda_svc, scheduler, sts

from embedded_aws.database import StateError
from embedded_aws.patches import service_handlers, stack_recovery
from embedded_aws.patches.kept_rows import KeptRows
from embedded_aws.patches.kept_series import KeptSeries
from embedded_aws.patches.patching import Patches

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Mapping

    from embedded_aws.database import Database
    from embedded_aws.patches.service_handlers import Handler, HandlerWrapper, Response

log = logging.getLogger(__name__)

_SECONDS = 0.5
_ALL_EVERY = 20  # looks: what changes without anybody having asked for it
_ATTEMPTS = 5  # while threads change what is being read
_STACKS, _LOGS, _METRICS = "cloudformation", "cloudwatch_logs", "cloudwatch"
_HEAVY = frozenset({_STACKS, "lambda"})  # they change only when they are called, or a stack is at work
_OTHERS = "others"
_OBJECT = re.compile(r"/([^/]+)/.+")
_ACTION = re.compile(rb"(?:^|&)Action=(\w+)")
_INVOCATION = re.compile(r"/(response-streaming-)?invoc\w+$")
_READ_METHODS = ("GET", "HEAD", "OPTIONS")
_READS = re.compile(
    "AssumeRole|BatchGet|Check|Decrypt|Describe|Encrypt|Estimate|Filter|Generate|Get|Head|Invoke|List|Lookup|Preview"
    "|Query|ReEncrypt|Scan|Search|Sign|Simulate|Test|Validate|Verify"
)

patches = Patches()


class Persistence:
    """Keeps the state of ministack's services in a database. Made once, on the event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows = KeptRows(database)
        self._events = KeptSeries(database, "log events")
        self._points = KeptSeries(database, "metric values")
        self._asked = False  # since the last look
        self._at_work = False  # a stack was, then
        self._failing = False
        self._looking: asyncio.Task[None] | None = None
        self._resuming: asyncio.Task[None] | None = None

    def restore(self) -> None:
        """Give the services what was kept of them."""
        kept = self._rows.load()
        for store, listed in kept.pop(_OTHERS, {}).items():
            _others()[store].update({tuple(key) if isinstance(key, list) else key: value for key, value in listed})
        if groups := kept.get(_LOGS, {}).get("log_groups"):
            events = self._events.load()
            for (account, region, group), value in groups._data.items():
                for name, stream in value["streams"].items():
                    stream["events"] = events.get(repr((account, region, group, name)), [])
        kept.setdefault(_METRICS, {})
        for name, points in self._points.load().items():
            cloudwatch._metrics._data[ast.literal_eval(name)] = points
        if functions := kept.get("lambda"):
            lambda_svc._prune_orphan_code_blobs(_code_files(functions))
        for service, state in kept.items():
            if module := ministack.app._state_map.get(service):
                ministack.app._get_module(module).load_persisted_state(state)
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
        self.flush(_loaded(), whole=True)

    def flush(self, services: Collection[str], *, whole: bool = False) -> None:
        """Write what has changed of some services in one transaction; `whole`: leave out no stack. Raises StateError.

        Raises RuntimeError if another thread goes on changing what is being read.
        """
        for attempt in range(_ATTEMPTS):
            try:
                with self._database.transaction() as connection:
                    for service in _loaded() & {*services}:
                        self._write(connection, service, whole=whole)
                    self._rows.write(connection, _OTHERS, {name: _listed(each) for name, each in _others().items()})
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
        self._events.forget_written()
        self._points.forget_written()

    def _write(self, connection: sqlite3.Connection, service: str, *, whole: bool) -> None:
        match service:
            case "cloudformation":
                stacks = {store: of() for of, store in cloudformation._PERSISTED_STORES}
                self._rows.write(connection, service, stacks, fingerprint=None if whole else _of_stack)
            case "cloudwatch_logs":
                self._rows.write(connection, service, _logs(), fingerprint=_of_log_group)
                self._events.write(connection, _log_events())
            case "cloudwatch":
                self._rows.write(connection, service, {name: getattr(cloudwatch, f"_{name}") for name in METRIC_STORES})
                self._points.write(
                    connection, {repr(key): points for key, points in list(cloudwatch._metrics._data.items())}
                )
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
            at_work = any(map(_is_at_work, list(cloudformation._stacks._data.values())))
            try:
                self._database.note_alive()
                if looks % _ALL_EVERY == 0 or self._failing:
                    self.flush_all()
                elif at_work or self._at_work:
                    self.flush(_loaded())
                elif self._asked:
                    self.flush(_loaded() - _HEAVY)
                else:
                    self.flush((_LOGS, _METRICS))
                self._asked, self._at_work = False, at_work
            except (StateError, RuntimeError):
                log.exception("the state is not kept just now")

    def _keeping(self, name: str, states: Collection[str]) -> HandlerWrapper:
        async def kept(
            handler: Handler, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
        ) -> Response:
            if name == "s3" and self._at_work and _is_object(method, path):
                self._keep_bucket(path)
            answer = await handler(method, path, headers, body, query)
            self._asked = True
            if changes(name, method, path, headers, body, query):
                everything = name == _STACKS
                self.flush(_loaded() if everything else states, whole=everything)
            return answer

        return kept

    def _keep_bucket(self, path: str) -> None:
        """Keep everything if a stack has just made the bucket of an object: no object may be there without it."""
        found = _OBJECT.match(path)
        if found and not self._rows.holds("s3", "buckets_meta", found[1]):
            self.flush(_loaded())


METRIC_STORES = (
    "alarms",
    "composite_alarms",
    "composite_triggers",
    "alarm_history",
    "dashboards",
    "resource_tags",
)
LOG_STORES = (
    "destinations",
    "resource_policies",
    "log_group_policies",
    "metric_filters",
    "queries",
    "log_records",
    "delivery_sources",
    "delivery_destinations",
    "deliveries",
)


@patches.replaces(lambda_svc._prune_orphan_code_blobs)
def _prune_orphan_code_blobs(referenced: set[str]) -> None:
    """Leave the code of functions where it is while the embedded AWS runs: what is kept may still name it."""


def changes(
    service: str, method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
) -> bool:
    """Tell whether a request may change what a service holds; whether it does so only to objects of S3 is not asked."""
    target = headers.get("x-amz-target", "").rpartition(".")[2] or query.get("Action", [""])[0]
    if not target and headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        action = _ACTION.search(body)
        target = action[1].decode() if action else ""
    if target:
        return not _READS.match(target)
    if method in _READ_METHODS or (service == "lambda" and _INVOCATION.search(path)):
        return False
    return not (service == "s3" and _is_object(method, path))


def _is_object(method: str, path: str) -> bool:
    return method not in _READ_METHODS and _OBJECT.match(path) is not None


def _loaded() -> set[str]:
    """Return the services whose modules are there: what is not there holds nothing."""
    return {
        state for state, module in ministack.app._state_map.items() if f"ministack.services.{module}" in sys.modules
    }


def _others() -> dict[str, dict[Any, Any]]:
    """Return what services have in memory and leave out of their own snapshots: sessions, when schedules fired last."""
    return {
        "rules": eventbridge._rule_last_fired,
        "schedules": scheduler._schedule_last_fired,
        "sessions": sts._sessions,
    }


def _listed(store: Mapping[Any, Any]) -> list[list[Any]]:
    return [[key, value] for key, value in list(store.items())]


def _is_at_work(stack: Mapping[str, Any]) -> bool:
    status = str(stack.get("StackStatus", ""))
    return status.endswith("_IN_PROGRESS") and not status.startswith("REVIEW")


def _of_stack(store: str, value: Any) -> object:
    """Return what tells cheaply whether a settled stack, or its list of events, is as it was."""
    match store:
        case "stacks" if not _is_at_work(value):
            return id(value), value.get("StackStatus"), value.get("LastUpdatedTime"), len(value.get("_resources", ()))
        case "stack_events":
            return id(value), len(value)
    return None


def _of_log_group(store: str, value: Any) -> object:
    """Return what tells cheaply whether a log group is as it was, whatever is in its streams' events."""
    if store != "log_groups":
        return None
    own = [str(content) for name, content in value.items() if name != "streams"]
    return (
        *own,
        len(value["streams"]),
        sum(stream.get("lastIngestionTime") or 0 for stream in value["streams"].values()),
    )


def _logs() -> dict[str, Any]:
    """Return what CloudWatch Logs holds, but the events."""
    groups: AccountRegionScopedDict[dict[str, Any]] = AccountRegionScopedDict()
    for key, group in list(cloudwatch_logs._log_groups._data.items()):
        streams = {name: {**stream, "events": []} for name, stream in list(group["streams"].items())}
        groups._data[key] = {**group, "streams": streams}
    return {"log_groups": groups, **{name: getattr(cloudwatch_logs, f"_{name}") for name in LOG_STORES}}


def _log_events() -> dict[str, list[Any]]:
    return {
        repr((*key, name)): stream["events"]
        for key, group in list(cloudwatch_logs._log_groups._data.items())
        for name, stream in list(group["streams"].items())
    }


def _code_files(functions: Mapping[str, Any]) -> set[str]:
    """Return the names of the files of code that kept functions and their versions name."""
    text = json.dumps(functions, default=persistence._json_default)
    return set(re.findall(rf'"{lambda_svc._BLOB_REF_KEY}": "(\w+)"', text))
