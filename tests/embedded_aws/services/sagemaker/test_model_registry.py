"""The model registry: groups, versions and what becomes of them, through boto3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from embedded_aws.services.sagemaker import authorization
from embedded_aws.services.sagemaker.events import publish_to
from tests.embedded_aws.services.sagemaker import calls
from tests.embedded_aws.services.sagemaker.calls import ARN, IMAGE
from tests.embedded_aws.services.sagemaker.conftest import ACCOUNT, REGION

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.events import Event
    from embedded_aws.services.sagemaker.service import SageMaker

SPECIFICATION = {"Containers": [{"Image": IMAGE, "Environment": {"MODE": "plain"}}]}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": []})


def arns(answer: dict[str, Any]) -> list[str]:
    """Return the ARNs that ListModelPackages answers, less what they have in common."""
    return [each["ModelPackageArn"].removeprefix(f"{ARN}:model-package/") for each in answer["ModelPackageSummaryList"]]


@pytest.fixture
def bricks(sagemaker: Any) -> Any:
    """Return a client of a registry with the empty group Bricks."""
    calls.group(sagemaker, "Bricks", Tags=[{"Key": "team", "Value": "a"}])
    return sagemaker


def test_versions_count_from_one_and_never_again(bricks: Any) -> None:
    """A version's number is one more than the highest that the group ever had; its ARN is in lower case."""
    group = f"{ARN}:model-package-group/bricks"
    made = [calls.version(bricks, each) for each in ("Bricks", "bricks", group)]
    assert made == [f"{ARN}:model-package/bricks/{number}" for number in (1, 2, 3)]
    bricks.delete_model_package(ModelPackageName=made[2])
    assert calls.version(bricks, "Bricks") == f"{ARN}:model-package/bricks/4"


def test_a_version_as_it_is_described(bricks: Any) -> None:
    """It has the group's name and a number in place of a name of its own, and waits for approval."""
    arn = calls.version(bricks, "bricks", CustomerMetadataProperties={"accuracy": "0.9"})
    described = bricks.describe_model_package(ModelPackageName=arn)
    assert {name: described[name] for name in ("ModelPackageGroupName", "ModelPackageVersion")} == {
        "ModelPackageGroupName": "Bricks",
        "ModelPackageVersion": 1,
    }
    assert "ModelPackageName" not in described
    assert described["ModelPackageStatus"] == "Completed"
    assert described["ModelPackageStatusDetails"] == {"ValidationStatuses": [], "ImageScanStatuses": []}
    assert described["ModelApprovalStatus"] == "PendingManualApproval"
    assert described["CustomerMetadataProperties"] == {"accuracy": "0.9"}
    assert bricks.describe_model_package(ModelPackageName="Bricks/1")["ModelPackageArn"] == arn


@pytest.mark.parametrize(
    ("request_part", "message"),
    [
        ({}, "Missing ARN"),
        (
            {"ModelPackageName": "a", "ModelPackageGroupName": "bricks"},
            (
                "Both ModelPackageName and ModelPackageGroupName are provided in the input. Cannot determine which one "
                "to use."
            ),
        ),
        ({"ModelPackageGroupName": "nothing"}, "Model Package Group does not exist."),
        (
            {"ModelPackageGroupName": f"{ARN}:model-package-group/bricks".replace("us-east-1", "eu-west-1")},
            "Model Package Group does not exist.",
        ),
        (
            {"ModelPackageGroupName": "bricks", "Tags": [{"Key": "a", "Value": "b"}]},
            "Tags can't be given with ModelPackageGroupName: a version has the tags of its group.",
        ),
        (
            {"ModelPackageName": "a", "ModelApprovalStatus": "Approved"},
            "ModelApprovalStatus is for versions: give ModelPackageGroupName.",
        ),
        (
            {"ModelPackageName": "a"},
            "InferenceSpecification is required for a model package without ModelPackageGroupName.",
        ),
        (
            {"ModelPackageName": "a", "InferenceSpecification": SPECIFICATION},
            "SupportedTransformInstanceTypes is required for a model package without ModelPackageGroupName.",
        ),
        (
            {"ModelPackageGroupName": "bricks", "InferenceSpecification": {"Containers": [{"Image": "bricks:1"}]}},
            'Using non-ECR image "bricks:1" without Vpc repository access mode is not supported.',
        ),
        (
            {"ModelPackageGroupName": "bricks", "ModelCard": {"ModelCardContent": '{"overview": {}}'}},
            (
                "Model card content has the section overview; the schema of model cards has: model_overview, "
                "intended_uses, business_details, training_details, evaluation_details, additional_information."
            ),
        ),
        (
            {"ModelPackageGroupName": "bricks", "CertifyForMarketplace": True},
            "The embedded AWS does not offer CertifyForMarketplace True; do this on AWS.",
        ),
    ],
)
def test_what_is_no_package(bricks: Any, request_part: dict[str, Any], message: str) -> None:
    """It is refused in one sentence, and no version is made of it."""
    assert calls.refusal(bricks.create_model_package, **request_part) == ("ValidationException", message)
    assert arns(bricks.list_model_packages(ModelPackageType="Both")) == []


