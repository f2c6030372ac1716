"""Retraining in the templates: what starts it, what its states name, and what its roles may do."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from infra.regions import retraining_refusal
from infra.settings import SettingsError, read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.infra.conftest import Synthesise

Template = dict[str, Any]


@pytest.fixture(scope="module")
def lab(synthesise: Synthesise) -> dict[str, Template]:
    """The templates of a lab that retrains, without seats."""
    return synthesise(retraining=True, seats=0)


def of_kind(template: Template, kind: str) -> list[dict[str, Any]]:
    """The properties of the resources of a type."""
    return [each.get("Properties", {}) for each in template["Resources"].values() if each["Type"] == kind]


def definitions(template: Template) -> dict[str, dict[str, Any]]:
    """The state machines by name, with a word in the place of what CloudFormation puts in."""
    found = {}
    for machine in of_kind(template, "AWS::StepFunctions::StateMachine"):
        text = machine["DefinitionString"]
        if not isinstance(text, str):
            text = "".join(each if isinstance(each, str) else "token" for each in text["Fn::Join"][1])
        found[machine["StateMachineName"]] = json.loads(text)
    return found


def ways(state: dict[str, Any]) -> Iterator[str]:
    """The states that a state goes on to."""
    for each in [state, *state.get("Choices", ()), *state.get("Catch", ())]:
        yield from (each[name] for name in ("Next", "Default") if name in each)


def test_a_lab_does_not_retrain_unless_it_is_told_to(templates: dict[str, Template]) -> None:
    """An upload then starts no job that costs; the bucket tells nobody of it."""
    assert "bricklab-retraining" not in templates
    [bucket] = of_kind(templates["bricklab-storage"], "AWS::S3::Bucket")
    assert "NotificationConfiguration" not in bucket


@pytest.mark.parametrize(("more", "place"), [({}, "data/"), ({"photos": True}, "photos/")])
def test_what_the_lab_learns_from_starts_a_run(
    synthesise: Synthesise, photos: Path, more: dict[str, Any], place: str
) -> None:
    """New data, or new photos, whichever the lab has; EventBridge hears of them from the bucket."""
    if more:
        more = {"photos": str(photos)}
    found = synthesise(retraining=True, seats=0, **more)
    [bucket] = of_kind(found["bricklab-storage"], "AWS::S3::Bucket")
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    patterns = [rule["EventPattern"] for rule in of_kind(found["bricklab-retraining"], "AWS::Events::Rule")]
    [pattern] = [each for each in patterns if each["source"] == ["aws.s3"]]
    assert pattern["detail"]["object"] == {"key": [{"prefix": place}]}


def test_every_state_leads_to_an_end(lab: dict[str, Template]) -> None:
    """No state names one that there is not, none is left out, and each run comes to the sentence before it ends."""
    machines = definitions(lab["bricklab-retraining"])
    assert set(machines) == {"bricklab-retraining", "bricklab-model-deployment"}
    for machine in machines.values():
        states, reached, todo = machine["States"], set(), [machine["StartAt"]]
        while todo:
            name = todo.pop()
            if name not in reached:
                reached.add(name)
                todo += ways(states[name])
        assert reached == set(states)
        ends = {name for name, each in states.items() if each.get("End") or each["Type"] in {"Fail", "Succeed"}}
        assert ends <= {"Done", "Failed", "Joined", "Gone"}


def test_every_task_of_a_run_has_a_way_out(lab: dict[str, Template]) -> None:
    """Whatever AWS refuses: the run gives its turn back if it has it, and tells."""
    for machine in definitions(lab["bricklab-retraining"]).values():
        tasks = {name: each for name, each in machine["States"].items() if each["Type"] == "Task"}
        assert tasks
        assert all("States.ALL" in each["Catch"][-1]["ErrorEquals"] for each in tasks.values())


def test_jobs_are_the_lab_s(lab: dict[str, Template]) -> None:
    """By their names and tags a teardown finds them, whenever it comes."""
    states = definitions(lab["bricklab-retraining"])["bricklab-retraining"]["States"]
    assert "bricklab-retrain-" in states["Begin"]["Assign"]["run"]
    for name in ("Snapshot", "Training", "Comparison"):
        request = states[name]["Arguments"]
        assert request["Tags"] == [{"Key": "bricklab:lab", "Value": "bricklab"}]
        [called] = [value for key, value in request.items() if key.endswith("JobName")]
        assert re.fullmatch(r"\{% \$run & '-[a-z]+' %\}", called)


@pytest.mark.parametrize(("approval", "state"), [("manual", "Pending"), ("automatic", "Approve")])
def test_approval_is_somebody_s_or_the_gate_s(synthesise: Synthesise, approval: str, state: str) -> None:
    """Either way a version begins as pending, so that one event tells of every approval."""
    made = synthesise(retraining=True, seats=0, approval=approval, gate=0.01, gate_per_class=0.1)
    states = definitions(made["bricklab-retraining"])["bricklab-retraining"]["States"]
    assert states["Register"]["Arguments"]["ModelApprovalStatus"] == "PendingManualApproval"
    assert states["Register"]["Next"] == state
    conditions = {each["Next"]: each["Condition"] for each in states["Gate"]["Choices"]}
    assert conditions["Register"] == "{% $comparison.gain >= 0.01 and $comparison.loss <= 0.1 %}"


def test_the_deployment_may_update_one_stack(lab: dict[str, Template]) -> None:
    """And pass no role: the stack has its own."""
    roles = of_kind(lab["bricklab-retraining"], "AWS::IAM::Role")
    statements = [s for role in roles for each in role["Policies"] for s in each["PolicyDocument"]["Statement"]]
    [update] = [each for each in statements if "cloudformation:UpdateStack" in each["Action"]]
    assert "stack/bricklab-endpoint/*" in json.dumps(update["Resource"])
    passing = [each for each in statements if "iam:PassRole" in each["Action"]]
    assert all(
        each["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}} for each in passing
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"retraining": True, "algorithm": "xgboost"}, "lab.retraining = True: must be false with lab.algorithm"),
        ({"retraining": True, "seats": ["retrain"]}, "'retrain' can't be a seat's name with lab.retraining"),
        ({"gate": -0.1}, "lab.gate = -0.1: must be greater than or equal to 0"),
        ({"gate_per_class": 2}, "lab.gate_per_class = 2: must be less than or equal to 1"),
        ({"approval": "never"}, "lab.approval = 'never': must be 'manual' or 'automatic'"),
    ],
)
def test_what_can_t_be_is_refused_with_its_rule(given: dict[str, Any], said: str) -> None:
    """Before anything is deployed."""
    with pytest.raises(SettingsError, match=re.escape(said)):
        read({"lab": given})


def test_a_region_without_a_registry_is_refused() -> None:
    """A candidate would have nowhere to wait for its approval."""
    assert "lab.retraining must be false in ap-east-2" in str(retraining_refusal("ap-east-2", wanted=True))
    assert retraining_refusal("ap-east-2", wanted=False) is None
    assert retraining_refusal("eu-west-1", wanted=True) is None
