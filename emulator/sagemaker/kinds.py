"""The table of resource kinds: one entry makes a kind's operations, ARNs, errors, references and listing.

Wording of the errors, and who quotes it: `Could not find …`, `Cannot create already existing …`, `RecordNotFound`,
`Unable to describe …`, `Requested resource not found` (terraform-provider-aws, moto, ACK's controller);
`Status (…) not in ([…])` (moto, a log of StopNotebookInstance); `The request was rejected because the training job is
in status …` (error matchers of several clients); `Cannot update in-progress endpoint …`, for DeleteEndpoint too (ACK's
controller, logs). That a Failed endpoint can only be deleted, and which training jobs can: botocore's model.
`Could not find requested job with name` and `Job name must be unique …` (clients' tests and logs, of other jobs than
transform jobs).
Not compared with AWS: the sentences of DeleteTrainingJob, StopTransformJob and CreatePresignedNotebookInstanceUrl, and
what follows the quoted part of the others.

ARNs hold names in lower case: CloudFormation's reference (`notebook-instance/mynotebookinstance`). Order of listings:
botocore's model; where it is silent (notebook instances, their lifecycle configs) ascending was assumed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from emulator.sagemaker.errors import IN_USE, VALIDATION, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emulator.sagemaker.store import Record

PRESIGNED_URL = "CreatePresigned{}Url"


@dataclass(frozen=True)
class Rule:
    """The states in which an operation is taken, and the refusal in all others.

    The text may use {status}, {states}, {target} (the state the operation leads to) and {arn}.
    """

    states: tuple[str, ...]
    refusal: str
    target: str = ""
    code: str = VALIDATION


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of resource.

    The texts may use {arn}, {name} and {verb} (the operation's, in lower case).
    `verbs` begin the names of its operations; one that surrounds the kind's name has {} in its place.
    `status` is the member that holds the state, `first_status` what it says at first.
    `defaults` are the members that AWS fills in when the Create request leaves them out.
    `renamed` are the members that Describe calls otherwise than Create.
    `references` find the names that a request gives of resources of another kind.
    """

    name: str
    arn_type: str
    not_found: str
    exists: str
    exists_code: str = VALIDATION
    verbs: tuple[str, ...] = ("Create", "Describe", "List", "Delete")
    status: str | None = None
    first_status: str | None = None
    rules: Mapping[str, Rule] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    references: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = field(default_factory=dict)
    sort_by: str = "CreationTime"
    sort_order: str = "Descending"

    @property
    def name_member(self) -> str:
        """The member that holds the name, as EndpointName does."""
        return f"{self.name}Name"

    @property
    def arn_member(self) -> str:
        """The member that holds the ARN, as EndpointArn does."""
        return f"{self.name}Arn"

    def operation(self, verb: str) -> str:
        """The operation of a verb: `CreateModel`, `ListModels`, `CreatePresignedNotebookInstanceUrl`."""
        if "{}" in verb:
            return verb.format(self.name)
        return f"{verb}{self.name}{'s' if verb == 'List' else ''}"

    def arn(self, name: str, *, account: str, region: str) -> str:
        """The resource's ARN."""
        return f"arn:aws:sagemaker:{region}:{account}:{self.arn_type}/{name.lower()}"

    def described(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The request's members under the names that Describe uses."""
        return {self.renamed.get(name, name): value for name, value in request.items() if name != "Tags"}

    def missing(self, name: str, *, account: str, region: str, verb: str = "Describe") -> ServiceError:
        """What AWS answers about a resource that is not there."""
        arn = self.arn(name, account=account, region=region)
        return ServiceError(VALIDATION, self.not_found.format(arn=arn, name=name, verb=verb.lower()))

    def taken(self, name: str, *, account: str, region: str) -> ServiceError:
        """What AWS answers when a name is taken."""
        arn = self.arn(name, account=account, region=region)
        return ServiceError(self.exists_code, self.exists.format(arn=arn))

    def check(self, verb: str, record: Record) -> None:
        """Raise AWS's refusal if the record's state forbids the operation."""
        rule = self.rules.get(verb)
        if rule and record.status not in rule.states:
            states = ", ".join(rule.states)
            text = rule.refusal.format(status=record.status, states=states, target=rule.target, arn=record.arn)
            raise ServiceError(rule.code, text)


def _named(member: str) -> Callable[[Mapping[str, Any]], list[str]]:
    return lambda request: [request[member]] if member in request else []


def _models_of_variants(request: Mapping[str, Any]) -> list[str]:
    variants = [*request.get("ProductionVariants", ()), *request.get("ShadowProductionVariants", ())]
    return [variant["ModelName"] for variant in variants if "ModelName" in variant]


_NOTEBOOK = "Status ({status}) not in ([{states}]). Unable to transition to ({target}) for Notebook Instance ({arn})"
_NOT_OPEN = "Status ({status}) not in ([{states}]). Unable to create a presigned URL for Notebook Instance ({arn})"
_ENDPOINT = 'Cannot update in-progress endpoint "{arn}".'

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
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
            references={"NotebookInstanceLifecycleConfig": _named("LifecycleConfigName")},
            not_found="RecordNotFound",
            exists="Cannot create a duplicate Notebook Instance ({arn})",
            sort_by="Name",
            sort_order="Ascending",
        ),
        Kind(
            name="NotebookInstanceLifecycleConfig",
            arn_type="notebook-instance-lifecycle-config",
            verbs=("Create", "Describe", "List", "Update", "Delete"),
            not_found="Unable to {verb} Notebook Instance Lifecycle Config '{arn}'. "
            "(Details: Notebook Instance Lifecycle Config does not exist.)",
            exists="Unable to create Notebook Instance Lifecycle Config {arn}. "
            "(Details: Notebook Instance Lifecycle Config already exists.)",
            sort_order="Ascending",
        ),
        Kind(
            name="Model",
            arn_type="model",
            defaults={"EnableNetworkIsolation": False},
            not_found='Could not find model "{arn}".',
            exists='Cannot create already existing model "{arn}".',
        ),
        Kind(
            name="EndpointConfig",
            arn_type="endpoint-config",
            defaults={"EnableNetworkIsolation": False},
            references={"Model": _models_of_variants},
            not_found='Could not find endpoint configuration "{arn}".',
            exists='Cannot create already existing endpoint configuration "{arn}".',
        ),
        Kind(
            name="Endpoint",
            arn_type="endpoint",
            verbs=("Create", "Describe", "List", "Update", "Delete"),
            status="EndpointStatus",
            first_status="Creating",
            rules={
                "Update": Rule(("InService", "OutOfService", "UpdateRollbackFailed"), _ENDPOINT),
                "Delete": Rule(("InService", "OutOfService", "UpdateRollbackFailed", "Failed"), _ENDPOINT),
            },
            references={"EndpointConfig": _named("EndpointConfigName")},
            not_found='Could not find endpoint "{arn}".',
            exists='Cannot create already existing endpoint "{arn}".',
        ),
        Kind(
            name="TrainingJob",
            arn_type="training-job",
            verbs=("Create", "Describe", "List", "Stop", "Delete"),
            status="TrainingJobStatus",
            first_status="InProgress",
            rules={
                "Stop": Rule(
                    ("InProgress", "Stopping"),
                    "The request was rejected because the training job is in status {status}.",
                ),
                "Delete": Rule(
                    ("Completed", "Failed", "Stopped"),
                    "The training job {arn} is in status {status}; "
                    "only jobs in a terminal status ({states}) can be deleted.",
                    code=IN_USE,
                ),
            },
            defaults={
                "EnableNetworkIsolation": False,
                "EnableInterContainerTrafficEncryption": False,
                "EnableManagedSpotTraining": False,
            },
            not_found="Requested resource not found.",
            exists_code=IN_USE,
            exists="Training job names must be unique within an AWS account and region, "
            "and a training job with this name already exists ({arn})",
            sort_order="Ascending",
        ),
        Kind(
            name="TransformJob",
            arn_type="transform-job",
            verbs=("Create", "Describe", "List", "Stop"),
            status="TransformJobStatus",
            first_status="InProgress",
            rules={
                "Stop": Rule(
                    ("InProgress", "Stopping"),
                    "The request was rejected because the transform job is in status {status}.",
                ),
            },
            references={"Model": _named("ModelName")},
            not_found="Could not find requested job with name: {name}",
            exists_code=IN_USE,
            exists="Job name must be unique within an AWS account and region, "
            "and a job with this name already exists ({arn})",
        ),
    )
}
