"""JSON as the database keeps it: with times, `{"$time": ["2026-11-29T10:00:00.123456+00:00"]}`.

No request can hold such an object: the values of what has free names there are strings. A tuple becomes a list.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

_TIME = "$time"


def _tagged(value: Any) -> dict[str, list[str]]:
    if isinstance(value, datetime):
        return {_TIME: [value.isoformat()]}
    raise TypeError(f"{type(value).__name__} can't be kept")


def _untagged(document: dict[str, Any]) -> Any:
    match document:
        case {"$time": [written]}:
            return datetime.fromisoformat(written)
    return document


write = json.JSONEncoder(default=_tagged, separators=(",", ":")).encode
"""Return a value as text."""
read = json.JSONDecoder(object_hook=_untagged).decode
"""Return the value of a text."""