def test_an_unversioned_package_takes_no_environment(sagemaker: Any) -> None:
    """In AWS's words."""
    types = {f"Supported{use}InstanceTypes": ["ml.m5.large"] for use in ("Transform", "RealtimeInference")}
    refused = calls.refusal(lambda: calls.package(sagemaker, InferenceSpecification={**SPECIFICATION, **types}))
    assert refused[1].startswith("1 validation errors detected:Environment variable map cannot be specified")


def test_the_same_request_makes_one_version(bricks: Any) -> None:
    """A request that comes again with its ClientToken is answered with what it has made."""
    first, again, other = (calls.version(bricks, "bricks", ClientToken=token) for token in ("a", "a", "b"))
    assert first == again != other


def test_an_update_changes_what_it_names(bricks: Any) -> None:
    """Approval, metadata, life cycle, further specifications; the rest stays."""
    arn = calls.version(bricks, "bricks", CustomerMetadataProperties={"a": "1", "b": "2"})
    before = bricks.describe_model_package(ModelPackageName=arn)
    stage = {"Stage": "Staging", "StageStatus": "Ready"}
    bricks.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="good enough",
        CustomerMetadataProperties={"b": "3", "c": "4"},
        CustomerMetadataPropertiesToRemove=["a"],
        ModelLifeCycle=stage,
        AdditionalInferenceSpecificationsToAdd=[{"Name": "small", **SPECIFICATION}],
        ModelCard={"ModelCardContent": '{"intended_uses": {"risk_rating": "Low"}}', "ModelCardStatus": "Draft"},
    )
    after = bricks.describe_model_package(ModelPackageName=arn)
    assert (after["ModelApprovalStatus"], after["ApprovalDescription"]) == ("Approved", "good enough")
    assert after["CustomerMetadataProperties"] == {"b": "3", "c": "4"}
    assert after["ModelLifeCycle"] == stage
    assert [each["Name"] for each in after["AdditionalInferenceSpecifications"]] == ["small"]
    assert after["ModelCard"]["ModelCardStatus"] == "Draft"
    assert after["InferenceSpecification"] == before["InferenceSpecification"]
    assert after["LastModifiedTime"] > before["LastModifiedTime"]
    bricks.update_model_package(ModelPackageArn=arn, CustomerMetadataPropertiesToRemove=["b", "c"])
    assert "CustomerMetadataProperties" not in bricks.describe_model_package(ModelPackageName=arn)
    again = {"Name": "small", **SPECIFICATION}
    refused = calls.refusal(
        bricks.update_model_package,
        ModelPackageArn=arn,
        ModelApprovalStatus="Rejected",
        AdditionalInferenceSpecificationsToAdd=[again],
    )
    assert refused[1] == "The Name of each of AdditionalInferenceSpecifications must be unique."
    assert bricks.describe_model_package(ModelPackageName=arn)["ModelApprovalStatus"] == "Approved"


def test_only_versions_are_updated(sagemaker: Any) -> None:
    """UpdateModelPackage "updates a versioned model"."""
    arn = calls.package(sagemaker)["ModelPackageArn"]
    refused = calls.refusal(sagemaker.update_model_package, ModelPackageArn=arn, ModelApprovalStatus="Approved")
    assert refused[1] == f"UpdateModelPackage is for versions of a model package group: {arn}."


def test_which_packages_are_listed(bricks: Any) -> None:
    """Unversioned ones unless a group or a type is asked for; the newest first; by approval too."""
    calls.package(bricks, "alone")
    calls.group(bricks, "other")
    for group in ("bricks", "other", "bricks"):
        calls.version(bricks, group)
    bricks.update_model_package(ModelPackageArn=f"{ARN}:model-package/bricks/1", ModelApprovalStatus="Approved")
    listed = bricks.list_model_packages
    assert arns(listed()) == ["alone"]
    assert arns(listed(ModelPackageType="Versioned")) == ["bricks/2", "other/1", "bricks/1"]
    assert arns(listed(ModelPackageType="Both", SortOrder="Ascending", NameContains="o")) == ["alone", "other/1"]
    assert arns(listed(ModelPackageGroupName="BRICKS")) == ["bricks/2", "bricks/1"]
    assert arns(listed(ModelPackageGroupName=f"{ARN}:model-package-group/bricks", ModelApprovalStatus="Approved")) == [
        "bricks/1"
    ]
    assert arns(listed(ModelPackageGroupName="nothing")) == []
    summary = listed(ModelPackageGroupName="bricks")["ModelPackageSummaryList"][0]
    assert (summary["ModelPackageGroupName"], summary["ModelPackageVersion"]) == ("Bricks", 2)


