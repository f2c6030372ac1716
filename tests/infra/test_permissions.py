"""What no checker looks at: whom a role may pass to SageMaker, and on which instances it may create something."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from botocore.loaders import Loader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.infra.conftest import Synthesise

Template = dict[str, Any]
Statement = dict[str, Any]
TYPES = ["ml.m5.large", "ml.c5.xlarge"]
UPDATE = "sagemaker:UpdateTrainingJob"


@pytest.fixture(scope="module")
def policies(synthesise: Synthesise, photos: Path) -> dict[str, list[Statement]]:
    """The statements of every role, by stack and logical id; of a lab with all that a setting can add."""
    made = synthesise(
        seats=["ada", "grace"],
        lease="8h",
        photos=str(photos),
        seat_instance_types=TYPES,
        retraining=True,
        monitor="hourly",
    )
    found: dict[str, list[Statement]] = {}
    for stack, template in made.items():
        for name, resource in template["Resources"].items():
            properties = resource.get("Properties", {})
            if resource["Type"] == "AWS::IAM::Role":
                for policy in properties.get("Policies", []):
                    found.setdefault(f"{stack} {name}", []).extend(policy["PolicyDocument"]["Statement"])
            if resource["Type"] in {"AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"}:
                for role in properties["Roles"]:
                    found.setdefault(f"{stack} {role['Ref']}", []).extend(properties["PolicyDocument"]["Statement"])
    return found


def listed(value: Any) -> list[Any]:
    """A list, where CloudFormation takes one or one thing."""
    return value if isinstance(value, list) else [value]


def allowing(policies: dict[str, list[Statement]], actions: set[str]) -> Iterator[tuple[str, Statement]]:
    """Every role's statements that allow one of these actions."""
    for role, statements in policies.items():
        for statement in statements:
            if statement["Effect"] == "Allow" and actions & set(listed(statement["Action"])):
                yield role, statement


