from typing import Any

_sessions: dict[str, dict[str, Any]]
