"""Lists are filtered, ordered and paged: every List operation, with everything that botocore's model lets one ask."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore import xform_name

from embedded_aws.services.sagemaker import api
from embedded_aws.services.sagemaker.resource_types import RESOURCE_TYPES
from tests.embedded_aws.account import until
from tests.embedded_aws.services.sagemaker import calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGING = {"NextToken", "MaxResults", "SortBy", "SortOrder"}
# What a filter asks of a value, and which values it is tried with.
CRITERIA: dict[str, tuple[Callable[[Any, Any], bool], Callable[[Any], list[Any]]]] = {
    "Contains": (lambda value, wanted: wanted in value, lambda value: [value, value[:1], "nothing"]),
    "Equals": (lambda value, wanted: value == wanted, lambda value: [value]),
    "After": (lambda value, wanted: value >= wanted, lambda value: [value, value + timedelta(days=1)]),
    "Before": (lambda value, wanted: value < wanted, lambda value: [value, value + timedelta(days=1)]),
    "Prefix": (lambda value, wanted: value.startswith(wanted), lambda value: [value, value[:1], "nothing"]),
}
# What the filter or the order is about, where Describe calls it otherwise; nobody has the last two.
ABSENT = {
    "MonitoringJobDefinitionName": "theirs",
    "TrainingPlanArn": "arn:aws:sagemaker:us-east-1:000000000000:training-plan/a",
    "WarmPoolStatus": "Available",
}
NOTEBOOKS_OWN = ("NotebookInstanceLifecycleConfigName", "DefaultCodeRepository", "AdditionalCodeRepository")


class Listing:
    """Three resources of a type, made in the order b, a, c, and its List operation."""

    def __init__(self, client: Any, resource_type: str) -> None:
        self.client, self.resource_type = client, resource_type
        self.operation = f"list_{xform_name(resource_type)}s"
        self.input: Any = api.operation_model(RESOURCE_TYPES[resource_type].operation("List")).input_shape
        for name in "bac":
            calls.CREATE[xform_name(resource_type)](client, name)
        self._settle()
        self.described = {name: self._describe(name) for name in "bac"}

    def __call__(self, **request: Any) -> list[str]:
        """Return the names that are listed."""
        answer = getattr(self.client, self.operation)(**request)
        return [each[f"{self.resource_type}Name"] for each in self.summaries(answer)]

    def pages(self, **request: Any) -> list[list[str]]:
        """Return the names on each page, as boto3's paginator gets them."""
        pages = self.client.get_paginator(self.operation).paginate(**request)
        return [[each[f"{self.resource_type}Name"] for each in self.summaries(page)] for page in pages]

    def summaries(self, answer: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what an answer lists."""
        return list(answer[api.summaries_member(RESOURCE_TYPES[self.resource_type].operation("List"))])

    def value(self, name: str, subject: str) -> Any:
        """Return the value that a filter or an order is about, as Describe tells it."""
        called = {
            "Name": f"{self.resource_type}Name",
            "Status": f"{self.resource_type}Status",
            "Created": "CreationTime",
        }
        member = called.get(subject, subject)
        return self.described[name].get(member)

    def _describe(self, name: str) -> dict[str, Any]:
        """Return what Describe and List tell both: DescribeTransformJob has no LastModifiedTime, its summary has."""
        wanted = {"PipelineNamePrefix": name} if self.resource_type == "Pipeline" else {"NameContains": name}
        answer = getattr(self.client, self.operation)(**wanted)
        describe = getattr(self.client, f"describe_{xform_name(self.resource_type)}")
        described = describe(**{f"{self.resource_type}Name": name})
        return {**self.summaries(answer)[0], **described}

    def _settle(self) -> None:
        """Let nothing change any more, and one be in another state where that is cheap."""
        waiters = {"Endpoint": "endpoint_in_service", "NotebookInstance": "notebook_instance_in_service"}
        waiter = waiters.get(self.resource_type)
        for name in "bac" if waiter else "":
            self.client.get_waiter(waiter).wait(**{f"{self.resource_type}Name": name}, WaiterConfig={"Delay": 0.01})
        if self.resource_type == "MonitoringSchedule":
            statuses = self.client.list_monitoring_schedules
            until(lambda: len(self.summaries(statuses(StatusEquals="Scheduled"))) == len("bac"))
        if self.resource_type.endswith("Job"):
            getattr(self.client, f"stop_{xform_name(self.resource_type)}")(**{f"{self.resource_type}Name": "a"})


@pytest.fixture(params=[each.name for each in RESOURCE_TYPES.values() if xform_name(each.name) in calls.CREATE])
def listing(request: pytest.FixtureRequest, sagemaker: Any) -> Listing:
    """Return the three resources of each type."""
    return Listing(sagemaker, request.param)


def test_pages_filters_and_orders(listing: Listing) -> None:
    """Each page size shows all once; each filter shows what it must; each order is kept; a bad token is refused."""
    everything = listing()
    for size in (1, 2, 3, 100):
        pages = listing.pages(MaxResults=size)
        assert [name for page in pages for name in page] == everything
        assert all(len(page) <= size for page in pages)
    assert [*_wrong_filters(listing)] == []
    assert [*_wrong_orders(listing)] == []
    refused = calls.refusal(getattr(listing.client, listing.operation), NextToken="AAAA")
    assert refused[0] == "ValidationException"


def _wrong_filters(listing: Listing) -> Iterator[str]:
    for name, member in listing.input.members.items():
        own = RESOURCE_TYPES[listing.resource_type].filters.keys() | {"ModelApprovalStatus"}
        if name in PAGING or name in own or name.startswith(NOTEBOOKS_OWN):
            continue
        criterion = next((each for each in CRITERIA if name.endswith(each)), "Equals")
        subject = name.removesuffix(criterion)
        holds, values = CRITERIA[criterion]
        tried = values(listing.value("a", subject) or ABSENT[subject])
        for wanted in {*tried, *(member.metadata.get("enum", ()) if subject == "Status" else ())}:
            expected = {each for each in "bac" if (v := listing.value(each, subject)) and holds(v, wanted)}
            if {*listing(**{name: wanted})} != expected:
                yield f"{name}={wanted}: {listing(**{name: wanted})}, not {expected}"


def _wrong_orders(listing: Listing) -> Iterator[str]:
    for subject in listing.input.members["SortBy"].metadata["enum"]:
        for order in listing.input.members["SortOrder"].metadata["enum"]:
            names = listing(SortBy=subject, SortOrder=order)
            values = [_comparable(listing.value(name, subject)) for name in names]
            if len(names) != len("bac") or values != sorted(values, reverse=order == "Descending"):
                yield f"{subject} {order}: {names}"


def _comparable(value: Any) -> Any:
    return value.timestamp() if isinstance(value, datetime) else value


def names(answer: dict[str, Any]) -> list[str]:
    """Return the names in a List operation's answer."""
    summaries = next(value for value in answer.values() if isinstance(value, list))
    return [next(value for member, value in summary.items() if member.endswith("Name")) for summary in summaries]


def test_pages_hold_all_records_once(sagemaker: Any) -> None:
    """120 records come in pages, in order, none twice and none left out."""
    made = [f"model-{number:03}" for number in range(120)]
    for name in made:
        calls.model(sagemaker, name)
    pages = list(sagemaker.get_paginator("list_models").paginate(SortBy="Name", SortOrder="Ascending"))
    assert [len(page["Models"]) for page in pages] == [10] * 12
    assert [name for page in pages for name in names(page)] == made
    assert "NextToken" not in pages[-1]
    large = sagemaker.list_models(MaxResults=100)
    assert len(large["Models"]) == 100
    assert len(sagemaker.list_models(MaxResults=100, NextToken=large["NextToken"])["Models"]) == 20


def test_a_page_goes_on_where_the_last_ended(sagemaker: Any) -> None:
    """Records that come and go between two pages make none appear twice."""
    for name in "abcd":
        calls.model(sagemaker, name)
    order = {"SortBy": "Name", "SortOrder": "Ascending", "MaxResults": 2}
    first = sagemaker.list_models(**order)
    sagemaker.delete_model(ModelName="a")
    calls.model(sagemaker, "aa")
    second = sagemaker.list_models(**order, NextToken=first["NextToken"])
    assert (names(first), names(second)) == (["a", "b"], ["c", "d"])


@pytest.mark.parametrize("token", ["rubbish", "AAAA", "é"])
def test_a_made_up_token_is_refused(sagemaker: Any, token: str) -> None:
    """Only a token that the service gave is taken."""
    code, message = calls.refusal(sagemaker.list_models, NextToken=token)
    assert code == "ValidationException"
    assert message.startswith("Invalid pagination token.")


def test_a_token_of_another_question_is_refused(sagemaker: Any) -> None:
    """A token goes with the filters and the resource type for which it was given."""
    for name in "ab":
        calls.model(sagemaker, name)
    token = sagemaker.list_models(MaxResults=1)["NextToken"]
    assert calls.refusal(sagemaker.list_models, NextToken=token, NameContains="a")[0] == "ValidationException"
    assert calls.refusal(sagemaker.list_endpoints, NextToken=token)[0] == "ValidationException"


def test_filters_by_name_and_status(sagemaker: Any) -> None:
    """NameContains and StatusEquals hold together."""
    for name in ("red-1", "red-2", "blue-1"):
        calls.training_job(sagemaker, name)
    sagemaker.stop_training_job(TrainingJobName="red-2")
    assert names(sagemaker.list_training_jobs(NameContains="red")) == ["red-1", "red-2"]
    assert names(sagemaker.list_training_jobs(NameContains="red", StatusEquals="Stopped")) == ["red-2"]
    assert names(sagemaker.list_training_jobs(StatusEquals="Failed")) == []


def test_orders(sagemaker: Any) -> None:
    """SortBy and SortOrder decide; without them each list has AWS's own order."""
    for name in "bac":
        calls.training_job(sagemaker, name)
        calls.model(sagemaker, name)
        calls.notebook(sagemaker, name)
    sagemaker.stop_training_job(TrainingJobName="a")
    assert names(sagemaker.list_training_jobs()) == ["b", "a", "c"]
    assert names(sagemaker.list_models()) == ["c", "a", "b"]
    assert names(sagemaker.list_notebook_instances()) == ["a", "b", "c"]
    assert names(sagemaker.list_training_jobs(SortBy="Name", SortOrder="Descending")) == ["c", "b", "a"]
    assert names(sagemaker.list_training_jobs(SortBy="Status")) == ["b", "c", "a"]


def test_filters_of_notebook_instances(sagemaker: Any) -> None:
    """The notebook's own filters look at its lifecycle configuration and its repositories."""
    calls.lifecycle(sagemaker, "onstart")
    calls.notebook(sagemaker, "a", LifecycleConfigName="onstart")
    calls.notebook(sagemaker, "b", AdditionalCodeRepositories=["https://example.com/one"])
    calls.notebook(sagemaker, "c", DefaultCodeRepository="https://example.com/two")
    listed = sagemaker.list_notebook_instances
    assert names(listed(NotebookInstanceLifecycleConfigNameContains="start")) == ["a"]
    assert names(listed(AdditionalCodeRepositoryEquals="https://example.com/one")) == ["b"]
    assert names(listed(DefaultCodeRepositoryContains="two")) == ["c"]
