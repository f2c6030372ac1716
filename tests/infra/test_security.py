"""Rules that hold in every template; some of them no checker sees."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.infra.conftest import Synthesise

    Resources = Callable[[str], list[dict[str, Any]]]
    Template = dict[str, Any]

# What has no tags in CloudFormation's own schema.
UNTAGGED = {
    "AWS::Glue::Database",
    "AWS::Glue::Table",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::KMS::Alias",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SageMaker::ModelPackage",  # bears its group's
    "AWS::SageMaker::NotebookInstanceLifecycleConfig",
    "Custom::BucketContents",
    "Custom::Lease",
    "Custom::ServedModel",
    "Custom::TrainingJob",
}


def documents(template: Template) -> Iterator[dict[str, Any]]:
    """Every policy document of a template, wherever it is."""
    queue: list[Any] = [template]
    while queue:
        item = queue.pop()
        if isinstance(item, dict):
            if "Statement" in item and "Version" in item:
                yield item
            queue.extend(item.values())
        elif isinstance(item, list):
            queue.extend(item)


def statements(templates: dict[str, Template]) -> list[dict[str, Any]]:
    """Every statement of every policy."""
    return [
        statement
        for template in templates.values()
        for document in documents(template)
        for statement in document["Statement"]
    ]


def listed(value: Any) -> list[Any]:
    """A list, where CloudFormation takes one or one thing."""
    return value if isinstance(value, list) else [value]


def test_every_allowed_action_is_named(templates: dict[str, Template]) -> None:
    """No role, key or bucket policy allows an action with a wildcard in it."""
    allowed = [item for item in statements(templates) if item["Effect"] == "Allow"]
    assert len(allowed) > 40
    assert not [action for item in allowed for action in listed(item["Action"]) if "*" in action]


def test_no_managed_policies(templates: dict[str, Template]) -> None:
    """What a role may do is written in this repository."""
    assert "ManagedPolicyArns" not in json.dumps(templates)


def test_a_role_is_passed_to_its_service_only(templates: dict[str, Template]) -> None:
    """PassRole names one role and one service: the training stack's, each seat's own, and the schedules'."""
    passing = [item for item in statements(templates) if "iam:PassRole" in listed(item["Action"])]
    services = [item["Condition"]["StringEquals"]["iam:PassedToService"] for item in passing]
    assert sorted(services) == ["sagemaker.amazonaws.com"] * 3 + ["scheduler.amazonaws.com"] * 2
    for statement in passing:
        assert listed(statement["Action"]) == ["iam:PassRole"]
        [role] = listed(statement["Resource"])
        assert "Fn::GetAtt" in role


def test_a_bare_star_is_rare(templates: dict[str, Template]) -> None:
    """Only actions that have no resource to name go without one; a key's own policy says `*` for the key."""
    bare = {
        action
        for item in statements(templates)
        if item["Effect"] == "Allow" and "*" in listed(item.get("Resource"))
        for action in listed(item["Action"])
        if not action.startswith(("kms:", "sagemaker:List"))
    }
    assert bare == {
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingActivities",
        "application-autoscaling:DescribeScalingPolicies",
        "cloudformation:DescribeStacks",
        "cloudwatch:DescribeAlarms",
        "cloudwatch:PutMetricData",
        "ecr:GetAuthorizationToken",
        "logs:DescribeLogGroups",
        "tag:GetResources",
    }


