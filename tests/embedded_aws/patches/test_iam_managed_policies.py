"""AWS's managed policies are there, with what they grant."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from embedded_aws import gateway
from tests.embedded_aws.services.sagemaker.calls import refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from embedded_aws.gateway import Gateway

PREFIX = "arn:aws:iam::aws:policy/"
FULL = f"{PREFIX}AmazonSageMakerFullAccess"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com", "AWS": gateway.ACCOUNT},
            "Action": "sts:AssumeRole",
        }
    ],
}
LOGS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]}
ANY_ROLE = "arn:aws:iam::000000000000:role/any"
PASSED = "iam:PassedToService"
MISSPELT = f"{PREFIX}AmazonSageMakerFullAcces"


def role(iam: Any, name: str, *policies: str) -> str:
    """Make a role with these policies of AWS's; its ARN."""
    # With the path that SageMaker's console gives the roles it makes.
    made = iam.create_role(RoleName=name, Path="/service-role/", AssumeRolePolicyDocument=json.dumps(TRUST))
    arn = made["Role"]["Arn"]
    for policy in policies:
        iam.attach_role_policy(RoleName=name, PolicyArn=f"{PREFIX}{policy}")
    return str(arn)


@pytest.mark.parametrize(
    "name",
    [
        "AdministratorAccess",
        "AmazonEC2ContainerRegistryReadOnly",
        "AmazonS3FullAccess",
        "AmazonS3ReadOnlyAccess",
        "AmazonSageMakerFullAccess",
        "AmazonSageMakerReadOnly",
        "CloudWatchLogsFullAccess",
        "service-role/AWSLambdaBasicExecutionRole",
    ],
)
def test_what_tutorials_attach(client: Callable[[str], Any], name: str) -> None:
    """Each says its path, its version and the document of that."""
    iam = client("iam")
    policy = iam.get_policy(PolicyArn=f"{PREFIX}{name}")["Policy"]
    assert f"{policy['Path'].lstrip('/')}{policy['PolicyName']}" == name
    version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    assert version["IsDefaultVersion"]
    assert version["Document"]["Statement"]


def test_all_are_listed(client: Callable[[str], Any]) -> None:
    """A hundred a page; an account's own beside them."""
    iam = client("iam")
    own = iam.create_policy(PolicyName="own", PolicyDocument=json.dumps(LOGS))
    pages = list(iam.get_paginator("list_policies").paginate())
    arns = [policy["Arn"] for page in pages for policy in page["Policies"]]
    assert len(pages[0]["Policies"]) == 100
    assert len(arns) == len({*arns}) > 1000
    assert {FULL, own["Policy"]["Arn"]} <= {*arns}
    role(iam, "attached", "AmazonSageMakerReadOnly")
    attached = [policy["Arn"] for policy in iam.list_policies(Scope="AWS", OnlyAttached=True)["Policies"]]
    assert f"{PREFIX}AmazonSageMakerReadOnly" in attached
    assert f"{PREFIX}AmazonWorkMailFullAccess" in arns
    assert f"{PREFIX}AmazonWorkMailFullAccess" not in attached


@pytest.mark.parametrize(
    ("action", "resource", "context", "decision"),
    [
        ("sagemaker:CreateTrainingJob", "*", {}, "allowed"),
        ("s3:GetObject", "arn:aws:s3:::sagemaker-us-east-1-000000000000/data", {}, "allowed"),
        ("s3:GetObject", "arn:aws:s3:::secrets/data", {}, "implicitDeny"),
        ("iam:PassRole", ANY_ROLE, {PASSED: "sagemaker.amazonaws.com"}, "allowed"),
        ("iam:PassRole", ANY_ROLE, {PASSED: "ec2.amazonaws.com"}, "implicitDeny"),
        ("ec2:RunInstances", "*", {}, "implicitDeny"),
    ],
)
def test_what_a_tutorials_role_may(
    client: Callable[[str], Any], action: str, resource: str, context: dict[str, str], decision: str
) -> None:
    """The simulator says what the policy grants, its conditions included."""
    iam = client("iam")
    if "tutorial" not in {each["RoleName"] for each in iam.list_roles()["Roles"]}:
        role(iam, "tutorial", "AmazonSageMakerFullAccess")
    entries = [
        {"ContextKeyName": name, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for name, value in context.items()
    ]
    [result] = iam.simulate_principal_policy(
        PolicySourceArn="arn:aws:iam::000000000000:role/service-role/tutorial",
        ActionNames=[action],
        ResourceArns=[resource],
        ContextEntries=entries,
    )["EvaluationResults"]
    assert result["EvalDecision"] == decision


def test_nobody_may_anything(client: Callable[[str], Any]) -> None:
    """A role that is not there is no role without rights."""
    arn = "arn:aws:iam::000000000000:role/nobody"
    code, said = refusal(client("iam").simulate_principal_policy, PolicySourceArn=arn, ActionNames=["s3:GetObject"])
    assert (code, "nobody" in said) == ("NoSuchEntity", True)


def test_a_reader_only_reads(client: Callable[[str], Any], embedded: Gateway) -> None:
    """What a policy of AWS's does not grant is refused where policies are asked."""
    arn = role(client("iam"), "reader", "AmazonSageMakerReadOnly")
    given = client("sts").assume_role(RoleArn=arn, RoleSessionName="reader")["Credentials"]
    keys = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    reader: Any = boto3.Session(*keys, region_name=gateway.REGION).client("sagemaker", endpoint_url=embedded.url)
    assert "Models" in reader.list_models()
    code, said = refusal(reader.delete_model, ModelName="any")
    assert (code, "sagemaker:DeleteModel" in said) == ("AccessDeniedException", True)
    reader.close()


def test_one_that_is_not_there(client: Callable[[str], Any]) -> None:
    """A name with a mistake is refused by IAM, and fails a stack with IAM's sentence."""
    iam, cloudformation = client("iam"), client("cloudformation")
    role(iam, "mistaken")
    sentence = f"Policy {MISSPELT} does not exist or is not attachable."
    assert refusal(iam.attach_role_policy, RoleName="mistaken", PolicyArn=MISSPELT) == ("NoSuchEntity", sentence)
    made = {"AssumeRolePolicyDocument": TRUST, "ManagedPolicyArns": [MISSPELT]}
    template = {"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": made}}}
    cloudformation.create_stack(
        StackName="mistaken", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"], OnFailure="DO_NOTHING"
    )
    waiter = cloudformation.get_waiter("stack_create_complete")
    with pytest.raises(Exception, match="terminal failure state"):
        waiter.wait(StackName="mistaken", WaiterConfig={"Delay": 0.1, "MaxAttempts": 200})
    events = cloudformation.describe_stack_events(StackName="mistaken")["StackEvents"]
    assert any(sentence in event.get("ResourceStatusReason", "") for event in events)


