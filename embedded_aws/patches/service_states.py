"""What each of ministack's services holds, as it is kept and given back, read without copying what is large."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import ministack.app
from ministack.core import persistence
from ministack.core.responses import AccountScopedDict
from ministack.services import cloudformation, cloudwatch, cloudwatch_logs, eventbridge, lambda_svc, scheduler, sts

if TYPE_CHECKING:
    from collections.abc import Iterator

STACKS, LOGS, METRICS, OTHERS = "cloudformation", "cloudwatch_logs", "cloudwatch", "others"
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
    "delivery_sources",
    "delivery_destinations",
    "deliveries",
)


def loaded() -> set[str]:
    """Return the services whose modules are there: what is not there holds nothing."""
    return {
        state for state, module in ministack.app._state_map.items() if f"ministack.services.{module}" in sys.modules
    }


def others() -> dict[str, AccountScopedDict[Any]]:
    """Return what services have in memory and leave out of their own snapshots: sessions, when schedules fired last.

    They are of no account there, and so are they here.
    """
    found: dict[str, AccountScopedDict[Any]] = {}
    for name, store in _others().items():
        found[name] = AccountScopedDict()
        found[name]._data = cast("dict[tuple[str, Any], Any]", _OfNoAccount(store))
    return found


class _OfNoAccount(Mapping[tuple[str, Any], Any]):
    """A store without accounts, read as one of "", and not copied."""

    def __init__(self, store: dict[Any, Any]) -> None:
        self._store = store

    def __getitem__(self, key: tuple[str, Any]) -> Any:
        return self._store[key[1]]

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return (("", key) for key in self._store)

    def __reversed__(self) -> Iterator[tuple[str, Any]]:
        return (("", key) for key in reversed(self._store))

    def __len__(self) -> int:
        return len(self._store)


def _others() -> dict[str, dict[Any, Any]]:
    return {
        "rules": eventbridge._rule_last_fired,
        "schedules": scheduler._schedule_last_fired,
        "sessions": sts._sessions,
    }


def stacks() -> dict[str, Any]:
    """Return what CloudFormation holds."""
    return {store: of() for of, store in cloudformation._PERSISTED_STORES}


def stacks_at_work() -> dict[str, tuple[str, int]]:
    """Return the stacks that are being changed by their IDs, and what tells how far each is: its status, its events.

    Each resource that is made, changed or removed begins and ends with an event.
    """
    events = cloudformation._stack_events._data
    return {
        stack["StackId"]: (stack["StackStatus"], len(events.get((account, region, stack["StackId"]), ())))
        for (account, region, _), stack in list(cloudformation._stacks._data.items())
        if is_at_work(stack)
    }


def is_at_work(stack: Mapping[str, Any]) -> bool:
    """Tell whether a stack is being changed."""
    status = str(stack.get("StackStatus", ""))
    return status.endswith("_IN_PROGRESS") and not status.startswith("REVIEW")


def of_stack(store: str, value: Any) -> object:
    """Return what tells cheaply whether a settled stack, or its list of events, is as it was."""
    match store:
        case "stacks" if not is_at_work(value):
            return id(value), value.get("StackStatus"), value.get("LastUpdatedTime"), len(value.get("_resources", ()))
        case "stack_events":
            return id(value), len(value)
    return None


def logs() -> dict[str, Any]:
    """Return what CloudWatch Logs holds, but the groups with their events, which KeptLogs writes."""
    return {name: getattr(cloudwatch_logs, f"_{name}") for name in LOG_STORES}


def metrics() -> dict[str, Any]:
    """Return what CloudWatch holds, but the metrics' values."""
    return {name: getattr(cloudwatch, f"_{name}") for name in METRIC_STORES}


def give_back(kept: dict[str, dict[str, Any]]) -> None:
    """Give the services what was kept of them."""
    for store, listed in kept.pop(OTHERS, {}).items():
        if isinstance(listed, list):  # as it was written once
            pairs = [(tuple(key) if isinstance(key, list) else key, value) for key, value in listed]
        else:
            pairs = [(key, value) for (_, key), value in listed._data.items()]
        _others()[store].update(pairs)
    if functions := kept.get("lambda"):
        lambda_svc._prune_orphan_code_blobs(_code_files(functions))
    for service, state in kept.items():
        if module := ministack.app._state_map.get(service):
            ministack.app._get_module(module).load_persisted_state(state)


def _code_files(functions: Mapping[str, Any]) -> set[str]:
    """Return the names of the files of code that kept functions and their versions name."""
    text = json.dumps(functions, default=persistence._json_default)
    return set(re.findall(rf'"{lambda_svc._BLOB_REF_KEY}": "(\w+)"', text))
