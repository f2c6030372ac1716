"""A pipeline's versions: one for each definition that it has had, which can be run still."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded_aws.account import until
from tests.embedded_aws.services.sagemaker import calls
from tests.embedded_aws.services.sagemaker.conftest import ACCOUNT, REGION

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.service import SageMaker

MINE = {"PipelineName": "Mine"}


def saying(text: str) -> dict[str, str]:
    """A definition whose only step fails, and says so."""
    step = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": text}}
    return {"PipelineDefinition": json.dumps({"Version": "2020-12-01", "Steps": [step]})}


@pytest.fixture
def client(sagemaker: Any) -> Any:
    """A client of an account that has a pipeline with two versions."""
    sagemaker.create_pipeline(**MINE, RoleArn=calls.ROLE, **saying("first"))
    sagemaker.update_pipeline(**MINE, **saying("second"))
    return sagemaker


def versions(client: Any, **request: Any) -> list[int]:
    """Their numbers, as a list has them."""
    found = client.list_pipeline_versions(**MINE, **request)["PipelineVersionSummaries"]
    return [each["PipelineVersionId"] for each in found]


def said(client: Any, **request: Any) -> str:
    """Run the pipeline; what its step said."""
    arn = client.start_pipeline_execution(**MINE, **request)["PipelineExecutionArn"]
    until(lambda: client.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"] == "Failed")
    [step] = client.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    return str(step["FailureReason"])


def test_another_definition_is_another_version(client: Any) -> None:
    """The newest is listed first; what changes no definition makes none."""
    assert versions(client) == [2, 1]
    assert client.update_pipeline(**MINE, **saying("second"))["PipelineVersionId"] == 2
    assert client.update_pipeline(**MINE, PipelineDescription="new")["PipelineVersionId"] == 2
    assert client.update_pipeline(**MINE, **saying("first"))["PipelineVersionId"] == 3
    assert versions(client, SortOrder="Ascending") == [1, 2, 3]
    pages = client.get_paginator("list_pipeline_versions").paginate(**MINE, PaginationConfig={"PageSize": 2})
    assert [[each["PipelineVersionId"] for each in page["PipelineVersionSummaries"]] for page in pages] == [[3, 2], [1]]
    [first] = client.list_pipeline_versions(**MINE, SortOrder="Ascending", MaxResults=1)["PipelineVersionSummaries"]
    assert versions(client, CreatedBefore=first["CreationTime"]) == []
    assert first["PipelineArn"] == client.describe_pipeline(**MINE)["PipelineArn"]


def test_each_version_can_be_run(client: Any) -> None:
    """The latest, if the request names none; the execution tells which, and the version its last execution."""
    assert said(client) == "second"
    assert said(client, PipelineVersionId=1) == "first"
    newest, oldest = client.list_pipeline_executions(**MINE)["PipelineExecutionSummaries"]
    for each, number in ((newest, 1), (oldest, 2)):
        told = client.describe_pipeline_execution(PipelineExecutionArn=each["PipelineExecutionArn"])
        assert told["PipelineVersionId"] == number
    second, first = client.list_pipeline_versions(**MINE)["PipelineVersionSummaries"]
    assert first["LastExecutionPipelineExecutionArn"] == newest["PipelineExecutionArn"]
    assert second["LastExecutionPipelineExecutionArn"] == oldest["PipelineExecutionArn"]


def test_a_version_has_a_name_of_its_own(client: Any) -> None:
    """And a description; the pipeline is described in each of its versions."""
    arn = client.describe_pipeline(**MINE)["PipelineArn"]
    told = client.update_pipeline_version(
        PipelineArn=arn, PipelineVersionId=1, PipelineVersionDisplayName="old", PipelineVersionDescription="the first"
    )
    assert (told["PipelineArn"], told["PipelineVersionId"]) == (arn, 1)
    first, latest = client.describe_pipeline(**MINE, PipelineVersionId=1), client.describe_pipeline(PipelineName=arn)
    assert "first" in first["PipelineDefinition"]
    assert (first["PipelineVersionDisplayName"], first["PipelineVersionDescription"]) == ("old", "the first")
    assert "second" in latest["PipelineDefinition"]
    assert "PipelineVersionDisplayName" not in latest
    assert client.list_pipeline_versions(**MINE)["PipelineVersionSummaries"][1]["PipelineVersionDisplayName"] == "old"


def test_a_version_that_is_not_there(client: Any) -> None:
    """It is said of which pipeline; one that is deleted leaves none to the next of its name."""
    for call in (client.describe_pipeline, client.start_pipeline_execution):
        code, message = calls.refusal(call, **MINE, PipelineVersionId=7)
        assert (code, message.endswith("has no version 7.")) == ("ResourceNotFound", True)
    client.delete_pipeline(**MINE)
    assert calls.refusal(client.list_pipeline_versions, **MINE)[0] == "ResourceNotFound"
    client.create_pipeline(**MINE, RoleArn=calls.ROLE, **saying("again"))
    assert versions(client) == [1]


def test_versions_are_found_by_search(client: Any) -> None:
    """With the last execution of each."""
    said(client, PipelineVersionId=1)
    arn = client.describe_pipeline(**MINE)["PipelineArn"]
    client.update_pipeline_version(PipelineArn=arn, PipelineVersionId=1, PipelineVersionDisplayName="old")
    expression = {"Filters": [{"Name": "PipelineVersionDisplayName", "Operator": "Equals", "Value": "old"}]}
    for resource in ("PipelineVersion", "PipelineExecution"):
        [found] = client.search(Resource=resource, SearchExpression=expression)["Results"]
        assert found[resource]["PipelineVersionId"] == 1
    version = client.search(Resource="PipelineVersion", SearchExpression=expression)["Results"][0]["PipelineVersion"]
    assert version["LastExecutedPipelineExecutionStatus"] == "Failed"


def test_a_pipeline_of_an_older_release_has_its_first_version(client: Any, service: SageMaker) -> None:
    """What was kept before there were versions: its definition is the first one."""
    pipeline = service.context.store.get("Pipeline", "Mine", account=ACCOUNT, region=REGION)
    for each in service.context.store.all("PipelineVersion", account=ACCOUNT, region=REGION):
        service.context.store.remove(each)
    service.context.store.update(pipeline, PipelineVersionId=None)
    service._providers["Pipeline"].restore(pipeline)
    assert versions(client) == [1]
    assert "second" in client.describe_pipeline(**MINE, PipelineVersionId=1)["PipelineDefinition"]
    assert client.update_pipeline(**MINE, **saying("third"))["PipelineVersionId"] == 2
    assert versions(client) == [2, 1]
