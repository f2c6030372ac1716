from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

_Collector: TypeAlias = Callable[[], Iterator[tuple[str, list[dict[str, str]]]]]
_Changer: TypeAlias = Callable[[Any, str, Any], None]

_COLLECTORS: dict[str, _Collector]
_REMOVERS: dict[str, _Changer]
_RESOURCE_TAG_COLLECTORS: dict[str, _Collector]
_WRITERS: dict[str, _Changer]

class _ResourceNotFound(Exception): ...

def _matches_type_filters(arn: str, type_filters: list[str]) -> bool: ...
