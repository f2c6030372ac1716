from collections.abc import Callable, Mapping
from typing import Any

_DISPATCH: dict[str, Callable[[Mapping[str, Any]], tuple[int, dict[str, str], bytes]]]
