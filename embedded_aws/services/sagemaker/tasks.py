"""Tasks of Step Functions: `arn:aws:states:::sagemaker:createTrainingJob`, say, and with `.sync` until the job's end.

A job that is waited for has two tags of Step Functions', which its role needs AddTags for; what its task gets is what
the event of the job's last state tells. If the execution ends before, the job is stopped. Sources: Step Functions'
guide, "Create and manage Amazon SageMaker AI jobs with Step Functions" (the operations, and which of them wait), "Run a
job (.sync)" (the end) and "Tune the hyperparameters of a machine learning model" (the errors' names, which are the
exceptions of the AWS SDK for Java's first version); aws/aws-cdk#26012 and #27264 (the tag, the right to it, the
sentence of a refusal); the input of a function behind a tuning job's task that a user published (both tags, as an
object, and times in milliseconds). Not compared with AWS: that a job which fails or is stopped is States.TaskFailed,
with what the event tells as its cause; that other jobs' tasks get all that their event tells; that the task of an
operation that does not wait gets its answer and nothing beside it; that AWS refuses an unknown operation when the state
machine is made, in these words.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker import api, events
from embedded_aws.services.sagemaker.errors import ServiceError
from embedded_aws.services.sagemaker.resource_types import RESOURCE_TYPES
from embedded_aws.services.sagemaker.resource_types.resource_type import ENDED
from embedded_aws.services.task_integrations import Task, TaskError

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.resource_types import ResourceType
    from embedded_aws.services.sagemaker.service import SageMaker
    from embedded_aws.services.sagemaker.store import Record

_JOBS = ("HyperParameterTuningJob", "ProcessingJob", "TrainingJob", "TransformJob")
_OPERATIONS = {
    f"{operation[:1].lower()}{operation[1:]}": operation
    for operation in (*(f"Create{name}" for name in (*_JOBS, "Endpoint", "EndpointConfig", "Model")), "UpdateEndpoint")
}
_SYNC = ".sync"
_POLL_SECONDS = 0.5
_FAILED, _RUNTIME = "States.TaskFailed", "States.Runtime"
_EXCEPTIONS = {
    "ConflictException": "SageMaker.ConflictException",
    "ResourceInUse": "SageMaker.ResourceInUseException",
    "ResourceLimitExceeded": "SageMaker.ResourceLimitExceededException",
    "ResourceNotFound": "SageMaker.ResourceNotFoundException",
    "ThrottlingException": "ThrottlingException",
}
_ANY_OTHER = "SageMaker.AmazonSageMakerException"


class Tasks:
    """Carries out tasks, each as its state machine's role."""

    def __init__(self, service: SageMaker) -> None:
        self._service = service

    def __call__(self, task: Task) -> dict[str, Any]:
        """Return the result of a task. Raises TaskError."""
        operation = _OPERATIONS.get(task.action.removesuffix(_SYNC), "")
        waits = task.action.endswith(_SYNC)
        resource_type = RESOURCE_TYPES.get(operation.removeprefix("Create"))
        if not operation or (waits and (resource_type is None or resource_type.name not in _JOBS)):
            raise TaskError(
                _RUNTIME,
                f"The resource provided {task.resource} is not recognized. The value is not a valid resource ARN, or "
                "the resource is not available in this region.",
            )
        if not waits or resource_type is None:
            return api.write_response(operation, self._call(task, operation, task.parameters))
        return self._run(task, operation, resource_type)

    def _run(self, task: Task, operation: str, resource_type: ResourceType) -> dict[str, Any]:
        """Create a job and wait for its end."""
        managed = {
            "MANAGED_BY_AWS": "STARTED_BY_STEP_FUNCTIONS",
            "AWS_STEP_FUNCTIONS_EXECUTION_ARN": task.execution_arn,
        }
        tags = [{"Key": key, "Value": value} for key, value in managed.items()]
        self._call(task, operation, {**task.parameters, "Tags": [*task.parameters.get("Tags", ()), *tags]})
        account, region = self._service.caller()
        name = task.parameters[resource_type.name_member]
        job = self._service.context.store.get(resource_type.name, name, account=account, region=region)
        self._wait(task, job)
        told = dict(events.state_of(job))
        if job.status != "Completed":
            raise TaskError(_FAILED, json.dumps(told))
        return told

    def _wait(self, task: Task, job: Record) -> None:
        """Wait until a job has ended, and stop it if nobody wants it any more. Raises TaskError."""
        name = {job.resource_type.name_member: job.name}
        while job.status not in ENDED and self._service.context.store.alive(job):
            if not task.is_wanted():
                with contextlib.suppress(TaskError):  # it has ended meanwhile, or the role may not
                    self._call(task, job.resource_type.operation("Stop"), name)
                raise TaskError(_RUNTIME, "The execution has ended.")
            if not self._service.context.clock.sleep(_POLL_SECONDS):
                raise TaskError(_RUNTIME, "The embedded AWS has ended.")

    def _call(self, task: Task, operation: str, document: dict[str, Any]) -> dict[str, Any]:
        account, region = self._service.caller()
        principal = self._service.context.principal_of(task.role)
        try:
            return self._service.call(operation, document, account=account, region=region, principal=principal)
        except ServiceError as error:
            cause = (
                f"{error.message} (Service: AmazonSageMaker; Status Code: {int(error.status)}; Error Code: "
                f"{error.code}; Request ID: {uuid.uuid4()}; Proxy: null)"
            )
            raise TaskError(_EXCEPTIONS.get(error.code, _ANY_OTHER), cause) from error
