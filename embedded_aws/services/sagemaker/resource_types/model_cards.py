"""Model cards: documents about models, each change of whose content is a version.

Not compared with AWS: all sentences; that a change of the status alone makes no version; whether a version's times are
its own.
"""

from __future__ import annotations

from embedded_aws.services.sagemaker.errors import CONFLICT, NOT_FOUND
from embedded_aws.services.sagemaker.resource_types.members import DONE, TAGS, done, recorded
from embedded_aws.services.sagemaker.resource_types.resource_type import Precondition, ResourceType

LIST_VERSIONS = "List{}Versions"
VERSIONS = "Versions"
"""Where a card's record holds all of its versions, beside DescribeModelCard's answer."""
_CONTENT = done("a JSON object; its sections are those of AWS's schema")

MODEL_CARD = ResourceType(
    name="ModelCard",
    arn_type="model-card",
    members={
        "Create": {
            "ModelCardName": DONE,
            "SecurityConfig": {"KmsKeyId": recorded("nothing of it is encrypted")},
            "Content": _CONTENT,
            "ModelCardStatus": DONE,
            "Tags": TAGS,
        },
        "Update": {"ModelCardName": DONE, "Content": _CONTENT, "ModelCardStatus": DONE},
    },
    verbs=("Create", "Describe", "List", "Update", "Delete", LIST_VERSIONS),
    status="ModelCardStatus",
    preconditions={
        "Update": Precondition(
            ("Draft", "PendingReview", "Approved"),
            "Model card {arn} is Archived: no more updates are made to it.",
            code=CONFLICT,
        )
    },
    told_changes=("ModelCardVersion",),
    defaults={"ModelCardVersion": 1, "CreatedBy": {}},
    not_found="Model card {arn} does not exist.",
    not_found_code=NOT_FOUND,
    exists="Model card {arn} already exists.",
    exists_code=CONFLICT,
    sort_order="Ascending",
)
