"""Athena's workgroups: where answers lie, that settings are enforced, and what goes with a workgroup.

ministack 1.5.33 puts an answer below the OutputLocation that GetQueryExecution tells, not at it, where every client
looks; a request's own location wins against a workgroup that enforces its settings; and queries outlive their
workgroup. Sources: Athena's guide, "Override client-side settings"; API reference, DeleteWorkGroup. The sentences of
the errors are those that users quote from AWS.
"""

from __future__ import annotations

from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import athena


def obey_workgroups() -> None:
    """Let workgroups be to queries what they are on AWS."""
    _answer_where_it_is_said()
    _enforce_settings()
    _delete_with_all_or_not()


def _answer_where_it_is_said() -> None:
    save = athena._save_query_results

    async def saved(query_id: str) -> None:
        execution = athena._executions[query_id]
        told = execution["ResultConfiguration"]
        folder = told["OutputLocation"].removesuffix(f"{query_id}.csv")
        execution["ResultConfiguration"] = {**told, "OutputLocation": folder}
        try:
            await save(query_id)
        finally:
            execution["ResultConfiguration"] = told

    athena._save_query_results = saved


def _enforce_settings() -> None:
    start = athena._start_query_execution

    def started(request: dict[str, Any]) -> Any:
        name = request.get("WorkGroup", "primary")
        if name not in athena._workgroups:
            return _refused(f"WorkGroup {name} is not found.")
        settings = athena._workgroups[name].get("Configuration", {})
        if settings.get("EnforceWorkGroupConfiguration"):
            request = {**request, "ResultConfiguration": settings.get("ResultConfiguration", {})}
        return start(request)

    athena._start_query_execution = started


def _delete_with_all_or_not() -> None:
    delete = athena._delete_workgroup

    def deleted(request: dict[str, Any]) -> Any:
        name = request["WorkGroup"]
        held = [
            (store, key)
            for store, member in (
                (athena._executions, "WorkGroup"),
                (athena._named_queries, "WorkGroup"),
                (athena._prepared_statements, "WorkGroupName"),
            )
            for key, each in store.items()
            if each.get(member) == name
        ]
        if held and name != "primary":
            if not request.get("RecursiveDeleteOption"):
                return _refused(f"WorkGroup {name} is not empty")
            for store, key in held:
                del store[key]
        return delete(request)

    athena._delete_workgroup = deleted


def _refused(sentence: str) -> Any:
    return error_response_json("InvalidRequestException", sentence, 400)
