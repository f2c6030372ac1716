from typing import Any

from ministack.core.responses import AccountRegionScopedDict

_topics: AccountRegionScopedDict[dict[str, Any]]

def topic_policy_allows(topic_arn: str, service: str, source_arn: str, source_account: str) -> bool: ...
