"""The model registry: groups of model packages, and the packages, which are versions in a group or stand alone.

A version's name here is `group/1`, as in its ARN, which is in lower case (SageMaker's guide has the ARN
`model-package/abalonemodelpackagegroupname/1` of a group that it calls AbaloneModelPackageGroupName). Versions count
from 1 (guide, "Model Registry Models, Model Versions, and Model Groups").

Wording of the errors, and who quotes it: `ModelPackage … does not exist.` (users of DescribeModelPackage quote it);
`ModelPackageGroup … does not exist.`, `Model Package Group already exists: …`, `Cannot find Model Package Group: …`,
`Cannot find resource policy for: …` (AWS's own handlers of AWS::SageMaker::ModelPackageGroup).
ListModelPackages names the newest first, though botocore's model calls Ascending the default: the function with which
AWS's MLOps project templates find the latest approved version takes the first.
Not compared with AWS: the sentence about a taken name of a package; for how long a package or a group that has nothing
to validate is Pending (it is Completed at once); whose name NameContains is compared with where a version has none (its
ARN's); that a group that is not there has no versions to list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.resource_types.members import (
    DONE,
    RECORDED,
    REFUSED,
    TAGS,
    Members,
    done,
    only,
    recorded,
)
from embedded_aws.services.sagemaker.resource_types.resource_type import ResourceType

if TYPE_CHECKING:
    from collections.abc import Mapping

BATCH_DESCRIBE = "BatchDescribe{}"
PUT_POLICY, GET_POLICY, DELETE_POLICY = "Put{}Policy", "Get{}Policy", "Delete{}Policy"
GROUP_NAME, VERSION = "ModelPackageGroupName", "ModelPackageVersion"
POLICY = "ResourcePolicy"
"""Where a group's record holds its resource policy, beside DescribeModelPackageGroup's answer."""
LAST_VERSION = "LastVersion"
"""Where it holds the highest version that was deleted: AWS's are never given twice. Not compared with AWS: that."""
UPDATED_FIELDS = "UpdatedModelPackageFields"
"""Where a package's record holds what its last update was about, for its event."""

_S3_SOURCE: Members = {
    "S3Uri": REFUSED,
    "S3DataType": REFUSED,
    "CompressionType": REFUSED,
    "ModelAccessConfig": REFUSED,
    "HubAccessConfig": REFUSED,
    "ManifestS3Uri": REFUSED,
    "ETag": REFUSED,
    "ManifestEtag": REFUSED,
}
_CONTAINER: Members = {
    "ContainerHostname": DONE,
    "Image": DONE,
    "ImageDigest": recorded("told as it was given; AWS fills it in"),
    "ModelDataUrl": DONE,
    "ModelDataSource": {"S3DataSource": _S3_SOURCE},
    "ProductId": REFUSED,
    "Environment": done("of a version"),
    "ModelInput": {"DataInputConfig": RECORDED},
    "Framework": RECORDED,
    "FrameworkVersion": RECORDED,
    "NearestModelName": RECORDED,
    "AdditionalModelDataSources": REFUSED,
    "AdditionalS3DataSource": REFUSED,
    "ModelDataETag": RECORDED,
    "IsCheckpoint": REFUSED,
    "BaseModel": REFUSED,
}
_INFERENCE: Members = {
    "Containers": _CONTAINER,
    "SupportedTransformInstanceTypes": RECORDED,
    "SupportedRealtimeInferenceInstanceTypes": RECORDED,
    "SupportedContentTypes": RECORDED,
    "SupportedResponseMIMETypes": RECORDED,
}
_ADDITIONAL: Members = {"Name": DONE, "Description": RECORDED, **_INFERENCE}
_FILE: Members = {"ContentType": RECORDED, "ContentDigest": RECORDED, "S3Uri": recorded("nobody reads the file")}
_QUALITY: Members = {"Statistics": _FILE, "Constraints": _FILE}
_METRICS: Members = {
    "ModelQuality": _QUALITY,
    "ModelDataQuality": _QUALITY,
    "Bias": {"Report": _FILE, "PreTrainingReport": _FILE, "PostTrainingReport": _FILE},
    "Explainability": {"Report": _FILE},
}
_BASELINES: Members = {
    "Bias": {"ConfigFile": _FILE, "PreTrainingConstraints": _FILE, "PostTrainingConstraints": _FILE},
    "Explainability": {"Constraints": _FILE, "ConfigFile": _FILE},
    "ModelQuality": _QUALITY,
    "ModelDataQuality": _QUALITY,
}
_CARD: Members = {
    "ModelCardContent": done("its sections are those of a model package's card"),
    "ModelCardStatus": RECORDED,
}
_LIFE_CYCLE: Members = {"Stage": DONE, "StageStatus": DONE, "StageDescription": DONE}
_METADATA: Members = {"CommitId": RECORDED, "Repository": RECORDED, "GeneratedBy": RECORDED, "ProjectId": RECORDED}

