"""Notebook instances and their lifecycle configs.

Wording of the errors, and who quotes it: `RecordNotFound`, `Unable to describe …` (terraform-provider-aws, moto);
`Status (…) not in ([…])` (moto, a log of StopNotebookInstance).
Order of listings: botocore's model is silent; ascending was assumed.
Not compared with AWS: the sentence of CreatePresignedNotebookInstanceUrl, and what follows the quoted part of the
others.
"""

from __future__ import annotations

from emulator.sagemaker.kinds.kind import Kind, Rule, named

PRESIGNED_URL = "CreatePresigned{}Url"

_NOTEBOOK = "Status ({status}) not in ([{states}]). Unable to transition to ({target}) for Notebook Instance ({arn})"
_NOT_OPEN = "Status ({status}) not in ([{states}]). Unable to create a presigned URL for Notebook Instance ({arn})"

NOTEBOOK_INSTANCE = Kind(
    name="NotebookInstance",
    arn_type="notebook-instance",
    verbs=("Create", "Describe", "List", "Update", "Start", "Stop", "Delete", PRESIGNED_URL),
    status="NotebookInstanceStatus",
    first_status="Pending",
    rules={
        "Start": Rule(("Stopped", "Failed"), _NOTEBOOK, "Pending"),
        "Stop": Rule(("InService",), _NOTEBOOK, "Stopping"),
        "Update": Rule(("Stopped", "Failed"), _NOTEBOOK, "Updating"),
        "Delete": Rule(("Stopped", "Failed"), _NOTEBOOK, "Deleting"),
        PRESIGNED_URL: Rule(("InService",), _NOT_OPEN),
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
    references={"NotebookInstanceLifecycleConfig": named("LifecycleConfigName")},
    not_found="RecordNotFound",
    exists="Cannot create a duplicate Notebook Instance ({arn})",
    usage="notebook instance",
    idle=("Stopped", "Failed", "Updating", "Deleting"),
    sort_by="Name",
    sort_order="Ascending",
)

LIFECYCLE_CONFIG = Kind(
    name="NotebookInstanceLifecycleConfig",
    arn_type="notebook-instance-lifecycle-config",
    verbs=("Create", "Describe", "List", "Update", "Delete"),
    not_found="Unable to {verb} Notebook Instance Lifecycle Config '{arn}'. "
    "(Details: Notebook Instance Lifecycle Config does not exist.)",
    exists="Unable to create Notebook Instance Lifecycle Config {arn}. "
    "(Details: Notebook Instance Lifecycle Config already exists.)",
    sort_order="Ascending",
)
