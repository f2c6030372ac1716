from typing import Any, TypeAlias

from ministack.core.responses import AccountRegionScopedDict

_Response: TypeAlias = tuple[int, dict[str, str], bytes]

_executions: AccountRegionScopedDict[dict[str, Any]]
_named_queries: AccountRegionScopedDict[dict[str, Any]]
_prepared_statements: AccountRegionScopedDict[dict[str, Any]]
_workgroups: AccountRegionScopedDict[dict[str, Any]]

def _delete_workgroup(data: dict[str, Any]) -> _Response: ...
async def _save_query_results(query_id: str) -> None: ...
def _start_query_execution(data: dict[str, Any]) -> _Response: ...
