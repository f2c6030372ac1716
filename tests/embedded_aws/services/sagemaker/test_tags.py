"""Tags on every ARN."""

from __future__ import annotations

from typing import Any

import pytest

from tests.embedded_aws.services.sagemaker import calls


def arn_of(answer: dict[str, Any]) -> str:
    """Return the ARN that a Create operation answered."""
    return next(str(value) for member, value in answer.items() if member.endswith("Arn"))


def tags(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    """Return tags as requests and answers have them."""
    return [{"Key": key, "Value": value} for key, value in pairs]


@pytest.mark.parametrize("create", calls.CREATE.values(), ids=calls.CREATE)
def test_tags_are_given_changed_and_taken_away(sagemaker: Any, create: Any) -> None:
    """A resource of each type keeps the tags of its creation, of AddTags, less those of DeleteTags."""
    arn = arn_of(create(sagemaker, Tags=tags(("lab", "bricks"), ("seat", "one"))))
    added = sagemaker.add_tags(ResourceArn=arn, Tags=tags(("seat", "two"), ("größe", "")))
    expected = tags(("lab", "bricks"), ("seat", "two"), ("größe", ""))
    assert added["Tags"] == expected
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == expected
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["lab", "absent"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == expected[1:]


def test_tags_go_with_their_resource(sagemaker: Any) -> None:
    """The ARN of a deleted resource has no tags to list."""
    arn = arn_of(calls.model(sagemaker, Tags=tags(("lab", "bricks"))))
    sagemaker.delete_model(ModelName="bricks")
    assert calls.refusal(sagemaker.list_tags, ResourceArn=arn)[0] == "ValidationException"
    assert sagemaker.list_tags(ResourceArn=arn_of(calls.model(sagemaker)))["Tags"] == []


@pytest.mark.parametrize("given", [tags(("aws:lab", "x")), tags(("lab", "x"), ("lab", "y"))])
def test_tags_that_aws_refuses(sagemaker: Any, given: list[dict[str, str]]) -> None:
    """AWS's own prefix and a key given twice are refused, at creation too."""
    assert calls.refusal(lambda: calls.model(sagemaker, Tags=given))[0] == "ValidationException"
    arn = arn_of(calls.model(sagemaker))
    assert calls.refusal(sagemaker.add_tags, ResourceArn=arn, Tags=given)[0] == "ValidationException"


def test_a_resource_has_at_most_fifty_tags(sagemaker: Any) -> None:
    """The fifty-first tag is refused; changing one of the fifty is not."""
    fifty = tags(*((f"key-{number}", "x") for number in range(50)))
    arn = arn_of(calls.model(sagemaker, Tags=fifty))
    refused = calls.refusal(sagemaker.add_tags, ResourceArn=arn, Tags=tags(("one-more", "x")))
    assert refused[0] == "ResourceLimitExceeded"
    sagemaker.add_tags(ResourceArn=arn, Tags=tags(("key-1", "y")))
    assert len(sagemaker.list_tags(ResourceArn=arn)["Tags"]) == 50
