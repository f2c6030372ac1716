"""Search finds what there is by any of its properties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from embedded_aws.services.sagemaker import authorization
from tests.embedded_aws.services.sagemaker import calls
from tests.embedded_aws.services.sagemaker.conftest import ACCOUNT, REGION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embedded_aws.services.sagemaker.service import SageMaker

CHANNEL = {
    "ChannelName": "train",
    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/catdata"}},
}
JOBS: dict[str, dict[str, Any]] = {
    "slow": {"HyperParameters": {"rate": "0.1"}, "Tags": [{"Key": "team", "Value": "a"}]},
    "quick": {"HyperParameters": {"rate": "10"}, "Tags": [{"Key": "team", "Value": "b"}]},
    "plain": {"InputDataConfig": [{**CHANNEL, "ChannelName": "test"}, {**CHANNEL}]},
}


@pytest.fixture
def jobs(service: SageMaker, sagemaker: Any) -> Any:
    """Return a client of three training jobs, the first with a metric."""
    for name, more in JOBS.items():
        calls.training_job(sagemaker, name, **more)
    job = service.context.store.get("TrainingJob", "slow", account=ACCOUNT, region=REGION)
    metric = {"MetricName": "accuracy", "Value": 0.9, "Timestamp": job.members["CreationTime"]}
    service.context.store.note(job, FinalMetricDataList=[metric])
    return sagemaker


def found(client: Any, *filters: Any, resource: str = "TrainingJob", **more: Any) -> list[str]:
    """Return the names of what a search finds, in its order; filters are (name, operator, value)."""
    expression = {"Filters": [dict(zip(("Name", "Operator", "Value"), each, strict=False)) for each in filters]}
    request = {"SearchExpression": expression} if filters else {}
    answer = client.search(Resource=resource, **{"SortBy": "CreationTime", "SortOrder": "Ascending", **request, **more})
    return [each[resource][f"{resource}Name"] for each in answer["Results"]]


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (("TrainingJobName", "Equals", "slow"), ["slow"]),
        (("TrainingJobName", "NotEquals", "slow"), ["quick", "plain"]),
        (("TrainingJobName", "Contains", "l"), ["slow", "plain"]),
        (("TrainingJobName", "In", "slow, plain"), ["slow", "plain"]),
        (("Tags.team", "Equals", "b"), ["quick"]),
        (("Tags.team", "NotExists"), ["plain"]),
        (("HyperParameters.rate", "LessThan", "0.5"), ["slow"]),
        (("HyperParameters.rate", "GreaterThanOrEqualTo", "0.1"), ["slow", "quick"]),
        (("HyperParameters.rate", "Equals", "10.0"), ["quick"]),
        (("Metrics.accuracy", "GreaterThan", "0.8"), ["slow"]),
        (("Metrics.accuracy", "GreaterThan", "0.9"), []),
        (("ResourceConfig.VolumeSizeInGB", "LessThanOrEqualTo", "5"), ["slow", "quick", "plain"]),
        (("CreationTime", "GreaterThan", "2020-01-01T00:00:00"), ["slow", "quick", "plain"]),
        (("CreationTime", "LessThan", "2020-01-01T00:00:00"), []),
        (("InputDataConfig.ChannelName", "Equals", "train"), ["plain"]),
        (("InputDataConfig", "Exists"), ["plain"]),
    ],
)
def test_filters(jobs: Any, given: tuple[str, ...], names: list[str]) -> None:
    """Text, numbers, times, tags, hyperparameters, metrics, and what lies in lists."""
    assert found(jobs, given) == names


def test_expressions(jobs: Any) -> None:
    """Filters hold together or one of them; so do expressions within, and filters on one element of a list."""
    slow, quick = ({"Name": "TrainingJobName", "Value": name} for name in ("slow", "quick"))
    either = {"Filters": [slow, quick], "Operator": "Or"}
    assert found(jobs, SearchExpression=either) == ["slow", "quick"]
    assert found(jobs, SearchExpression={"Filters": [slow, quick]}) == []
    team = {"Name": "Tags.team", "Value": "a"}
    assert found(jobs, SearchExpression={"Filters": [team], "SubExpressions": [either]}) == ["slow"]
    uri = {"Name": "InputDataConfig.DataSource.S3DataSource.S3Uri", "Operator": "Contains", "Value": "catdata"}
    for channel, names in (("train", ["plain"]), ("validation", [])):
        filters = [{"Name": "InputDataConfig.ChannelName", "Value": channel}, uri]
        nested = {"NestedPropertyName": "InputDataConfig", "Filters": filters}
        assert found(jobs, SearchExpression={"NestedFilters": [nested]}) == names


def test_orders_and_pages(jobs: Any) -> None:
    """Any property orders; what does not have it stands before the others; pages hold all once."""
    assert found(jobs, SortBy="HyperParameters.rate") == ["plain", "slow", "quick"]
    assert found(jobs, SortBy="TrainingJobName", SortOrder="Descending") == ["slow", "quick", "plain"]
    pages = [*jobs.get_paginator("search").paginate(Resource="TrainingJob", MaxResults=2)]
    assert [len(page["Results"]) for page in pages] == [2, 1]
    assert len({each["TrainingJob"]["TrainingJobName"] for page in pages for each in page["Results"]}) == 3
    assert pages[0]["TotalHits"] == {"Value": 3, "Relation": "EqualTo"}
    token = pages[0]["NextToken"]
    assert calls.refusal(jobs.search, Resource="Model", NextToken=token)[0] == "ValidationException"


def test_who_may_see_what(service: SageMaker, jobs: Any) -> None:
    """A condition leaves out what has its tag with another value; policies are asked about it; others share nothing."""
    conditions = [{"Key": "Tags.team", "Value": "a"}]
    assert found(jobs, VisibilityConditions=conditions) == ["slow", "plain"]
    assert found(jobs, CrossAccountFilterOption="CrossAccount") == []
    request = {"Resource": "TrainingJob", "VisibilityConditions": conditions}
    [asked] = authorization.required_permissions(
        "Search", request, service.context.store, account=ACCOUNT, region=REGION
    )
    assert (asked.action, asked.resource) == ("sagemaker:Search", "*")
    assert asked.context == {"sagemaker:SearchVisibilityCondition/Tags.team": "a"}


def _wrong() -> Iterator[tuple[dict[str, Any], str]]:
    yield {"Filters": [{"Name": "Shoe", "Value": "42"}]}, "Unknown property name: Shoe."
    yield {"Filters": [{"Name": "TrainingJobName.Shoe", "Value": "42"}]}, "Unknown property name: TrainingJobName.Shoe."
    yield {}, "A SearchExpression needs at least one of Filters, NestedFilters and SubExpressions."
    name = {"Name": "TrainingJobName", "Operator": "Contains", "Value": "a"}
    yield {"Filters": [name, name]}, "'CONTAINS' operator usage limit of 1 exceeded."
    yield {"Filters": [{**name, "Operator": "LessThan"}]}, "LessThan is not supported for the property TrainingJobName."
    time = {"Name": "CreationTime", "Operator": "LessThan", "Value": "yesterday"}
    yield (
        {"Filters": [time]},
        "The Value of the filter on CreationTime must be a time like 2026-11-29T10:00:00: yesterday.",
    )
    yield {"Filters": [{"Name": "TrainingJobName"}]}, "The filter on TrainingJobName needs a Value for Equals."
    nested = {"NestedPropertyName": "TrainingJobName", "Filters": [name]}
    yield {"NestedFilters": [nested]}, "NestedPropertyName TrainingJobName is no list of structures."


@pytest.mark.parametrize(("expression", "message"), [*_wrong()])
def test_what_is_no_search(sagemaker: Any, expression: dict[str, Any], message: str) -> None:
    """It is refused in one sentence."""
    refused = calls.refusal(sagemaker.search, Resource="TrainingJob", SearchExpression=expression)
    assert refused == ("ValidationException", message)


def test_other_types(sagemaker: Any) -> None:
    """Versions by their metadata and approval, groups, cards, endpoints; a model with the endpoints that it serves."""
    calls.group(sagemaker, Tags=[{"Key": "team", "Value": "a"}])
    for accuracy in ("0.8", "0.9"):
        calls.version(sagemaker, CustomerMetadataProperties={"accuracy": accuracy})
    [best] = sagemaker.search(
        Resource="ModelPackage",
        SearchExpression={"Filters": [{"Name": "CustomerMetadataProperties.accuracy", "Value": "0.9"}]},
    )["Results"]
    assert best["ModelPackage"]["ModelPackageVersion"] == 2
    assert best["ModelPackage"]["Tags"] == [{"Key": "team", "Value": "a"}]
    assert found(sagemaker, ("Tags.team", "Equals", "a"), resource="ModelPackageGroup") == ["bricks"]
    calls.card(sagemaker)
    assert found(sagemaker, ("ModelCardStatus", "Equals", "Draft"), resource="ModelCard") == ["bricks"]
    calls.endpoint(sagemaker)
    assert found(sagemaker, resource="Endpoint") == ["lab"]
    [model] = sagemaker.search(
        Resource="Model", SearchExpression={"Filters": [{"Name": "ModelName", "Value": "bricks"}]}
    )["Results"]
    assert model["Model"]["Model"]["ModelName"] == "bricks"
    calls.pipeline(sagemaker)
    assert found(sagemaker, ("PipelineStatus", "Equals", "Active"), resource="Pipeline") == ["pipeline"]
    execution = sagemaker.start_pipeline_execution(PipelineName="pipeline")["PipelineExecutionArn"]
    [started] = sagemaker.search(Resource="PipelineExecution")["Results"]
    assert started["PipelineExecution"]["PipelineExecutionArn"] == execution
    refused = calls.refusal(sagemaker.search, Resource="Project")
    assert refused[1].startswith("The embedded AWS searches TrainingJob, Endpoint, Model, ")
