"""What steps make of SageMaker's own: asked for as the pipeline's role, watched, and stopped.

`Failed to invoke sagemaker:CreateTrainingJob. Error Details: …` is AWS's (users' logs), and the tag
`sagemaker:pipeline-execution-arn` on what a step makes (the SageMaker SDK's lineage reads it). A model package group
that is not there is made: the SDK's integration tests register into groups that nobody has made. Not compared with AWS:
that the group bears no tags; the other tags that AWS may give.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker import api
from embedded_aws.services.sagemaker.errors import ServiceError
from embedded_aws.services.sagemaker.pipelines import retries
from embedded_aws.services.sagemaker.pipelines.retries import Failure
from embedded_aws.services.sagemaker.pipelines.step_types import RESOURCE_STEPS, resource_name

if TYPE_CHECKING:
    from embedded_aws.runtime.credentials import Role
    from embedded_aws.services.sagemaker.authorization import Principal
    from embedded_aws.services.sagemaker.pipelines.definition import Step
    from embedded_aws.services.sagemaker.provider import ControlPlane, ServiceContext
    from embedded_aws.services.sagemaker.store import Record

TAG = "sagemaker:pipeline-execution-arn"
_GROUP = "ModelPackageGroupName"
_SUMMARIES = "TrainingJobSummaries"


class Resources:
    """The resources of an execution's steps."""

    def __init__(self, record: Record, role: Role, *, context: ServiceContext, service: ControlPlane) -> None:
        self._record, self._context, self._service = record, context, service
        self._role = role
        self._where: dict[str, Any] = {"account": record.account, "region": record.region}

    def new_name(self, step: Step) -> str:
        """Make a name for what a step makes."""
        step_type = RESOURCE_STEPS[step.type]
        prefix = step.arguments.get(step_type.name_member)
        return resource_name(
            step_type, step.name, self._record.name.rpartition("/")[2], prefix if isinstance(prefix, str) else ""
        )

    def make(self, step: Step, name: str, arguments: dict[str, Any]) -> str | Failure:
        """Make what a step makes; return its ARN, or why it is refused."""
        step_type = RESOURCE_STEPS[step.type]
        named = {} if step.type == "RegisterModel" else {step_type.name_member: name}
        tags = [*arguments.get("Tags", ()), {"Key": TAG, "Value": self._record.arn}]
        operation = step_type.create
        try:
            if step.type == "RegisterModel" and _GROUP in arguments:
                operation = "CreateModelPackageGroup"
                self._make_group(arguments[_GROUP])
                operation = step_type.create
                tags = []  # AWS refuses tags on a version; the group has them
            given = {**arguments, **named, **({"Tags": tags} if tags else {})}
            answer = self._service.call(operation, given, principal=self._principal(), **self._where)
        except ServiceError as error:
            return retries.of_refusal(operation, error)
        return str(answer[step_type.arn_member])

    def arn_of(self, step: Step, state: dict[str, Any]) -> str | None:
        """Return the ARN of what a step has made, None if it has made nothing."""
        step_type = RESOURCE_STEPS[step.type]
        if told := state["Metadata"].get(step_type.metadata):
            return str(told["Arn"])
        found = self._context.store.find(step_type.resource, state["ResourceName"], **self._where)
        return found.arn if found else None

    def look(self, step: Step, state: dict[str, Any]) -> dict[str, Any] | Failure | None:
        """Return the properties of what has succeeded, or why it failed; {} if it was stopped, None while it runs."""
        step_type = RESOURCE_STEPS[step.type]
        name = state["ResourceName"]
        if step.type == "RegisterModel":
            name = state["Metadata"][step_type.metadata]["Arn"]
        else:
            record = self._context.store.find(step_type.resource, name, **self._where)
            if record and record.status in ("InProgress", "Stopping"):
                return None
        try:
            members = self._service.call(step_type.describe, {step_type.name_member: name}, **self._where)
        except ServiceError as error:
            return Failure("", f"ClientError: {error.message}")
        match members.get(f"{step_type.resource}Status", "Completed"):
            case "Failed":
                reason = members.get("FailureReason", "")
                return retries.of_job(step, reason) if step_type.stops else Failure("", f"ClientError: {reason}")
            case "Stopped":
                return {}
            case "Completed":
                return {**dict(api.write_response(step_type.describe, members)), **self._training_jobs(step, members)}
        return None

    def stop(self, step: Step, state: dict[str, Any]) -> bool:
        """Stop what a step has made; return False if it has ended meanwhile."""
        step_type = RESOURCE_STEPS[step.type]
        with contextlib.suppress(ServiceError):
            self._service.call(
                f"Stop{step_type.resource}", {step_type.name_member: state["ResourceName"]}, **self._where
            )
            return True
        return False

    def _principal(self) -> Principal | None:
        return self._context.principal_of(self._role.arn)

    def _make_group(self, name: str) -> None:
        with contextlib.suppress(ServiceError):
            self._service.call("DescribeModelPackageGroup", {_GROUP: name}, **self._where)
            return
        self._service.call("CreateModelPackageGroup", {_GROUP: name}, principal=self._principal(), **self._where)

    def _training_jobs(self, step: Step, members: dict[str, Any]) -> dict[str, Any]:
        """Return the property TrainingJobSummaries of a tuning job, the best first, which the SDK refers to."""
        if step.type != "Tuning":
            return {}
        config = members["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
        answer = self._service.call(
            "ListTrainingJobsForHyperParameterTuningJob",
            {
                "HyperParameterTuningJobName": members["HyperParameterTuningJobName"],
                "SortBy": "FinalObjectiveMetricValue",
                "SortOrder": "Descending" if config["Type"] == "Maximize" else "Ascending",
                "MaxResults": 100,
            },
            **self._where,
        )
        written = api.write_response("ListTrainingJobsForHyperParameterTuningJob", answer)
        return {_SUMMARIES: written.get(_SUMMARIES, [])}
