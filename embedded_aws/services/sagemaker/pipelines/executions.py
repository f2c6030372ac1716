"""Pipeline executions, each carried out by a `PipelineRun`.

After a start an execution goes on: it is no instance's. Its jobs whose instances were lost have failed, and their steps
are retried if a retry policy says so. `Step … is already in a terminal status` users quote. Not compared with AWS: the
other sentences and, where botocore declares several, which code they come with; that CreatedBy and LastModifiedBy are
not told; that a retry repeats the steps which did not succeed.
"""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker import listing
from embedded_aws.services.sagemaker.errors import NOT_FOUND, ServiceError, validation_exception
from embedded_aws.services.sagemaker.jobs import Jobs
from embedded_aws.services.sagemaker.pipelines import (
    definition,
    lookup,
    parameters,
    references,
    selection,
    tokens,
    versions,
)
from embedded_aws.services.sagemaker.pipelines.run import PipelineRun
from embedded_aws.services.sagemaker.pipelines.step_states import ENDED
from embedded_aws.services.sagemaker.resource_types import RESOURCE_TYPES
from embedded_aws.services.sagemaker.resource_types import pipelines as verbs
from embedded_aws.services.sagemaker.roles import role_of
from embedded_aws.services.sagemaker.store import Record

if TYPE_CHECKING:
    from embedded_aws.runtime.credentials import Role
    from embedded_aws.services.sagemaker.provider import ControlPlane, Work

_ID = string.ascii_lowercase + string.digits
_ID_LENGTH = 12
_CHANGEABLE = ("PipelineExecutionDescription", "PipelineExecutionDisplayName", "ParallelismConfiguration")


