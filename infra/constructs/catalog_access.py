"""What a student may do with Glue and Athena: ask about the seat's own photos, in the seat's own workgroup.

Sources: the service authorization reference of both, and Athena's user guide, "Example workgroup policies" and
"Configure access to databases and tables in the AWS Glue Data Catalog".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.constructs.arns import arn
from infra.constructs.findings import wildcard
from infra.constructs.policy_json import allow
from teardown import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.constructs.policy_json import Statement

_ASK = (
    "BatchGetQueryExecution",
    "GetQueryExecution",
    "GetQueryResults",
    "GetWorkGroup",
    "ListQueryExecutions",
    "StartQueryExecution",
    "StopQueryExecution",
)
_READ = ("GetDatabase", "GetPartitions", "GetTable", "GetTables")


def statements(lab: str, seat: str, *, bucket_arn: str) -> Iterator[Statement]:
    """Statements of IAM's JSON; what queries read and write in the bucket, the seat's other statements allow."""
    database = names.database(lab, seat)
    yield allow(_ASK, [arn("athena", f"workgroup/{names.workgroup(lab, seat)}")], service="athena")
    # Glue asks about the catalog and the database around what is read.
    read = [arn("glue", each) for each in ("catalog", f"database/{database}", f"table/{database}/*")]
    yield allow(_READ, read, service="glue")
    # Whatever a query is of (Athena's guide, "Configure access to databases and tables in the AWS Glue Data Catalog").
    yield allow(["GetDatabase"], [arn("glue", "database/default")], service="glue")
    yield allow(["GetBucketLocation"], [bucket_arn], service="s3")


def wildcards(lab: str, seat: str) -> dict[str, str]:
    """The findings about them, each with its reason."""
    return {wildcard(f"…:table/{names.database(lab, seat)}/*"): "Every table of the seat's own database."}
