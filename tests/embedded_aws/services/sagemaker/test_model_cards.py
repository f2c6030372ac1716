"""Model cards, through boto3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from embedded_aws.services.sagemaker.events import publish_to
from tests.embedded_aws.services.sagemaker import calls

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.events import Event
    from embedded_aws.services.sagemaker.service import SageMaker

NAME = {"ModelCardName": "bricks"}


def content(**overview: str) -> str:
    """Return a card's content."""
    return json.dumps({"model_overview": overview, "intended_uses": {"risk_rating": "Low", "purpose_of_model": "sort"}})


def test_a_change_of_content_is_a_version(sagemaker: Any) -> None:
    """The last is described unless another is asked for; a change of status makes none."""
    calls.card(sagemaker, Content=content(model_name="one"))
    sagemaker.update_model_card(**NAME, ModelCardStatus="PendingReview")
    sagemaker.update_model_card(**NAME, Content=content(model_name="two"))
    last, first = sagemaker.describe_model_card(**NAME), sagemaker.describe_model_card(**NAME, ModelCardVersion=1)
    assert [(each["ModelCardVersion"], each["Content"]) for each in (first, last)] == [
        (1, content(model_name="one")),
        (2, content(model_name="two")),
    ]
    assert first["ModelCardStatus"] == last["ModelCardStatus"] == "PendingReview"
    versions = sagemaker.list_model_card_versions(**NAME)["ModelCardVersionSummaryList"]
    assert [each["ModelCardVersion"] for each in versions] == [1, 2]
    assert versions[0]["CreationTime"] < versions[1]["CreationTime"]
    pages = sagemaker.get_paginator("list_model_card_versions").paginate(**NAME, SortOrder="Descending", MaxResults=1)
    assert [page["ModelCardVersionSummaryList"][0]["ModelCardVersion"] for page in pages] == [2, 1]
    refused = calls.refusal(sagemaker.describe_model_card, **NAME, ModelCardVersion=3)
    assert refused == (
        "ResourceNotFound",
        "Model card arn:aws:sagemaker:us-east-1:000000000000:model-card/bricks has no version 3.",
    )


def test_cards_are_listed_by_status(sagemaker: Any) -> None:
    """By their status and their names."""
    for name, status in (("a", "Draft"), ("b", "Approved")):
        calls.card(sagemaker, name, ModelCardStatus=status)
    listed = sagemaker.list_model_cards(ModelCardStatus="Approved")["ModelCardSummaries"]
    assert [each["ModelCardName"] for each in listed] == ["b"]


def test_what_is_told_without_the_key(sagemaker: Any) -> None:
    """MetadataOnly tells a few fields of the content; so it is of a model package's card."""
    calls.card(sagemaker, Content=content(model_name="one", model_owner="me"))
    told = sagemaker.describe_model_card(**NAME, IncludedData="MetadataOnly")["Content"]
    assert json.loads(told) == {"model_overview": {"model_name": "one"}, "intended_uses": {"risk_rating": "Low"}}
    calls.group(sagemaker)
    arn = calls.version(sagemaker, ModelCard={"ModelCardContent": content(), "ModelCardStatus": "Draft"})
    package = sagemaker.describe_model_package(ModelPackageName=arn, IncludedData="MetadataOnly")
    assert json.loads(package["ModelCard"]["ModelCardContent"]) == {"intended_uses": {"risk_rating": "Low"}}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("{", "must be JSON"),
        ("[]", "must be a JSON object"),
        ('{"overview": {}}', "has the section overview"),
        ('{"intended_uses": []}', "intended_uses must be an object"),
        ('{"evaluation_details": {}}', "evaluation_details must be an array"),
        ('{"intended_uses": {"risk_rating": "None"}}', "risk_rating must be one of High, Medium, Low, Unknown"),
    ],
)
def test_what_is_no_card(sagemaker: Any, given: str, words: str) -> None:
    """The sentence says what is wrong with the content; no card and no version is made of it."""
    assert words in calls.refusal(lambda: calls.card(sagemaker, Content=given))[1]
    calls.card(sagemaker)
    assert words in calls.refusal(sagemaker.update_model_card, **NAME, Content=given)[1]
    both = calls.refusal(sagemaker.update_model_card, **NAME, Content=content(), ModelCardStatus="Draft")
    assert both[1] == "Content and ModelCardStatus can't be updated in a single call."
    assert sagemaker.describe_model_card(**NAME)["ModelCardVersion"] == 1


def test_events_of_a_card(service: SageMaker, sagemaker: Any) -> None:
    """Its making, its versions and its statuses are told."""
    told: list[Event] = []
    service.context.store._on_change = publish_to(told.append)
    calls.card(sagemaker)
    sagemaker.update_model_card(**NAME, Content=content())
    sagemaker.update_model_card(**NAME, ModelCardStatus="Approved")
    assert {each.detail_type for each in told} == {"SageMaker Model Card State Change"}
    assert [(each.detail["ModelCardVersion"], each.detail["ModelCardStatus"]) for each in told] == [
        (1, "Draft"),
        (2, "Draft"),
        (2, "Approved"),
    ]
    assert "Content" not in told[0].detail