def test_groups_are_listed(bricks: Any) -> None:
    """In the order of their making; those of other accounts are none."""
    calls.group(bricks, "atoms")
    answers = [bricks.list_model_package_groups(**more) for more in ({}, {"SortBy": "Name"}, {"NameContains": "tom"})]
    names = [[each["ModelPackageGroupName"] for each in one["ModelPackageGroupSummaryList"]] for one in answers]
    assert names == [["Bricks", "atoms"], ["Bricks", "atoms"], ["atoms"]]
    elsewhere = bricks.list_model_package_groups(CrossAccountFilterOption="CrossAccount")
    assert elsewhere["ModelPackageGroupSummaryList"] == []


def test_several_are_described_at_once(bricks: Any) -> None:
    """What is not there is an error of its own."""
    arn, missing = calls.version(bricks, "bricks"), f"{ARN}:model-package/bricks/9"
    answer = bricks.batch_describe_model_package(ModelPackageArnList=[arn, missing])
    assert answer["ModelPackageSummaries"][arn]["ModelPackageGroupName"] == "Bricks"
    assert answer["BatchDescribeModelPackageErrorMap"] == {
        missing: {"ErrorCode": "ValidationException", "ErrorResponse": f"ModelPackage {missing} does not exist."}
    }


def test_a_group_goes_when_it_is_empty(bricks: Any) -> None:
    """It is refused while it holds versions; a new group of its name starts again."""
    arn = calls.version(bricks, "bricks")
    code, message = calls.refusal(bricks.delete_model_package_group, ModelPackageGroupName="bricks")
    group = f"{ARN}:model-package-group/bricks"
    assert code == "ConflictException"
    assert message == f"Model Package Group {group} cannot be deleted because it still contains Model Packages"
    bricks.delete_model_package(ModelPackageName=arn)
    bricks.delete_model_package_group(ModelPackageGroupName=group)
    calls.group(bricks, "bricks")
    assert calls.version(bricks, "bricks") == arn


def test_a_groups_policy(bricks: Any) -> None:
    """It is put, told and deleted; there is none before and afterwards."""
    name = {"ModelPackageGroupName": "bricks"}
    group = f"{ARN}:model-package-group/bricks"
    none = ("ValidationException", f"Cannot find resource policy for: {group}")
    assert calls.refusal(bricks.get_model_package_group_policy, **name) == none
    assert bricks.put_model_package_group_policy(**name, ResourcePolicy=POLICY)["ModelPackageGroupArn"] == group
    assert bricks.get_model_package_group_policy(**name)["ResourcePolicy"] == POLICY
    assert calls.refusal(bricks.put_model_package_group_policy, **name, ResourcePolicy="{")[1].startswith(
        "ResourcePolicy must be a policy in JSON"
    )
    bricks.delete_model_package_group_policy(**name)
    assert calls.refusal(bricks.delete_model_package_group_policy, **name) == none


def test_a_versions_tags_are_its_groups(bricks: Any) -> None:
    """And those that it is given itself."""
    arn = calls.version(bricks, "bricks")
    assert bricks.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "a"}]
    bricks.add_tags(ResourceArn=arn, Tags=[{"Key": "own", "Value": "b"}])
    assert {each["Key"] for each in bricks.list_tags(ResourceArn=arn)["Tags"]} == {"team", "own"}
    assert len(bricks.list_tags(ResourceArn=f"{ARN}:model-package-group/bricks")["Tags"]) == 1


