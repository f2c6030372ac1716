"""Notebook instances and their lifecycle configs.

Wording of the errors, and who quotes it: `RecordNotFound`, `Unable to describe …` (terraform-provider-aws, moto);
`Status (…) not in ([…]). Unable to transition to (…) for Notebook Instance (…)` (logs of StopNotebookInstance and
StartNotebookInstance: terraform-provider-aws#16767, aws/amazon-sagemaker-examples#1094).
Not compared with AWS: the sentence of CreatePresignedNotebookInstanceUrl; what follows `Unable to describe`; that
listings ascend where the request is silent, as botocore's model is.
"""

from __future__ import annotations

from embedded_aws.services.sagemaker.resource_types.members import DONE, RECORDED, TAGS, Members, done, recorded
from embedded_aws.services.sagemaker.resource_types.resource_type import Precondition, ResourceType, name_in

PRESIGNED_URL = "CreatePresigned{}Url"

_NOTEBOOK = "Status ({status}) not in ([{statuses}]). Unable to transition to ({target}) for Notebook Instance ({arn})"
_NOT_OPEN = "Status ({status}) not in ([{statuses}]). Unable to create a presigned URL for Notebook Instance ({arn})"

_SCRIPTS: Members = {"OnCreate": {"Content": DONE}, "OnStart": {"Content": DONE}}
_CHANGEABLE: Members = {
    "NotebookInstanceName": DONE,
    "InstanceType": done("counts against its quota; the machine is yours"),
    "IpAddressType": RECORDED,
    "RoleArn": DONE,
    "LifecycleConfigName": DONE,
    "VolumeSizeInGB": recorded("the volume is as large as the disk that it lies on; it can't shrink"),
    "AcceleratorTypes": RECORDED,
    "DefaultCodeRepository": recorded("not cloned"),
    "AdditionalCodeRepositories": recorded("not cloned"),
    "RootAccess": RECORDED,
    "PlatformIdentifier": done("one that there is an image of"),
    "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": RECORDED},
}

NOTEBOOK_INSTANCE = ResourceType(
    name="NotebookInstance",
    arn_type="notebook-instance",
    members={
        "Create": {
            **_CHANGEABLE,
            "SubnetId": recorded("there is no network of its own"),
            "SecurityGroupIds": recorded("there is no network of its own"),
            "KmsKeyId": recorded("the volume is not encrypted"),
            "Tags": TAGS,
            "DirectInternetAccess": recorded("Disabled needs SubnetId, as on AWS"),
        },
        "Update": {
            **_CHANGEABLE,
            "DisassociateLifecycleConfig": DONE,
            "DisassociateAcceleratorTypes": DONE,
            "DisassociateDefaultCodeRepository": DONE,
            "DisassociateAdditionalCodeRepositories": DONE,
        },
    },
    verbs=("Create", "Describe", "List", "Update", "Start", "Stop", "Delete", PRESIGNED_URL),
    status="NotebookInstanceStatus",
    first_status="Pending",
    preconditions={
        "Start": Precondition(("Stopped", "Failed"), _NOTEBOOK, "Pending"),
        "Stop": Precondition(("InService",), _NOTEBOOK, "Stopping"),
        "Update": Precondition(("Stopped", "Failed"), _NOTEBOOK, "Updating"),
        "Delete": Precondition(("Stopped", "Failed"), _NOTEBOOK, "Deleting"),
        PRESIGNED_URL: Precondition(("InService",), _NOT_OPEN),
    },
    defaults={
        "DirectInternetAccess": "Enabled",
        "VolumeSizeInGB": 5,
        "RootAccess": "Enabled",
        "PlatformIdentifier": "notebook-al2023-v1",
    },
    renamed={
        "LifecycleConfigName": "NotebookInstanceLifecycleConfigName",
        "SecurityGroupIds": "SecurityGroups",
    },
    references={"NotebookInstanceLifecycleConfig": name_in("LifecycleConfigName")},
    not_found="RecordNotFound",
    exists="Cannot create a duplicate Notebook Instance ({arn})",
    quota_usage="notebook instance",
    idle_statuses=("Stopped", "Failed", "Updating", "Deleting"),
    sort_by="Name",
    sort_order="Ascending",
)

LIFECYCLE_CONFIG = ResourceType(
    name="NotebookInstanceLifecycleConfig",
    arn_type="notebook-instance-lifecycle-config",
    members={
        "Create": {"NotebookInstanceLifecycleConfigName": DONE, **_SCRIPTS, "Tags": TAGS},
        "Update": {"NotebookInstanceLifecycleConfigName": DONE, **_SCRIPTS},
    },
    verbs=("Create", "Describe", "List", "Update", "Delete"),
    not_found="Unable to {verb} Notebook Instance Lifecycle Config '{arn}'. "
    "(Details: Notebook Instance Lifecycle Config does not exist.)",
    exists="Unable to create Notebook Instance Lifecycle Config {arn}. "
    "(Details: Notebook Instance Lifecycle Config already exists.)",
    sort_order="Ascending",
)
