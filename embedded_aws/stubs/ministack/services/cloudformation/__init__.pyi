from typing import Any

from ministack.core.responses import AccountRegionScopedDict

_stacks: AccountRegionScopedDict[dict[str, Any]]
