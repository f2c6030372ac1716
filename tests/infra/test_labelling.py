"""What lab.labelling = ground-truth adds to the storage stack: people, their workforce and team, and a job's role."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.constructs.labelling_files import CATEGORIES, TEMPLATE, labelling_files
from model_code.data import LABELS

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesise


@pytest.fixture(scope="module")
def labelled(synthesise: Synthesise) -> dict[str, Any]:
    """The template of the storage stack with Ground Truth."""
    return synthesise(seats=0, labelling="ground-truth")["bricklab-storage"]


def of_kind(template: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The properties of all resources of a type."""
    return [each["Properties"] for each in template["Resources"].values() if each["Type"] == kind]


def test_by_default_nobody_labels(templates: dict[str, Any]) -> None:
    """No user pool, no workforce."""
    text = json.dumps(templates)
    assert "AWS::Cognito" not in text
    assert "AWS::SageMaker::Work" not in text


def test_a_team_of_a_pool_that_nobody_joins_alone(labelled: dict[str, Any]) -> None:
    """The workforce is of the pool and its client, the team of the group in it."""
    [pool] = of_kind(labelled, "AWS::Cognito::UserPool")
    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    [workforce], [team] = (of_kind(labelled, f"AWS::SageMaker::{kind}") for kind in ("Workforce", "Workteam"))
    [group] = of_kind(labelled, "AWS::Cognito::UserPoolGroup")
    member = team["MemberDefinitions"][0]["CognitoMemberDefinition"]
    assert (member["CognitoUserPool"], member["CognitoClientId"]) == (
        workforce["CognitoConfig"]["UserPool"],
        workforce["CognitoConfig"]["ClientId"],
    )
    assert member["CognitoUserGroup"] == group["GroupName"] == "bricklab-labelers"
    assert team["WorkforceName"] == workforce["WorkforceName"]


def test_its_role_reads_photos_and_writes_labels(labelled: dict[str, Any]) -> None:
    """Nothing else of the bucket; of logs and metrics its jobs' own."""
    [role] = [each for each in of_kind(labelled, "AWS::IAM::Role") if "labeling jobs" in str(each.get("Description"))]
    statements = role["Policies"][0]["PolicyDocument"]["Statement"]
    writing = [each for each in statements if "s3:PutObject" in each["Action"]]
    assert [json.dumps(each["Resource"]).count("labelling/jobs/*") for each in writing] == [1]
    reading = next(each for each in statements if each["Action"] == "s3:GetObject")
    assert [place for place in ("photos", "raw", "labelling") if f"/{place}/*" in json.dumps(reading["Resource"])] == [
        "photos",
        "raw",
        "labelling",
    ]
    logging = next(each for each in statements if "logs:PutLogEvents" in each["Action"])
    assert "/aws/sagemaker/LabelingJobs:log-stream:bricklab-*" in json.dumps(logging["Resource"])
    metrics = next(each for each in statements if each["Action"] == "cloudwatch:PutMetricData")
    assert "AWS/SageMaker" in metrics["Condition"]["StringLike"]["cloudwatch:namespace"]
    assert set(labelled["Outputs"]) >= {"LabelingPortal", "LabelingWorkteamArn", "LabelingRoleArn", "LabelingTemplate"}


def test_what_labelers_see_may_be_written(labelled: dict[str, Any]) -> None:
    """The role that copies the lab's files into the bucket may write below the folder of each."""
    [contents] = of_kind(labelled, "Custom::BucketContents")
    folders = {each["Key"].partition("/")[0] for each in contents["Objects"]}
    statements = [
        statement
        for role in of_kind(labelled, "AWS::IAM::Role")
        for policy in role.get("Policies", ())
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    [writing] = [each for each in statements if each["Action"] == "s3:PutObject"]
    assert folders == {"data", "labelling", "notebooks"}
    assert [folder for folder in folders if f"/{folder}/*" not in json.dumps(writing["Resource"])] == []


def test_what_labelers_choose_from_is_what_the_network_knows() -> None:
    """The categories are the network's labels, in their order; the template is there."""
    files = labelling_files()
    labels = [each["label"] for each in json.loads(files[CATEGORIES].read_text())["labels"]]
    assert labels == [*LABELS]
    assert "crowd-image-classifier" in files[TEMPLATE].read_text()
