"""Athena as its clients meet it: a table in the catalog, answers in S3, a workgroup that holds and goes with both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from embedded_aws import gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Client = Callable[[str], Any]

BUCKET, DATABASE, WORKGROUP = "asked", "asked_about", "askers"


@pytest.fixture(scope="module")
def session(embedded: gateway.Gateway) -> Iterator[boto3.Session]:
    """A session for awswrangler, with the place of the embedded AWS in the environment as users have it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", embedded.url)
        yield boto3.Session("test", "test", region_name=gateway.REGION)


@pytest.fixture(scope="module", autouse=True)
def table(session: boto3.Session, client: Callable[[str], Any]) -> None:
    """A table of three rows, and a workgroup that puts every answer in one place."""
    import awswrangler as wr
    import pandas as pd

    client("s3").create_bucket(Bucket=BUCKET)
    client("glue").create_database(DatabaseInput={"Name": DATABASE})
    client("athena").create_work_group(
        Name=WORKGROUP,
        Configuration={
            "EnforceWorkGroupConfiguration": True,
            "ResultConfiguration": {"OutputLocation": f"s3://{BUCKET}/answers/"},
        },
    )
    wr.s3.to_parquet(
        pd.DataFrame({"brick": ["cog", "cog", "grill"], "size": [3, 4, 5]}),
        path=f"s3://{BUCKET}/bricks/",
        dataset=True,
        database=DATABASE,
        table="bricks",
        boto3_session=session,
    )


def ask(client: Client, **more: Any) -> dict[str, Any]:
    """Count the rows; the query's own record when it has ended."""
    athena = client("athena")
    query = athena.start_query_execution(
        QueryString="SELECT count(*) AS n FROM bricks",
        QueryExecutionContext={"Database": DATABASE},
        **{"WorkGroup": WORKGROUP, **more},
    )["QueryExecutionId"]
    while True:
        record: dict[str, Any] = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
        if record["Status"]["State"] in ("SUCCEEDED", "FAILED"):
            return record


def refusal(call: Callable[[], Any]) -> str:
    """The sentence of an InvalidRequestException."""
    with pytest.raises(ClientError) as caught:
        call()
    assert caught.value.response["Error"]["Code"] == "InvalidRequestException"
    return caught.value.response["Error"]["Message"]


# awswrangler 3.17.1 does what pandas 4 will not have.
@pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")
def test_awswrangler_asks_and_reads_the_answer(session: boto3.Session) -> None:
    """A query in SQL comes back as a table of pandas, with types."""
    import awswrangler as wr

    found = wr.athena.read_sql_query(
        "SELECT brick, sum(size) AS total FROM bricks GROUP BY brick ORDER BY brick",
        database=DATABASE,
        workgroup=WORKGROUP,
        ctas_approach=False,
        boto3_session=session,
    )
    assert found.to_dict("list") == {"brick": ["cog", "grill"], "total": [7, 5]}


def test_the_answer_lies_where_it_is_said_to(client: Client) -> None:
    """OutputLocation is the CSV file's own address."""
    place = ask(client)["ResultConfiguration"]["OutputLocation"]
    key = place.removeprefix(f"s3://{BUCKET}/")
    assert client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read().split() == [b"n", b"3"]


def test_a_workgroup_s_settings_win(client: Client) -> None:
    """A request can put its answer nowhere else when the workgroup enforces its own place."""
    record = ask(client, ResultConfiguration={"OutputLocation": f"s3://{BUCKET}/elsewhere/"})
    assert record["ResultConfiguration"]["OutputLocation"].startswith(f"s3://{BUCKET}/answers/")
    assert "not found" in refusal(lambda: ask(client, WorkGroup="nobody"))


def test_a_workgroup_goes_with_what_was_asked_in_it(client: Client) -> None:
    """One that is not empty is kept, unless all of it is to go: then queries that were saved go too."""
    athena = client("athena")
    athena.create_work_group(
        Name="leaving", Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{BUCKET}/"}}
    )
    saved = athena.create_named_query(Name="one", Database=DATABASE, QueryString="SELECT 1", WorkGroup="leaving")
    query = ask(client, WorkGroup="leaving")["QueryExecutionId"]
    assert "not empty" in refusal(lambda: athena.delete_work_group(WorkGroup="leaving"))
    athena.delete_work_group(WorkGroup="leaving", RecursiveDeleteOption=True)
    assert "leaving" not in {group["Name"] for group in athena.list_work_groups()["WorkGroups"]}
    refusal(lambda: athena.get_query_execution(QueryExecutionId=query))
    refusal(lambda: athena.get_named_query(NamedQueryId=saved["NamedQueryId"]))
