"""Policies with one mistake each, held against what IAM publishes; that the lab's have none is what `check` finds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.security.globs import overlap
from cli.security.permissions import problems

if TYPE_CHECKING:
    from pathlib import Path

BUCKET = {"Fn::GetAtt": ["Bucket", "Arn"]}
JOBS = "arn:aws:sagemaker:eu-west-1:111122223333:training-job/lab-*"
CONFIGS = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint-config/lab-*"
ENDPOINTS = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/lab-*"
CREATE = "sagemaker:CreateTrainingJob"


def rules(folder: Path, *statements: dict[str, Any]) -> set[str]:
    """The rules that a role with these statements breaks; the bucket is imported from another template."""
    exported = {"Export": {"Name": "the-bucket"}, "Value": BUCKET}
    storage = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}, "Outputs": {"Bucket": exported}}
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement} for statement in statements]}
    trust = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole"}}
    role = {"AssumeRolePolicyDocument": trust, "Policies": [{"PolicyName": "p", "PolicyDocument": document}]}
    template = {"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": role}}}
    paths = [folder / "storage.template.json", folder / "role.template.json"]
    for path, content in zip(paths, (storage, template), strict=True):
        path.write_text(json.dumps(content))
    found = list(problems(paths))
    assert {(each.template, each.logical_id) for each in found} <= {(paths[1], "Role")}
    return {each.rule for each in found}


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ({"Action": CREATE, "Resource": JOBS}, set()),
        ({"Action": "sagemaker:MakeTrainingJob", "Resource": "*"}, {"IAM-Action[sagemaker:MakeTrainingJob]"}),
        ({"Action": "s3:getObject", "Resource": "*"}, {"IAM-Action[s3:getObject]"}),
        ({"Action": "warehouse:Open", "Resource": "*"}, {"IAM-Action[warehouse:Open]"}),
        # Listing has no resource to name.
        (
            {"Action": "sagemaker:ListTrainingJobs", "Resource": JOBS},
            {"IAM-Resource[sagemaker:ListTrainingJobs]", f"IAM-Needless[{JOBS}]"},
        ),
        # A bucket's objects are not the bucket, whose name has no slash in it.
        (
            {"Action": "s3:ListBucket", "Resource": {"Fn::Join": ["", [{"Fn::ImportValue": "the-bucket"}, "/*"]]}},
            {"IAM-Resource[s3:ListBucket]", "IAM-Needless[arn:aws:s3:::‥/*]"},
        ),
        ({"Action": "s3:ListBucket", "Resource": {"Fn::ImportValue": "the-bucket"}}, set()),
        ({"Action": "s3:GetObject", "Resource": {"Fn::Sub": "arn:${AWS::Partition}:s3:::lab/data/*"}}, set()),
        ({"Action": CREATE, "Resource": [JOBS, ENDPOINTS]}, {f"IAM-Needless[{ENDPOINTS}]"}),
        # An alarm's name may have a slash in it, an endpoint's may not.
        (
            {"Action": "cloudwatch:DeleteAlarms", "Resource": "arn:aws:cloudwatch:*:*:alarm:TargetTracking-endpoint/*"},
            set(),
        ),
        (
            {"Action": "sagemaker:DeleteEndpoint", "Resource": [ENDPOINTS, f"{ENDPOINTS}/variant/*"]},
            {f"IAM-Needless[{ENDPOINTS}/variant/*]"},
        ),
        # What is not known to a template is not found fault with.
        ({"Action": "s3:ListBucket", "Resource": {"Ref": "SomeParameter"}}, set()),
        # An endpoint is made from a configuration.
        (
            {"Action": "sagemaker:CreateEndpoint", "Resource": ENDPOINTS},
            {"IAM-Unnamed[sagemaker:CreateEndpoint: endpoint-config]"},
        ),
        ({"Action": "sagemaker:CreateEndpoint", "Resource": [ENDPOINTS, CONFIGS]}, set()),
        # The key is a tuning job's training jobs', and not the tuning job's.
        (
            {
                "Action": "sagemaker:CreateHyperParameterTuningJob",
                "Resource": "*",
                "Condition": {"NumericLessThanEqualsIfExists": {"sagemaker:KeepAlivePeriod": "60"}},
            },
            {"IAM-Condition[sagemaker:KeepAlivePeriod of sagemaker:CreateHyperParameterTuningJob]"},
        ),
        (
            {"Action": CREATE, "Resource": JOBS, "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
            set(),
        ),
        (
            {"Action": CREATE, "Resource": JOBS, "Condition": {"StringEquals": {"aws:RequestTag/lab": "bricks"}}},
            set(),
        ),
        (
            {"Action": CREATE, "Resource": JOBS, "Condition": {"StringEquals": {"aws:RequestTags/lab": "bricks"}}},
            {f"IAM-Condition[aws:RequestTags/lab of {CREATE}]"},
        ),
        # Instance types are several: without ForAllValues the condition never holds as it is meant.
        (
            {
                "Action": CREATE,
                "Resource": JOBS,
                "Condition": {"StringEquals": {"sagemaker:InstanceTypes": "ml.m5.large"}},
            },
            {"IAM-Operator[StringEquals of sagemaker:InstanceTypes]"},
        ),
        (
            {"Action": CREATE, "Resource": JOBS, "Condition": {"StringEquals": {"sagemaker:KeepAlivePeriod": "60"}}},
            {"IAM-Operator[StringEquals of sagemaker:KeepAlivePeriod]"},
        ),
        (
            {"Action": CREATE, "Resource": JOBS, "Condition": {"Null": {"sagemaker:InstanceTypes": "false"}}},
            set(),
        ),
        ({"NotAction": CREATE, "Resource": "*"}, {"IAM-NotAction"}),
    ],
)
def test_each_mistake_is_found_by_its_name(tmp_path: Path, statement: dict[str, Any], broken: set[str]) -> None:
    """What is not allowed is found, and nothing besides."""
    assert rules(tmp_path, statement) == broken


def test_a_role_may_name_what_an_action_is_asked_about_in_two_statements(tmp_path: Path) -> None:
    """All statements of a role count together."""
    action = "sagemaker:CreateEndpoint"
    assert not rules(tmp_path, {"Action": action, "Resource": ENDPOINTS}, {"Action": action, "Resource": CONFIGS})


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("a*", "*b", True),
        ("a*", "b*", False),
        ("*", "", True),
        ("log-group:*", "log-group:…:log-stream:‥", True),
        ("log-group:/aws/x", "log-group:…:log-stream:‥", False),
        ("bucket/*", "‥", False),
        ("bucket*", "‥", True),
        ("arn::x", "arn:‥:x", False),
        ("*", "‥", True),
        ("‥-end", "start-‥", True),
        ("bucket", "‥", True),
        ("*/lab-*", "endpoint/‥", True),
        ("endpoint/*", "endpoint-config/‥", False),
        ("endpoint*", "endpoint-config/‥", True),
    ],
)
def test_two_texts_with_wildcards_meet_if_some_text_is_both(one: str, other: str, *, meet: bool) -> None:
    """Either way round."""
    assert overlap(one, other) is meet
    assert overlap(other, one) is meet
