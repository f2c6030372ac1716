from collections.abc import Callable, Mapping
from typing import Any

_DRIFT_READERS: dict[str, tuple[Callable[[str, Mapping[str, Any]], Mapping[str, Any] | None], frozenset[str]]]