_CHANGEABLE: Members = {
    "ModelApprovalStatus": done("CreateModel takes a version that is Approved"),
    "ModelPackageRegistrationType": RECORDED,
    "CustomerMetadataProperties": DONE,
    "InferenceSpecification": _INFERENCE,
    "SourceUri": RECORDED,
    "ModelCard": _CARD,
    "ModelLifeCycle": _LIFE_CYCLE,
}


def versions_only(members: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    """Return whether ListModelPackages lists a package: the unversioned ones unless a group or a type is asked for."""
    asked = request.get("ModelPackageType", "Versioned" if GROUP_NAME in request else "Unversioned")
    return asked in ("Both", "Versioned" if VERSION in members else "Unversioned")


def _of_group(members: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    """Return whether a package belongs to the group that is asked for, by its name or its ARN."""
    asked = request.get(GROUP_NAME)
    return asked is None or str(members.get(GROUP_NAME, "")).lower() == asked.rpartition("/")[2].lower()


def _of_account(_members: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    """Return whether the account's own groups are asked for: no other shares any with it."""
    return bool(request.get("CrossAccountFilterOption", "SameAccount") == "SameAccount")


MODEL_PACKAGE_GROUP = ResourceType(
    name="ModelPackageGroup",
    arn_type="model-package-group",
    members={
        "Create": {
            GROUP_NAME: DONE,
            "ModelPackageGroupDescription": RECORDED,
            "Tags": TAGS,
            "ManagedConfiguration": REFUSED,
        },
        PUT_POLICY: {
            GROUP_NAME: DONE,
            POLICY: done("for its own account's users and roles; no account reads another's registry here"),
        },
    },
    verbs=("Create", "Describe", "List", "Delete", PUT_POLICY, GET_POLICY, DELETE_POLICY),
    status="ModelPackageGroupStatus",
    first_status="Completed",
    defaults={"CreatedBy": {}},
    filters={"CrossAccountFilterOption": _of_account},
    not_found="ModelPackageGroup {arn} does not exist.",
    not_found_of=dict.fromkeys((PUT_POLICY, GET_POLICY, DELETE_POLICY), "Cannot find Model Package Group: {arn}"),
    exists="Model Package Group already exists: {arn}",
    sort_order="Ascending",
)

MODEL_PACKAGE = ResourceType(
    name="ModelPackage",
    arn_type="model-package",
    members={
        "Create": {
            **_CHANGEABLE,
            "ModelPackageName": DONE,
            GROUP_NAME: DONE,
            "ModelPackageDescription": RECORDED,
            "ValidationSpecification": REFUSED,
            "SourceAlgorithmSpecification": REFUSED,
            "CertifyForMarketplace": only(False),
            "Tags": TAGS,
            "MetadataProperties": _METADATA,
            "ModelMetrics": _METRICS,
            "ClientToken": DONE,
            "Domain": RECORDED,
            "Task": RECORDED,
            "SamplePayloadUrl": RECORDED,
            "DriftCheckBaselines": _BASELINES,
            "AdditionalInferenceSpecifications": _ADDITIONAL,
            "SkipModelValidation": RECORDED,
            "SecurityConfig": {"KmsKeyId": recorded("nothing of it is encrypted")},
            "ManagedStorageType": REFUSED,
        },
        "Update": {
            **_CHANGEABLE,
            "ModelPackageArn": DONE,
            "ApprovalDescription": DONE,
            "CustomerMetadataPropertiesToRemove": DONE,
            "AdditionalInferenceSpecificationsToAdd": _ADDITIONAL,
            "ClientToken": done("an update that comes twice changes nothing the second time"),
        },
    },
    verbs=("Create", "Describe", "List", "Update", "Delete", BATCH_DESCRIBE),
    own_verbs=(BATCH_DESCRIBE,),
    status="ModelPackageStatus",
    first_status="Completed",
    told_changes=("LastModifiedTime",),
    defaults={
        "CertifyForMarketplace": False,
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        "CreatedBy": {},
    },
    filters={"ModelPackageType": versions_only, GROUP_NAME: _of_group},
    not_found="ModelPackage {arn} does not exist.",
    exists="Model Package already exists: {arn}",
)
