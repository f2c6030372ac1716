from typing import Any

from ministack.core.responses import AccountRegionScopedDict

_tables: AccountRegionScopedDict[dict[str, Any]]

def _resolve_script(script_location: str) -> str | None: ...