def test_a_model_of_a_version(bricks: Any) -> None:
    """An approved version makes a model; one that is not is refused, with the next step."""
    arn = calls.version(bricks, "bricks")

    def create(**container: Any) -> Any:
        given = {"ModelPackageName": arn, **container}
        return bricks.create_model(ModelName="served", PrimaryContainer=given, ExecutionRoleArn=calls.ROLE)

    for status in ("PendingManualApproval", "Rejected"):
        bricks.update_model_package(ModelPackageArn=arn, ModelApprovalStatus=status)
        assert calls.refusal(create) == (
            "ValidationException",
            (
                f"Cannot create a model of {arn}: its ModelApprovalStatus is {status}. "
                "Approve it with UpdateModelPackage first."
            ),
        )
    bricks.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    missing = f"{ARN}:model-package/bricks/9"
    assert calls.refusal(create, ModelPackageName=missing)[1] == f"ModelPackage {missing} does not exist."
    assert "leave that out" in calls.refusal(create, Image=IMAGE)[1]
    assert calls.refusal(create, InferenceSpecificationName="small")[1].endswith(
        "has no inference specification small."
    )
    create(Environment={"MODE": "own"})
    described = bricks.describe_model(ModelName="served")["PrimaryContainer"]
    assert described == {"ModelPackageName": arn, "Environment": {"MODE": "own"}, "Mode": "SingleModel"}


def test_a_model_of_nothing_to_serve(bricks: Any) -> None:
    """A version can be registered by its source, and be given its containers later."""
    create = bricks.create_model_package
    arn = create(ModelPackageGroupName="bricks", SourceUri="s3://b/c", ModelApprovalStatus="Approved")[
        "ModelPackageArn"
    ]
    container = {"ModelPackageName": "bricks/1"}
    request = {"ModelName": "served", "PrimaryContainer": container, "ExecutionRoleArn": calls.ROLE}
    assert "it has no InferenceSpecification. Give it one" in calls.refusal(bricks.create_model, **request)[1]
    bricks.update_model_package(ModelPackageArn=arn, InferenceSpecification=SPECIFICATION)
    bricks.create_model(**request)


def test_events_of_a_version(service: SageMaker, bricks: Any) -> None:
    """Its registration and each update are told, with what the update was about."""
    told: list[Event] = []
    service.context.store._on_change = publish_to(told.append)
    arn = calls.version(bricks, "bricks")
    bricks.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="good")
    bricks.update_model_package(ModelPackageArn=arn, CustomerMetadataPropertiesToRemove=["absent"])
    bricks.delete_model_package(ModelPackageName=arn)
    made, approved, stamped = (event.detail for event in told)
    assert {event.detail_type for event in told} == {"SageMaker Model Package State Change"}
    assert {event.resource for event in told} == {arn}
    assert (made["ModelPackageGroupName"], made["ModelPackageVersion"]) == ("Bricks", 1)
    assert (made["ModelPackageStatus"], made["ModelApprovalStatus"]) == ("Completed", "PendingManualApproval")
    assert not {"UpdatedModelPackageFields", "ModelPackageName"} & made.keys()
    assert approved["ModelApprovalStatus"] == "Approved"
    assert approved["UpdatedModelPackageFields"] == ["ModelApprovalStatus", "ApprovalDescription"]
    assert stamped["UpdatedModelPackageFields"] == ["CustomerMetadataProperties"]


def test_what_policies_are_asked(service: SageMaker, bricks: Any) -> None:
    """A registration is about the version that it makes; an update has what it changes and what there is as keys."""
    scope = {"account": ACCOUNT, "region": REGION}
    store = service.context.store
    request: dict[str, Any] = {"ModelPackageGroupName": "bricks", "ModelApprovalStatus": "Approved"}
    [made] = authorization.required_permissions("CreateModelPackage", request, store, **scope)
    assert (made.action, made.resource) == ("sagemaker:CreateModelPackage", f"{ARN}:model-package/bricks/1")
    assert made.context == {"sagemaker:ModelApprovalStatus": "Approved"}
    arn = calls.version(bricks, "bricks", ModelLifeCycle={"Stage": "Dev", "StageStatus": "Ready"})
    request = {
        "ModelPackageArn": arn,
        "ModelLifeCycle": {"Stage": "Production", "StageStatus": "Ready"},
        "CustomerMetadataProperties": {"by": "me"},
    }
    [changed] = authorization.required_permissions("UpdateModelPackage", request, store, **scope)
    assert changed.resource == arn
    assert changed.context == {
        "sagemaker:ModelLifeCycle:Stage": "Production",
        "sagemaker:ModelLifeCycle:StageStatus": "Ready",
        "sagemaker:CustomerMetadataProperties/by": "me",
        "sagemaker:CurrentModelLifeCycleStage": "Dev",
        "sagemaker:CurrentModelLifeCycleStageStatus": "Ready",
        "aws:ResourceTag/team": "a",
    }
    batch = {"ModelPackageArnList": [arn, f"{ARN}:model-package/bricks/2"]}
    asked = authorization.required_permissions("BatchDescribeModelPackage", batch, store, **scope)
    assert [each.resource for each in asked] == batch["ModelPackageArnList"]
