"""Every List operation, with everything that botocore's model lets one ask of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore import xform_name

from embedded_aws.services.sagemaker import api, resource_types
from tests.embedded_aws.control import calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RESOURCE_TYPES = [resource_type.name for resource_type in resource_types.RESOURCE_TYPES.values()]
PAGING = {"NextToken", "MaxResults", "SortBy", "SortOrder"}
# What a filter asks of a value, and which values it is tried with.
CRITERIA: dict[str, tuple[Callable[[Any, Any], bool], Callable[[Any], list[Any]]]] = {
    "Contains": (lambda value, wanted: wanted in value, lambda value: [value, value[:1], "nothing"]),
    "Equals": (lambda value, wanted: value == wanted, lambda value: [value]),
    "After": (lambda value, wanted: value >= wanted, lambda value: [value, value + timedelta(days=1)]),
    "Before": (lambda value, wanted: value < wanted, lambda value: [value, value + timedelta(days=1)]),
}
# What the filter or the order is about, where Describe calls it otherwise; nobody has the last two.
ABSENT = {"WarmPoolStatus": "Available", "TrainingPlanArn": "arn:aws:sagemaker:us-east-1:000000000000:training-plan/a"}
NOTEBOOKS_OWN = ("NotebookInstanceLifecycleConfigName", "DefaultCodeRepository", "AdditionalCodeRepository")


class Listing:
    """Three resources of a kind, made in the order b, a, c, and its List operation."""

    def __init__(self, client: Any, resource_type: str) -> None:
        self.client, self.resource_type = client, resource_type
        self.operation = f"list_{xform_name(resource_type)}s"
        self.input: Any = api.operation_model(
            resource_types.RESOURCE_TYPES[resource_type].operation("List")
        ).input_shape
        for name in "bac":
            calls.CREATE[xform_name(resource_type)](client, name)
        self._settle()
        self.described = {name: self._describe(name) for name in "bac"}

    def __call__(self, **request: Any) -> list[str]:
        """The names that are listed."""
        answer = getattr(self.client, self.operation)(**request)
        return [each[f"{self.resource_type}Name"] for each in self.summaries(answer)]

    def pages(self, **request: Any) -> list[list[str]]:
        """The names on each page, as boto3's paginator gets them."""
        pages = self.client.get_paginator(self.operation).paginate(**request)
        return [[each[f"{self.resource_type}Name"] for each in self.summaries(page)] for page in pages]

    def summaries(self, answer: dict[str, Any]) -> list[dict[str, Any]]:
        """What an answer lists."""
        return list(answer[api.summaries_member(resource_types.RESOURCE_TYPES[self.resource_type].operation("List"))])

    def value(self, name: str, subject: str) -> Any:
        """What a filter or an order is about, as Describe tells it."""
        member = {"Name": f"{self.resource_type}Name", "Status": f"{self.resource_type}Status"}.get(subject, subject)
        return self.described[name].get(member)

    def _describe(self, name: str) -> dict[str, Any]:
        """What Describe and List tell together: DescribeTransformJob has no LastModifiedTime, its summary has."""
        answer = getattr(self.client, self.operation)(NameContains=name)
        described = getattr(self.client, f"describe_{xform_name(self.resource_type)}")(
            **{f"{self.resource_type}Name": name}
        )
        return {**self.summaries(answer)[0], **described}

    def _settle(self) -> None:
        """Let nothing change any more, and one be in another state where that is cheap."""
        waiter = {"Endpoint": "endpoint_in_service", "NotebookInstance": "notebook_instance_in_service"}.get(
            self.resource_type
        )
        for name in "bac" if waiter else "":
            self.client.get_waiter(waiter).wait(**{f"{self.resource_type}Name": name}, WaiterConfig={"Delay": 0.01})
        if self.resource_type.endswith("Job"):
            getattr(self.client, f"stop_{xform_name(self.resource_type)}")(**{f"{self.resource_type}Name": "a"})


@pytest.fixture(params=RESOURCE_TYPES)
def listing(request: pytest.FixtureRequest, sagemaker: Any) -> Listing:
    """Each kind's."""
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
        if name in PAGING or name.startswith(NOTEBOOKS_OWN):
            continue
        criterion = next(each for each in CRITERIA if name.endswith(each))
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
