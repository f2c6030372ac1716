"""Athena reads the catalog and S3, and writes its answers, in the name of who asks; ministack asks nobody.

Source: Athena's guide, "Access to Amazon S3" and "Configure access to databases and tables in the AWS Glue Data
Catalog". The tables of a query are those of its database whose names stand in it. AWS refuses all but the place of the
answers only when the query runs; here it is refused at once. The sentence on the bucket is one that users quote from
AWS. Not compared with AWS: the sentence on the catalog.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ministack.core.responses import error_response_json
from ministack.services import athena, glue

from embedded_aws.patches import service_handlers
from embedded_aws.patches.iam_principals import caller, principal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from embedded_aws.patches.service_handlers import Response

Question = tuple[str, str, dict[str, Any]]


def ask_before_queries() -> None:
    """Let a query read and write only what who asks may."""
    service_handlers.before("athena", _first)


def _first(
    _method: str, _path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
) -> Response | None:
    who = principal(headers, query)
    if who is None or not headers.get("x-amz-target", "").endswith(".StartQueryExecution"):
        return None
    asked = json.loads(body)
    place = _place(asked)
    bucket = place.partition("/")[0]
    if place and who.refusal("s3:GetBucketLocation", f"arn:aws:s3:::{bucket}", {}):
        return _refused(f"Unable to verify/create output bucket {bucket}")
    refusals = (who.refusal(*question) for question in _questions(asked, place))
    refusal = next(filter(None, refusals), None)
    return _refused(f"Insufficient permissions to execute the query. {refusal}") if refusal else None


def _questions(asked: Mapping[str, Any], place: str) -> Iterator[Question]:
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
    if place:
        yield "s3:PutObject", f"arn:aws:s3:::{place.rstrip('/')}/*", {}


def _tables(database: str, query: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, table in list(glue._tables.items()):
        of, _, name = key.partition("/")
        if of == database and re.search(rf"\b{re.escape(name)}\b", query, re.IGNORECASE):
            yield name, table


def _place(asked: Mapping[str, Any]) -> str:
    """Bucket and key below which the answer will lie."""
    group = athena._workgroups.get(asked.get("WorkGroup", "primary"), {}).get("Configuration", {})
    own = asked.get("ResultConfiguration", {}).get("OutputLocation", "")
    of_group = group.get("ResultConfiguration", {}).get("OutputLocation", "")
    chosen = of_group if group.get("EnforceWorkGroupConfiguration") else own or of_group
    return str(chosen).removeprefix("s3://")


def _refused(sentence: str) -> Response:
    answer: Response = error_response_json("InvalidRequestException", sentence, 400)
    return answer
