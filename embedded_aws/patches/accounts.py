"""ministack keeps accounts apart, and forgets one only together with all others; here a single one can end."""

from __future__ import annotations

import sys
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict


def forget(account: str) -> None:
    """Drop all that ministack's services keep for an account, of every region."""
    for store in _stores():
        for key in [key for key in list(store._data) if key[0] == account]:
            store._data.pop(key, None)


def _stores() -> list[Any]:
    """Return the dictionaries in which ministack's services keep their resources by account."""
    modules = [module for name, module in list(sys.modules.items()) if name.startswith("ministack.services.")]
    values = [value for module in modules for value in list(vars(module).values())]
    return [value for value in values if isinstance(value, (AccountScopedDict, AccountRegionScopedDict))]