UNNAMED: dict[str, Any] = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}}
NAMED: dict[str, Any] = {**UNNAMED, "Properties": {**UNNAMED["Properties"], "RoleName": "capable"}}
QUEUE = {"Type": "AWS::SQS::Queue"}


@pytest.mark.parametrize(
    ("template", "given", "wanted"),
    [
        ({"Resources": {"Role": UNNAMED}}, [], "CAPABILITY_IAM"),
        ({"Resources": {"Role": NAMED}}, ["CAPABILITY_IAM"], "CAPABILITY_NAMED_IAM"),
        ({"Resources": {"Queue": QUEUE}, "Transform": "AWS::LanguageExtensions"}, [], "CAPABILITY_AUTO_EXPAND"),
    ],
)
def test_capabilities(client: Callable[[str], Any], template: dict[str, Any], given: list[str], wanted: str) -> None:
    """A template with roles or macros is made, and changed, by who acknowledges them; a change set shows macros."""
    cloudformation = client("cloudformation")
    request = {"StackName": f"needs-{wanted.replace('_', '-')}", "TemplateBody": json.dumps(template)}
    refused = ("InsufficientCapabilitiesException", f"Requires capabilities : [{wanted}]")
    assert refusal(cloudformation.create_stack, **request, Capabilities=given) == refused
    cloudformation.create_stack(**request, Capabilities=[wanted])
    waiter = cloudformation.get_waiter("stack_create_complete")
    waiter.wait(StackName=request["StackName"], WaiterConfig={"Delay": 0.1, "MaxAttempts": 200})
    more = {**template, "Resources": {**template["Resources"], "More": QUEUE}}
    request["TemplateBody"] = json.dumps(more)
    assert refusal(cloudformation.update_stack, **request, Capabilities=given) == refused
    change = {**request, "ChangeSetName": "more", "Capabilities": given}
    if wanted == "CAPABILITY_AUTO_EXPAND":
        cloudformation.create_change_set(**change)
    else:
        assert refusal(cloudformation.create_change_set, **change) == refused


@pytest.mark.parametrize(
    ("given", "wanted"), [("", ["AdministratorAccess"]), ("AWSSupportAccess,ReadOnlyAccess", None)]
)
def test_policies_that_a_condition_chooses(client: Callable[[str], Any], given: str, wanted: list[str] | None) -> None:
    """The CDK's bootstrap joins a list of policies to see whether there is any."""
    none = {"Fn::Equals": ["", {"Fn::Join": ["", {"Ref": "Policies"}]}]}
    chosen = {"Fn::If": ["None", [f"{PREFIX}AdministratorAccess"], {"Ref": "Policies"}]}
    made = {"AssumeRolePolicyDocument": TRUST, "ManagedPolicyArns": chosen}
    template = {
        "Parameters": {"Policies": {"Type": "CommaDelimitedList", "Default": ""}},
        "Conditions": {"None": none},
        "Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": made}},
        "Outputs": {"Role": {"Value": {"Ref": "Role"}}},
    }
    iam, cloudformation = client("iam"), client("cloudformation")
    name = f"chosen-{'some' if given else 'none'}"
    arns = ",".join(f"{PREFIX}{policy}" for policy in given.split(",") if policy)
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": "Policies", "ParameterValue": arns}],
    )
    waiter = cloudformation.get_waiter("stack_create_complete")
    waiter.wait(StackName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 200})
    [output] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
    attached = iam.list_attached_role_policies(RoleName=output["OutputValue"])["AttachedPolicies"]
    assert sorted(policy["PolicyName"] for policy in attached) == (wanted or given.split(","))
