"""Lists are filtered, ordered and paged."""

from __future__ import annotations

from typing import Any

import pytest

from tests.embedded_aws.control import calls


def names(answer: dict[str, Any]) -> list[str]:
    """The names in a List operation's answer."""
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
    """A token goes with the filters and the kind for which it was given."""
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
