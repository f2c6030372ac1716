from collections.abc import Callable, Mapping
from typing import Any

_CUSTOM_NAME_REPLACEMENT: dict[str, dict[str, Any]]
_REPLACING_PROPERTIES: dict[str, tuple[str, ...]]
_RESOURCE_HANDLERS: dict[str, dict[str, Callable[..., Any]]]
_STACK_TAG_PROPERTY: dict[str, tuple[str, str]]

def _sfn_definition(props: Mapping[str, Any]) -> str: ...