def test_the_teardown_ends_what_is_the_lab_s_alone(templates: dict[str, Template]) -> None:
    """Whatever it may delete or stop is named after the lab, or bears its tag, or is a log or alarm of SageMaker's.

    Neither log groups nor alarms of Application Auto Scaling bear the tag of the endpoint that they are named after.
    """
    role = next(
        resource
        for name, resource in templates["bricklab-operations"]["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role" and "TeardownRole" in name
    )
    ending = [
        item
        for document in documents(role["Properties"])
        for item in document["Statement"]
        if any(
            action.partition(":")[2].startswith(("Delete", "Deregister", "Stop")) for action in listed(item["Action"])
        )
    ]
    assert len(ending) == 9
    for item in ending:
        condition = json.dumps(item.get("Condition", {}))
        for resource in listed(item["Resource"]):
            written = json.dumps(resource)
            named = any(name in written for name in ("bricklab", "/aws/sagemaker/", "alarm:TargetTracking-endpoint/"))
            assert named or "aws:ResourceTag/bricklab:lab" in condition or "service-namespace" in condition


def test_every_role_is_assumed_by_its_service_alone(resources: Resources) -> None:
    """Lambda, Step Functions, SageMaker or the scheduler, and the last two for this account only."""
    own = {"sagemaker.amazonaws.com", "scheduler.amazonaws.com"}
    for role in resources("AWS::IAM::Role"):
        [statement] = role["AssumeRolePolicyDocument"]["Statement"]
        service = statement["Principal"]["Service"]
        assert service in {"lambda.amazonaws.com", "states.amazonaws.com", *own}
        if service in own:
            assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_everything_bears_the_lab_s_tag(templates: dict[str, Template]) -> None:
    """Every resource that takes tags says which lab it belongs to; a seat's also whose seat."""
    for name, template in templates.items():
        for resource in template["Resources"].values():
            if resource["Type"] in UNTAGGED:
                continue
            given = resource["Properties"].get("Tags") or resource["Properties"]["ResourceTags"]
            tags = given if isinstance(given, dict) else {tag["Key"]: tag["Value"] for tag in given}
            assert tags["bricklab:lab"] == "bricklab"
            assert tags.get("bricklab:seat") == (name.removeprefix("bricklab-seat-") if "-seat-" in name else None)


def test_logs_use_the_keys_for_the_lab_s_groups_alone(resources: Resources) -> None:
    """CloudWatch Logs may use a key of the lab for the functions' groups and the endpoint's, and for no other."""
    for key in resources("AWS::KMS::Key"):
        statements = [each for each in key["KeyPolicy"]["Statement"] if "logs." in json.dumps(each["Principal"])]
        [groups] = [each["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"] for each in statements]
        ends = {group["Fn::Join"][1][-1] for group in groups}
        endpoints = {f":log-group:/aws/sagemaker/Endpoints/bricklab{of}" for of in ("", "-async", "-serverless")}
        assert ends == {":log-group:bricklab-*", *endpoints}


def test_nothing_is_kept(templates: dict[str, Template]) -> None:
    """What holds data is deleted with its stack, not retained."""
    for template in templates.values():
        for resource in template["Resources"].values():
            assert resource.get("DeletionPolicy", "Delete") == "Delete"


def test_every_function_logs_to_a_group_of_the_stack(resources: Resources) -> None:
    """No function makes a log group of its own, which would outlive the stack; all are encrypted, retained as set."""
    assert len(resources("AWS::Lambda::Function")) == 14
    assert all("Ref" in function["LoggingConfig"]["LogGroup"] for function in resources("AWS::Lambda::Function"))
    groups = resources("AWS::Logs::LogGroup")
    assert {group["RetentionInDays"] for group in groups} == {7}
    assert all("KmsKeyId" in group for group in groups)


def test_keys_rotate(resources: Resources) -> None:
    """One key for what the lab stores and one for what it tells: both rotate, and take the shortest time to go."""
    keys = resources("AWS::KMS::Key")
    assert len(keys) == 2
    assert all(key["EnableKeyRotation"] is True and key["PendingWindowInDays"] == 7 for key in keys)


def test_notices_are_encrypted_and_go_over_tls(resources: Resources) -> None:
    """The topic has a key, refuses plain HTTP, and lets AWS Budgets publish for this account alone."""
    [topic] = resources("AWS::SNS::Topic")
    assert "KmsMasterKeyId" in topic
    [policy] = resources("AWS::SNS::TopicPolicy")
    statements = {item["Sid"]: item for item in policy["PolicyDocument"]["Statement"]}
    assert any(item["Effect"] == "Deny" and "aws:SecureTransport" in json.dumps(item) for item in statements.values())
    account = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert statements["BudgetsMayPublish"]["Condition"] == account


def test_every_address_is_told(resources: Resources) -> None:
    """Each address of the settings subscribes to the topic, by e-mail."""
    subscriptions = resources("AWS::SNS::Subscription")
    assert [(each["Protocol"], each["Endpoint"]) for each in subscriptions] == [("email", "ops@example.org")]


def test_the_bucket_is_closed(resources: Resources) -> None:
    """Encrypted with the lab's key, never public, versioned, reached over TLS only."""
    [bucket] = resources("AWS::S3::Bucket")
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert "KMSMasterKeyID" in rule["ServerSideEncryptionByDefault"]
    assert rule["BucketKeyEnabled"] is True
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    [policy] = resources("AWS::S3::BucketPolicy")
    [tls] = [item for item in policy["PolicyDocument"]["Statement"] if item["Effect"] == "Deny"]
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert tls["Action"] == "s3:*"
    assert tls["Principal"] == {"AWS": "*"}


def test_notebooks_are_hardened(resources: Resources) -> None:
    """No root, metadata service 2 only, a volume key, and a platform that is current."""
    notebooks = resources("AWS::SageMaker::NotebookInstance")
    assert {notebook["NotebookInstanceName"] for notebook in notebooks} == {"bricklab-ada", "bricklab-grace"}
    for notebook in notebooks:
        assert notebook["RootAccess"] == "Disabled"
        assert notebook["InstanceMetadataServiceConfiguration"] == {"MinimumInstanceMetadataServiceVersion": "2"}
        assert notebook["PlatformIdentifier"] == "notebook-al2023-v1"
        assert "KmsKeyId" in notebook


def test_a_seat_s_policy_fits_into_its_role(synthesise: Synthesise) -> None:
    """IAM takes 10,240 characters of inline policies a role; the longest names and many instance types fit."""
    types = ["ml.m5.large", "ml.m5.xlarge", "ml.c5.xlarge", "ml.g4dn.xlarge", "ml.p3.2xlarge"]
    made = synthesise(name="l" * 10, seats=["s" * 30], seat_instance_types=types)
    [template] = [template for stack, template in made.items() if "-seat-" in stack]
    inline = [each for each in template["Resources"].values() if each["Type"] != "AWS::IAM::ManagedPolicy"]
    found = [document for each in inline for document in documents(each)]
    written = sum(len(json.dumps(document, separators=(",", ":"))) for document in found)
    assert written < 10_240


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_audit_sees_what_is_wrong(tmp_path: Any) -> None:
    """A bare bucket is found, with its rule and its place."""
    import aws_cdk as cdk
    from aws_cdk import aws_s3 as s3

    from infra.audit import findings

    app = cdk.App(outdir=str(tmp_path))
    s3.Bucket(cdk.Stack(app, "Stack"), "Bare")
    app.synth()
    found = {(finding["rule"], finding["path"]) for finding in findings(app)}
    assert ("AwsSolutions-S10", "Stack/Bare/Resource") in found
