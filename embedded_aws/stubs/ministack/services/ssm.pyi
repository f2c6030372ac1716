from typing import Any

from ministack.core.responses import AccountRegionScopedDict

_parameters: AccountRegionScopedDict[dict[str, Any]]
_tags: AccountRegionScopedDict[dict[str, str]]
