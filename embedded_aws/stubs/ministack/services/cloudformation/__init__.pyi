from collections.abc import Callable
from typing import Any

from ministack.core.responses import AccountRegionScopedDict

_PERSISTED_STORES: tuple[tuple[Callable[[], AccountRegionScopedDict[Any]], str], ...]
_change_sets: AccountRegionScopedDict[dict[str, Any]]
_stack_events: AccountRegionScopedDict[list[dict[str, Any]]]
_stacks: AccountRegionScopedDict[dict[str, Any]]

def get_state() -> dict[str, Any]: ...