class PipelineExecutions(Jobs):
    """The provider of pipeline executions."""

    end_time = "ExecutionEndTime"

    def bind(self, service: ControlPlane) -> None:
        """Take the service whose own operations make what steps make."""
        self._service = service

    def operate(self, verb: str, request: dict[str, Any], *, account: str, region: str) -> dict[str, Any]:
        """Carry out an operation. Raises ServiceError."""
        if verb in (verbs.START, verbs.LIST):
            kind = RESOURCE_TYPES["Pipeline"]
            name = kind.name_of(request)
            pipeline = self.context.store.get(kind.name, name, account=account, region=region)
            with pipeline.lock:
                if not self.context.store.alive(pipeline):
                    raise kind.not_found_error(name, account=account, region=region)
                return self._start(pipeline, request) if verb == verbs.START else self._list(pipeline, request)
        if verb in (verbs.SUCCEED, verbs.FAIL):
            return self._answer(verb, request, account=account, region=region)
        execution = lookup.find_execution(self.context.store, request, account=account, region=region)
        if verb == verbs.DESCRIBE:
            return execution.members
        if verb == verbs.LIST_STEPS:
            return _steps(execution, request)
        changes = {verbs.UPDATE: self._change, verbs.STOP: self._stop, verbs.RETRY: self._retry}
        with execution.lock:
            changes[verb](execution, request)
        return {"PipelineExecutionArn": execution.arn}

    def restore(self, record: Record) -> Work | None:
        """Go on with an execution that ran."""
        if record.status in ENDED:
            return None
        run = self._run_for(record, role_of(record, record.members["RoleArn"], endpoint_url=self.context.endpoint_url))
        self.take_on(record, run)
        return lambda: self.begin(record, run)

    def _run_for(self, record: Record, role: Role) -> PipelineRun:
        read = definition.read(record.members["PipelineDefinition"])
        return PipelineRun(record, read, role, end_time=self.end_time, context=self.context, service=self._service)

    def _start(self, pipeline: Record, request: dict[str, Any]) -> dict[str, Any]:
        """Start an execution; return that of an earlier request with the same client token."""
        for earlier in lookup.executions_of(self.context.store, pipeline):
            if earlier.members[tokens.MEMBER] == request[tokens.MEMBER]:
                if earlier.members[tokens.DIGEST] != tokens.digest(request):
                    raise tokens.conflict(request, f"started the execution '{earlier.arn}'")
                return {"PipelineExecutionArn": earlier.arn}
        version = versions.find(self.context.store, pipeline, request.get(versions.NUMBER))
        read = definition.read(version.members[versions.DEFINITION])
        given = request.get("PipelineParameters", [])
        values = parameters.values(read, given)
        steps = self._taken_over(pipeline, read, request)
        record = self._record(pipeline, version, request)
        record.members |= {
            "Parameters": values,
            "GivenParameters": given,
            "Steps": steps,
            **({"PipelineExperimentConfig": experiment} if (experiment := _experiment(read, record)) else {}),
        }
        run = self._run_for(record, self.role(record, pipeline.members["RoleArn"]))
        with self._service.within_quotas(record, request):
            self.context.store.add(record)
        self.context.store.confirm(record)
        now = record.members["CreationTime"]
        self.context.store.update(
            pipeline,
            LastRunTime=now,
            LastExecutionTime=now,
            LastModifiedTime=pipeline.members["LastModifiedTime"],
        )
        self.begin(record, run)
        return {"PipelineExecutionArn": record.arn}

    def _record(self, pipeline: Record, version: Record, request: dict[str, Any]) -> Record:
        now = self.context.clock.now()
        name = f"{pipeline.name}/execution/{''.join(secrets.choice(_ID) for _ in range(_ID_LENGTH))}"
        arn = lookup.EXECUTION.arn(name, account=pipeline.account, region=pipeline.region)
        inherited = {name: pipeline.members[name] for name in ("ParallelismConfiguration",) if name in pipeline.members}
        members = {
            "PipelineExecutionDisplayName": f"execution-{int(now.timestamp() * 1000)}",
            **inherited,
            **{name: request[name] for name in (*_CHANGEABLE, "SelectiveExecutionConfig") if name in request},
            "PipelineArn": pipeline.arn,
            "PipelineExecutionArn": arn,
            "PipelineExecutionStatus": "Executing",
            versions.DEFINITION: version.members[versions.DEFINITION],
            versions.NUMBER: version.members[versions.NUMBER],
            "RoleArn": pipeline.members["RoleArn"],
            "PipelineCreationTime": pipeline.members["CreationTime"],
            tokens.MEMBER: request[tokens.MEMBER],
            tokens.DIGEST: tokens.digest(request),
            "CreationTime": now,
            "StartTime": now,
            "LastModifiedTime": now,
        }
        return Record(lookup.EXECUTION, name, arn, pipeline.account, pipeline.region, members)

    def _taken_over(self, pipeline: Record, read: definition.Definition, request: dict[str, Any]) -> dict[str, Any]:
        """Return the steps that a selective execution takes over from another."""
        config = request.get("SelectiveExecutionConfig")
        if config is None:
            return {}
        names = selection.needed(read, config)
        if not names:
            return {}
        arn = config["SourcePipelineExecutionArn"]
        source = next((each for each in lookup.executions_of(self.context.store, pipeline) if each.arn == arn), None)
        if source is None:
            raise validation_exception(
                f"Invalid SourcePipelineExecutionArn: {arn}. {pipeline.arn} has no such execution."
            )
        return selection.taken_over(source, names)

    def _list(self, pipeline: Record, request: dict[str, Any]) -> dict[str, Any]:
        asked = {name: value for name, value in request.items() if name != "PipelineName"}
        found = listing.select(lookup.EXECUTION, lookup.executions_of(self.context.store, pipeline), asked)
        page, token = listing.page(lookup.EXECUTION, found, request)
        answer: dict[str, Any] = {"PipelineExecutionSummaries": [each.members for each in page]}
        return {**answer, "NextToken": token} if token else answer

    def _change(self, record: Record, request: dict[str, Any]) -> None:
        self.context.store.update(record, **{name: request[name] for name in _CHANGEABLE if name in request})

    def _stop(self, record: Record, request: dict[str, Any]) -> None:
        del request
        run = self.run_of(record)
        if record.status != "Stopping" and (run is None or not run.stop()):
            raise validation_exception(
                f"Pipeline execution '{record.arn}' can't be stopped: it is already in the status {record.status}."
            )

    def _retry(self, record: Record, request: dict[str, Any]) -> None:
        if record.status not in ("Failed", "Stopped"):
            raise validation_exception(
                f"Pipeline execution '{record.arn}' can't be retried: it is {record.status}, and must be Failed or "
                "Stopped."
            )
        role = self.role(record, record.members["RoleArn"])
        steps = {name: state for name, state in record.members["Steps"].items() if state["StepStatus"] == "Succeeded"}
        parallel = {name: request[name] for name in ("ParallelismConfiguration",) if name in request}
        with self._service.within_quotas(record, request):
            self.context.store.update(
                record,
                PipelineExecutionStatus="Executing",
                PreviousStatus=record.status,
                Steps=steps,
                ChangedStep=None,
                ExecutionEndTime=None,
                FailureReason=None,
                PipelineExecutionFailureReason=None,
                **parallel,
            )
        self.begin(record, self._run_for(record, role))

    def _answer(self, verb: str, request: dict[str, Any], *, account: str, region: str) -> dict[str, Any]:
        """Bring a callback step's answer to its execution."""
        token = request["CallbackToken"]
        found = lookup.of_token(self.context.store, token, account=account, region=region)
        if found is None:
            raise ServiceError(NOT_FOUND, f"No callback step has the CallbackToken {token}.")
        record, name = found
        self._answer_step(record, name, verb, request)
        return {"PipelineExecutionArn": record.arn}

    def _answer_step(self, record: Record, name: str, verb: str, request: dict[str, Any]) -> None:
        run = self.run_of(record)
        outputs = {each["Name"]: each["Value"] for each in request.get("OutputParameters", ())}
        taken = isinstance(run, PipelineRun) and (
            run.answer(name, outputs=outputs)
            if verb == verbs.SUCCEED
            else run.answer(name, failure=request.get("FailureReason", ""))
        )
        if not taken:
            raise validation_exception(
                f"Step {name} is already in a terminal status, {record.members['Steps'][name]['StepStatus']}."
            )


def _steps(record: Record, request: dict[str, Any]) -> dict[str, Any]:
    """Return a page of an execution's steps, those that started last first unless the request says otherwise."""
    descending = request.get("SortOrder", "Descending") == "Descending"
    states = record.members["Steps"].values()
    positions = [([each["StartTime"].timestamp(), number], each) for number, each in enumerate(states)]
    ordered = sorted(positions, key=lambda each: each[0], reverse=descending)
    return lookup.page("PipelineExecutionSteps", ordered, request, descending=descending)


def _experiment(read: definition.Definition, record: Record) -> dict[str, str]:
    """Return the experiment and the trial that the definition names; AWS writes the pipeline's name in lower case."""
    values = {
        "Execution.PipelineName": record.name.partition("/")[0].lower(),
        "Execution.PipelineExecutionId": record.name.rpartition("/")[2],
    }
    found = {}
    for name, value in read.experiment.items():
        path = value.get(references.GET) if isinstance(value, dict) else None
        text = values.get(path, "") if path else value
        if isinstance(text, str) and text:
            found[name] = text
    return found
