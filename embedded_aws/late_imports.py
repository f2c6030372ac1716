"""Packages that ministack imports as it starts, and that few of its users need: they are imported once they are used.

Docker's client, with an SSH client of its own, and DuckDB take a tenth of a gateway's start, and 25 MB.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from threading import RLock
from types import ModuleType
from typing import Any

LATE = ("docker", "duckdb")

_importing = RLock()


class _Later(ModuleType):
    """Stands for a package until anything of it is asked for, also by the import of a part of it."""

    def __init__(self, name: str, file: str | None) -> None:
        super().__init__(name)
        self.__file__ = file  # who looks through all modules asks for it

    def __getattr__(self, name: str) -> Any:
        with _importing:
            if sys.modules.get(self.__name__) is self:
                del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def postpone() -> None:
    """Have these packages imported at their first use; to be called before ministack is imported.

    One that is not installed is left alone: ministack does without.
    """
    for name in LATE:
        if name not in sys.modules and (found := importlib.util.find_spec(name)):
            sys.modules[name] = _Later(name, found.origin)