@cache
def on_instances() -> set[str]:
    """SageMaker's operations that make or change something that runs on an instance: botocore's model says which."""
    model = Loader().load_service_model("sagemaker", "service-2")

    def names(shape: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
        described = model["shapes"][shape]
        if shape in seen:
            return
        inner = [member["shape"] for member in described.get("members", {}).values()]
        inner += [described[part]["shape"] for part in ("member", "value") if part in described]
        yield from described.get("members", {})
        for each in inner:
            yield from names(each, seen | {shape})

    return {
        f"sagemaker:{name}"
        for name, operation in model["operations"].items()
        if name.startswith(("Create", "Update", "Start"))
        and "input" in operation
        and {"InstanceType", "InstanceTypes"} & set(names(operation["input"]["shape"]))
    }


def test_students_create_on_the_lab_s_instance_types_only(policies: dict[str, list[Statement]]) -> None:
    """A seat makes what runs on an instance only if it names types, all of which are the lab's.

    An endpoint may be serverless instead, and small.

    A training job names no period of a warm pool, or one that is no longer than an idle notebook waits. On what a model
    package is tested no key of IAM's tells.
    """
    operations = on_instances() - {UPDATE, "sagemaker:CreateModelPackage"}
    assert {"sagemaker:CreateTrainingJob", "sagemaker:CreateEndpointConfig", "sagemaker:CreateCluster"} <= operations
    seats = [(role, each) for role, each in allowing(policies, operations) if "-seat-" in role]
    assert len(seats) == 8
    for _, statement in seats:
        if "NumericLessThanEquals" in statement["Condition"]:
            assert statement["Action"] == "sagemaker:CreateEndpointConfig"
            assert statement["Condition"] == {
                "NumericLessThanEquals": {
                    "sagemaker:ServerlessMaxConcurrency": "5",
                    "sagemaker:ServerlessMemorySize": "3072",
                },
                "Null": {"sagemaker:InstanceTypes": "true"},
            }
            continue
        condition = {
            "ForAllValues:StringEquals": {"sagemaker:InstanceTypes": TYPES},
            "Null": {"sagemaker:InstanceTypes": "false"},
        }
        if statement["Action"] == "sagemaker:CreateTrainingJob":  # IAM has the key for no other of them
            condition["NumericLessThanEqualsIfExists"] = {"sagemaker:KeepAlivePeriod": "3600"}
        assert statement["Condition"] == condition


def test_a_student_answers_for_their_own_seat(policies: dict[str, list[Statement]]) -> None:
    """Of a labelling job a student reads what is asked and their own answers, and writes nothing but these."""
    [(role, written)] = [
        (role, each)
        for role, each in allowing(policies, {"s3:PutObject"})
        if "-seat-ada" in role and "labels/" in json.dumps(each["Resource"])
    ]
    assert set(written["Action"]) == {"s3:DeleteObject", "s3:PutObject"}
    assert [tail(each) for each in listed(written["Resource"])] == ["/labels/*/answers/ada/*"]
    [read] = [
        each
        for _, each in allowing({role: policies[role]}, {"s3:GetObject"})
        if "labels/" in json.dumps(each["Resource"])
    ]
    assert {tail(each) for each in listed(read["Resource"])} == {
        "/raw/*",
        "/labels/*/answers/ada/*",
        "/labels/*/input.manifest",
        "/labels/*/job.json",
        "/labels/*/labels.json",
        "/labels/*/manifests/output/output.manifest",
    }


def tail(resource: Any) -> str:
    """What follows the bucket in an ARN that CloudFormation puts together."""
    return str(resource["Fn::Join"][1][-1])


def test_a_training_job_s_update_is_about_its_warm_pool(policies: dict[str, list[Statement]]) -> None:
    """Nobody may profile it on instances; the teardown may end its pool, a student may prolong it too."""
    assert on_instances() >= {UPDATE}
    longest = {
        role.partition(" ")[0]: {k: v for k, v in statement["Condition"].items() if k.startswith("Numeric")}
        for role, statement in allowing(policies, {UPDATE})
        if statement["Condition"]["Null"] == {"sagemaker:InstanceTypes": "true"} and statement["Action"] == UPDATE
    }
    seat = {"NumericLessThanEquals": {"sagemaker:KeepAlivePeriod": "3600"}}
    assert longest == {
        "bricklab-seat-ada": seat,
        "bricklab-seat-grace": seat,
        "bricklab-operations": {"NumericEquals": {"sagemaker:KeepAlivePeriod": "0"}},
    }
    assert len(list(allowing(policies, {UPDATE}))) == 4


def test_who_asks_athena_may_see_the_default_database(policies: dict[str, list[Statement]]) -> None:
    """Athena's guide: the `default` database and the catalog belong into every policy; no table of it does."""
    asking = {role for role, _ in allowing(policies, {"athena:StartQueryExecution"})}
    seeing: dict[str, list[str]] = {}
    for role, statement in allowing(policies, {"glue:GetDatabase"}):
        ends = [json.dumps(each).rpartition(":")[2].strip('"]}') for each in listed(statement["Resource"])]
        seeing.setdefault(role, []).extend(ends)
        assert not any(end.startswith("table/default") for end in ends)
    assert asking
    assert all({"catalog", "database/default"} <= set(seeing[role]) for role in asking)


def test_an_endpoint_may_make_its_own_log_group_and_no_other(
    policies: dict[str, list[Statement]], templates: dict[str, Template]
) -> None:
    """The agent in the container may try it first, though the group is there; the role is gone before the group is."""
    [(_, statement)] = [
        each for each in allowing(policies, {"logs:CreateLogGroup"}) if each[0].startswith("bricklab-endpoint Serving")
    ]
    by_name, group = sorted(listed(statement["Resource"]), key=lambda each: "Fn::GetAtt" in each)
    assert by_name["Fn::Join"][1][-1].endswith(":log-group:/aws/sagemaker/Endpoints/bricklab")
    logical, attribute = group["Fn::GetAtt"]
    assert attribute == "Arn"
    resource = templates["bricklab-endpoint"]["Resources"][logical]
    assert resource["Properties"]["LogGroupName"] == "/aws/sagemaker/Endpoints/bricklab"


@pytest.mark.parametrize(("minutes", "seconds"), [(10, "600"), (90, "3600"), (0, "3600")])
def test_a_student_s_warm_pool_waits_as_long_as_a_notebook(synthesise: Synthesise, minutes: int, seconds: str) -> None:
    """At most an hour, which is the longest that SageMaker's guide knows."""
    template = synthesise(seats=["ada"], idle_minutes=minutes)["bricklab-seat-ada"]
    assert f'"sagemaker:KeepAlivePeriod": "{seconds}"' in json.dumps(template)


def test_the_lab_creates_its_own_jobs_only(policies: dict[str, list[Statement]]) -> None:
    """Besides students only the functions of the two jobs create something on an instance, and a retraining its jobs.

    On which instance the template says, which asks for no other than the setting's. What a retraining registers is
    tested on none.
    """
    made = {
        (role.partition(" ")[0], action, json.dumps(statement["Resource"]).rpartition(":")[2].rstrip('"]}'))
        for role, statement in allowing(policies, on_instances() - {UPDATE})
        if "-seat-" not in role
        for action in set(listed(statement["Action"])) & on_instances()
    }
    assert made == {
        ("bricklab-training", "sagemaker:CreateTrainingJob", "training-job/bricklab-*"),
        ("bricklab-storage", "sagemaker:CreateProcessingJob", "processing-job/bricklab-*"),
        ("bricklab-retraining", "sagemaker:CreateTrainingJob", "training-job/bricklab-retrain-*"),
        ("bricklab-retraining", "sagemaker:CreateProcessingJob", "processing-job/bricklab-retrain-*"),
        ("bricklab-retraining", "sagemaker:CreateModelPackage", "model-package/bricklab/*"),
    }


def test_a_role_passes_itself_or_its_stack_s(policies: dict[str, list[Statement]]) -> None:
    """Whom a role may pass is a role of the same stack, to one service; a student's is the seat's own."""
    passing = list(allowing(policies, {"iam:PassRole"}))
    assert len(passing) == 8
    for role, statement in passing:
        stack, _, name = role.partition(" ")
        [passed] = listed(statement["Resource"])
        assert f"{stack} {passed['Fn::GetAtt'][0]}" in policies
        assert statement["Condition"]["StringEquals"]["iam:PassedToService"] in {
            "sagemaker.amazonaws.com",
            "scheduler.amazonaws.com",
        }
        if "-seat-" in stack:
            assert passed["Fn::GetAtt"] == [name, "Arn"]


def test_nobody_changes_permissions(policies: dict[str, list[Statement]]) -> None:
    """No role writes to IAM, assumes another role, or changes a key's or the bucket's policy.

    A state machine's changes CloudWatch Logs' own, by which its log is delivered (Step Functions' guide, "Logging").
    """
    for statements in policies.values():
        for action in [action for each in statements for action in listed(each["Action"])]:
            service, _, verb = action.partition(":")
            assert service != "iam" or verb == "PassRole"
            assert service != "sts"
            assert not verb.endswith("Policy") or action == "logs:PutResourcePolicy"
