"""Athena's workgroups: where answers lie, that settings are enforced, and what goes with a workgroup.

ministack 1.5.33 puts an answer below the OutputLocation that GetQueryExecution tells, not at it, where every client
looks; a request's own location wins against a workgroup that enforces its settings; and queries outlive their
workgroup. Sources: Athena's guide, "Override client-side settings"; API reference, DeleteWorkGroup. The sentences of
the errors are those that users quote from AWS.

Athena reads the catalog and S3, and writes its answers, in the name of who asks; ministack asks nobody. Source:
Athena's guide, "Access to Amazon S3" and "Configure access to databases and tables in the AWS Glue Data Catalog". The
tables of a query are those of its database whose names stand in it. AWS refuses all but the place of the answers only
when the query runs; here it is refused at once. The sentence on the bucket is one that users quote from AWS.
Not compared with AWS: the sentence on the catalog.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ministack.core.responses import error_response_json
from ministack.services import athena, glue

from embedded_aws.patches import service_handlers
from embedded_aws.patches.iam_principals import caller, principal
from embedded_aws.patches.patching import Patches

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from embedded_aws.patches.service_handlers import Response

    Operation = Callable[[dict[str, Any]], Response]

Question = tuple[str, str, dict[str, Any]]

patches = Patches()


def apply() -> None:
    """Let workgroups be to queries what they are on AWS."""
    patches.apply()


def enforce() -> None:
    """Let a query read and write only what who asks may."""
    service_handlers.intercept("athena", _refuse_query)


@patches.wraps(athena._save_query_results)
async def _save_query_results(original: Callable[[str], Awaitable[None]], query_id: str) -> None:
    """Put the answer where it is said to be."""
    execution = athena._executions[query_id]
    told = execution["ResultConfiguration"]
    folder = told["OutputLocation"].removesuffix(f"{query_id}.csv")
    execution["ResultConfiguration"] = {**told, "OutputLocation": folder}
    try:
        await original(query_id)
    finally:
        execution["ResultConfiguration"] = told


@patches.wraps(athena._start_query_execution)
def _start_query_execution(original: Operation, data: dict[str, Any]) -> Response:
    name = data.get("WorkGroup", "primary")
    if name not in athena._workgroups:
        return _refused(f"WorkGroup {name} is not found.")
    settings = athena._workgroups[name].get("Configuration", {})
    if settings.get("EnforceWorkGroupConfiguration"):
        data = {**data, "ResultConfiguration": settings.get("ResultConfiguration", {})}
    return original(data)


@patches.wraps(athena._delete_workgroup)
def _delete_workgroup(original: Operation, data: dict[str, Any]) -> Response:
    name = data["WorkGroup"]
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
        if not data.get("RecursiveDeleteOption"):
            return _refused(f"WorkGroup {name} is not empty")
        for store, key in held:
            del store[key]
    return original(data)


def _refuse_query(
    _method: str, _path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
) -> Response | None:
    who = principal(headers, query)
    if who is None or not headers.get("x-amz-target", "").endswith(".StartQueryExecution"):
        return None
    asked = json.loads(body)
    location = _output_location(asked)
    bucket = location.partition("/")[0]
    if location and who.refusal("s3:GetBucketLocation", f"arn:aws:s3:::{bucket}", {}):
        return _refused(f"Unable to verify/create output bucket {bucket}")
    refusals = (who.refusal(*question) for question in _questions(asked, location))
    refusal = next(filter(None, refusals), None)
    return _refused(f"Insufficient permissions to execute the query. {refusal}") if refusal else None


def _questions(asked: Mapping[str, Any], location: str) -> Iterator[Question]:
    account, region = caller()
    catalog = f"arn:aws:glue:{region}:{account}"
    database = asked.get("QueryExecutionContext", {}).get("Database", "default")
    # Every query asks about `default` too, whatever it is of.
    for resource in (f"{catalog}:catalog", f"{catalog}:database/default", f"{catalog}:database/{database}"):
        yield "glue:GetDatabase", resource, {}
    for name, table in _tables(database, asked["QueryString"]):
        for resource in (f"{catalog}:catalog", f"{catalog}:database/{database}", f"{catalog}:table/{database}/{name}"):
            yield "glue:GetTable", resource, {}
        where = table.get("StorageDescriptor", {}).get("Location", "").removeprefix("s3://")
        bucket, _, prefix = where.partition("/")
        yield "s3:ListBucket", f"arn:aws:s3:::{bucket}", {"s3:prefix": prefix}
        yield "s3:GetObject", f"arn:aws:s3:::{where.rstrip('/')}/*", {}
    if location:
        yield "s3:PutObject", f"arn:aws:s3:::{location.rstrip('/')}/*", {}


def _tables(database: str, query: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, table in list(glue._tables.items()):
        of, _, name = key.partition("/")
        if of == database and re.search(rf"\b{re.escape(name)}\b", query, re.IGNORECASE):
            yield name, table


def _output_location(asked: Mapping[str, Any]) -> str:
    """Return bucket and key below which the answer will lie."""
    group = athena._workgroups.get(asked.get("WorkGroup", "primary"), {}).get("Configuration", {})
    own = asked.get("ResultConfiguration", {}).get("OutputLocation", "")
    of_group = group.get("ResultConfiguration", {}).get("OutputLocation", "")
    chosen = of_group if group.get("EnforceWorkGroupConfiguration") else own or of_group
    return str(chosen).removeprefix("s3://")


def _refused(sentence: str) -> Response:
    return error_response_json("InvalidRequestException", sentence, 400)
