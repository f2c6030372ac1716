"""Glue and Athena in the templates: whose photos can be asked about, where, and by whom."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, Any

import pytest

from cli import paths
from teardown import names

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.infra.templates import Template

    Resources = Callable[[str], list[dict[str, Any]]]


def of(template: Template, kind: str) -> dict[str, Any]:
    """The properties of the template's one resource of a type."""
    [found] = [each["Properties"] for each in template["Resources"].values() if each["Type"] == kind]
    return dict(found)


def text(value: Any) -> str:
    """What joins and references of a template come to, with a `*` for each reference."""
    if isinstance(value, str):
        return value
    return "".join(map(text, value["Fn::Join"][1])) if "Fn::Join" in value else "*"


def test_the_table_is_the_one_that_the_script_writes(templates: dict[str, Template]) -> None:
    """The columns of the Glue table are those of photos.parquet, in name, type and order."""
    source = ast.parse((paths.ROOT / "model_code" / "preparing" / "write.py").read_text(encoding="utf-8"))
    [written] = [
        ast.literal_eval(node.value)
        for node in source.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "COLUMNS"
    ]
    table = of(templates["bricklab-storage"], "AWS::Glue::Table")["TableInput"]
    assert {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]} == written
    assert [column["Name"] for column in table["StorageDescriptor"]["Columns"]] == list(written)


@pytest.mark.parametrize(
    ("stack", "database", "workgroup", "prefix"),
    [
        ("bricklab-storage", "bricklab", "bricklab", ""),
        ("bricklab-seat-ada", "bricklab__ada", "bricklab-ada", "seats/ada/"),
    ],
)
def test_the_lab_and_each_seat_have_a_catalog_of_their_own(
    templates: dict[str, Template], stack: str, database: str, workgroup: str, prefix: str
) -> None:
    """Table and answers lie below their own prefix; answers are encrypted, and no query can put them elsewhere."""
    template = templates[stack]
    assert of(template, "AWS::Glue::Database")["DatabaseInput"]["Name"] == database
    table = of(template, "AWS::Glue::Table")["TableInput"]
    assert table["Name"] == "photos"
    assert text(table["StorageDescriptor"]["Location"]) == f"s3://*/{prefix}prepared/photos/"
    group = of(template, "AWS::Athena::WorkGroup")
    assert group["Name"] == workgroup
    configuration = group["WorkGroupConfiguration"]
    assert configuration["EnforceWorkGroupConfiguration"] is True
    result = configuration["ResultConfiguration"]
    assert text(result["OutputLocation"]) == f"s3://*/{prefix}queries/"
    assert result["EncryptionConfiguration"]["EncryptionOption"] == "SSE_KMS"
    assert "KmsKey" in result["EncryptionConfiguration"]


def test_a_workgroup_goes_with_its_history(resources: Resources) -> None:
    """AWS deletes a workgroup in which something was asked only when it is told to."""
    assert [group["RecursiveDeleteOption"] for group in resources("AWS::Athena::WorkGroup")] == [True] * 3


def test_a_student_asks_about_the_seat_s_own(templates: dict[str, Template]) -> None:
    """What Ada may do with Glue and Athena names her database and her workgroup, and changes nothing in Glue."""
    allowed = [
        statement
        for resource in templates["bricklab-seat-ada"]["Resources"].values()
        if resource["Type"] == "AWS::IAM::Role"
        for policy in resource["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if any(action.startswith(("athena:", "glue:")) for action in statement["Action"])
    ]
    assert len(allowed) == 2
    for statement in allowed:
        named = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        ends = [text(each).partition(":*:*:")[2] for each in named]
        own = {"workgroup/bricklab-ada", "catalog", "database/bricklab__ada", "table/bricklab__ada/*"}
        assert set(ends) <= own, json.dumps(statement)
        verbs = ("BatchGet", "Get", "List", "Start", "Stop")
        assert all(action.partition(":")[2].startswith(verbs) for action in statement["Action"])


def test_no_two_pairs_of_names_share_a_database() -> None:
    """A hyphen may be the lab's or the seat's: their databases differ all the same."""
    pairs = [("a", "b-c"), ("a-b", "c"), ("a-b-c", ""), ("a", "b")]
    assert len({names.database(*pair) for pair in pairs}) == len(pairs)
