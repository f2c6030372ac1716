"""Pipelines, and their executions: each carried out by a `PipelineRun`.

After a start an execution goes on: it is no instance's. Its jobs whose instances were lost have failed, and their steps
are retried if a retry policy says so. One client token starts one execution: botocore's model. Which parameters
ListPipelineParametersForExecution tells, those that were given: reports that users made of it. `[string "" is too
short …]` is AWS's (aws/sagemaker-python-sdk#4016), `Step … is already in a terminal status` users quote; which of a
definition and its place in S3 is to be given: moto's sentences. Not compared with AWS: the other sentences and, where
botocore declares several, which code they come with; that a definition in S3 is read as the pipeline's role; that
CreatedBy and LastModifiedBy are not told; that a retry repeats the steps which did not succeed.
"""

from __future__ import annotations

import json
import secrets
import string
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.services.sagemaker import listing
from embedded_aws.services.sagemaker.errors import CONFLICT, NOT_FOUND, ServiceError, validation_exception
from embedded_aws.services.sagemaker.jobs import Jobs
from embedded_aws.services.sagemaker.pipelines import definition, references, selection, validation
from embedded_aws.services.sagemaker.pipelines.run import ENDED, PipelineRun
from embedded_aws.services.sagemaker.provider import Provider
from embedded_aws.services.sagemaker.resource_types import RESOURCE_TYPES, pipelines
from embedded_aws.services.sagemaker.roles import role_of
from embedded_aws.services.sagemaker.store import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from embedded_aws.runtime.credentials import Role
    from embedded_aws.services.sagemaker.provider import ControlPlane, Work
    from embedded_aws.services.sagemaker.store import Store

_EXECUTION = RESOURCE_TYPES["PipelineExecution"]
_ID = string.ascii_lowercase + string.digits
_ID_LENGTH = 12
_CHANGEABLE = ("PipelineExecutionDescription", "PipelineExecutionDisplayName", "ParallelismConfiguration")
_TRUTHS = {"true": True, "false": False}


class Pipelines(Provider):
    """The provider of pipelines, with what is asked about one of their executions' definition and parameters."""

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Check the definition. Raises ServiceError."""
        self.context.store.update(record, PipelineDefinition=self._definition(record, request, request["RoleArn"]))

    def update(self, record: Record, request: dict[str, Any]) -> None:
        """Record what is new, and check a new definition. Raises ServiceError."""
        changes = dict(request)
        if "PipelineDefinition" in request or "PipelineDefinitionS3Location" in request:
            role = request.get("RoleArn", record.members["RoleArn"])
            changes["PipelineDefinition"] = self._definition(record, request, role)
        super().update(record, changes)

    def delete(self, record: Record) -> None:
        """Remove a pipeline with its executions. Raises ServiceError if one runs."""
        executions = executions_of(self.context.store, record)
        for execution in executions:
            if execution.status not in ENDED:
                raise ServiceError(
                    CONFLICT,
                    f"Pipeline '{record.arn}' has the execution '{execution.arn}', which is {execution.status}. "
                    "Stop it before you delete the pipeline.",
                )
        for execution in executions:
            self.context.store.remove(execution)
        super().delete(record)

    def operate(self, verb: str, request: dict[str, Any], *, account: str, region: str) -> dict[str, Any]:
        """Tell of an execution's definition or its parameters."""
        execution = find_execution(self.context.store, request, account=account, region=region)
        if verb == pipelines.DEFINITION:
            return {
                "PipelineDefinition": execution.members["PipelineDefinition"],
                "CreationTime": execution.members["CreationTime"],
            }
        given = execution.members["GivenParameters"]
        positions = [([number], each) for number, each in enumerate(given)]
        return _page("PipelineParameters", positions, request)

    def _definition(self, record: Record, request: Mapping[str, Any], role: str) -> str:
        text, place = request.get("PipelineDefinition"), request.get("PipelineDefinitionS3Location")
        if text is None and place is None:
            raise validation_exception(
                "Either Pipeline Definition or Pipeline Definition S3 location should be provided"
            )
        if text is not None and place is not None:
            raise validation_exception(
                "Both Pipeline Definition and Pipeline Definition S3 Location shouldn't be present"
            )
        if text is None and place is not None:
            text = self._read(role_of(record, role, endpoint_url=self.context.endpoint_url), place)
        validation.read(str(text))
        return str(text)

    def _read(self, role: Role, place: Mapping[str, str]) -> str:
        version = {"VersionId": place["VersionId"]} if "VersionId" in place else {}
        try:
            answer = role.client("s3").get_object(Bucket=place["Bucket"], Key=place["ObjectKey"], **version)
            return str(answer["Body"].read().decode())
        except (ClientError, BotoCoreError, UnicodeError) as error:
            raise validation_exception(
                f"The pipeline definition s3://{place['Bucket']}/{place['ObjectKey']} can't be read: {error}"
            ) from error


class PipelineExecutions(Jobs):
    """The provider of pipeline executions."""

    end_time = "ExecutionEndTime"

    def bind(self, service: ControlPlane) -> None:
        """Take the service whose own operations make what steps make."""
        self._service = service

    def operate(self, verb: str, request: dict[str, Any], *, account: str, region: str) -> dict[str, Any]:
        """Carry out an operation. Raises ServiceError."""
        if verb in (pipelines.START, pipelines.LIST):
            kind = RESOURCE_TYPES["Pipeline"]
            name = kind.name_of(request)
            pipeline = self.context.store.get(kind.name, name, account=account, region=region)
            with pipeline.lock:
                return self._start(pipeline, request) if verb == pipelines.START else self._list(pipeline, request)
        if verb in (pipelines.SUCCEED, pipelines.FAIL):
            return self._answer(verb, request, account=account, region=region)
        execution = find_execution(self.context.store, request, account=account, region=region)
        operations: dict[str, Callable[[Record, dict[str, Any]], dict[str, Any]]] = {
            pipelines.DESCRIBE: lambda record, _request: record.members,
            pipelines.LIST_STEPS: _steps,
            pipelines.UPDATE: self._change,
            pipelines.STOP: self._stop,
            pipelines.RETRY: self._retry,
        }
        if verb in (pipelines.DESCRIBE, pipelines.LIST_STEPS):
            return operations[verb](execution, request)
        with execution.lock:
            operations[verb](execution, request)
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
        return PipelineRun(record, read, role, context=self.context, service=self._service)

    def _start(self, pipeline: Record, request: dict[str, Any]) -> dict[str, Any]:
        """Start an execution; return that of an earlier request with the same client token."""
        for earlier in executions_of(self.context.store, pipeline):
            if earlier.members["Request"]["ClientRequestToken"] == request["ClientRequestToken"]:
                if earlier.members["Request"] != request:
                    raise ServiceError(
                        CONFLICT,
                        f"The ClientRequestToken {request['ClientRequestToken']} has started the execution "
                        f"'{earlier.arn}' with other members. Give each execution a token of its own.",
                    )
                return {"PipelineExecutionArn": earlier.arn}
        read = definition.read(pipeline.members["PipelineDefinition"])
        given = request.get("PipelineParameters", [])
        parameters = _parameters(read, given)
        steps = self._taken_over(pipeline, read, request)
        record = self._record(pipeline, request)
        record.members |= {
            "Parameters": parameters,
            "GivenParameters": given,
            "PipelineExperimentConfig": _experiment(read, record),
            "Steps": steps,
        }
        run = self._run_for(record, self.role(record, pipeline.members["RoleArn"]))
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

    def _record(self, pipeline: Record, request: dict[str, Any]) -> Record:
        now = self.context.clock.now()
        name = f"{pipeline.name}/execution/{''.join(secrets.choice(_ID) for _ in range(_ID_LENGTH))}"
        arn = _EXECUTION.arn(name, account=pipeline.account, region=pipeline.region)
        inherited = {name: pipeline.members[name] for name in ("ParallelismConfiguration",) if name in pipeline.members}
        members = {
            "PipelineExecutionDisplayName": f"execution-{int(now.timestamp() * 1000)}",
            **inherited,
            **{name: request[name] for name in (*_CHANGEABLE, "SelectiveExecutionConfig") if name in request},
            "PipelineArn": pipeline.arn,
            "PipelineExecutionArn": arn,
            "PipelineExecutionStatus": "Executing",
            "PipelineDefinition": pipeline.members["PipelineDefinition"],
            "RoleArn": pipeline.members["RoleArn"],
            "Request": request,
            "CreationTime": now,
            "StartTime": now,
            "LastModifiedTime": now,
        }
        return Record(_EXECUTION, name, arn, pipeline.account, pipeline.region, members)

    def _taken_over(self, pipeline: Record, read: definition.Definition, request: dict[str, Any]) -> dict[str, Any]:
        """Return the steps that a selective execution takes over from another."""
        config = request.get("SelectiveExecutionConfig")
        if config is None:
            return {}
        names = selection.needed(read, config)
        if not names:
            return {}
        arn = config["SourcePipelineExecutionArn"]
        source = next((each for each in executions_of(self.context.store, pipeline) if each.arn == arn), None)
        if source is None:
            raise validation_exception(
                f"Invalid SourcePipelineExecutionArn: {arn}. {pipeline.arn} has no such execution."
            )
        return selection.taken_over(source, names)

    def _list(self, pipeline: Record, request: dict[str, Any]) -> dict[str, Any]:
        asked = {name: value for name, value in request.items() if name != "PipelineName"}
        found = listing.select(_EXECUTION, executions_of(self.context.store, pipeline), asked)
        page, token = listing.page(_EXECUTION, found, request)
        answer: dict[str, Any] = {"PipelineExecutionSummaries": [each.members for each in page]}
        return {**answer, "NextToken": token} if token else answer

    def _change(self, record: Record, request: dict[str, Any]) -> dict[str, Any]:
        self.context.store.update(record, **{name: request[name] for name in _CHANGEABLE if name in request})
        return {}

    def _stop(self, record: Record, request: dict[str, Any]) -> dict[str, Any]:
        del request
        run = self.run_of(record)
        if record.status != "Stopping" and (run is None or not run.stop()):
            raise validation_exception(
                f"Pipeline execution '{record.arn}' can't be stopped: it is already in the status {record.status}."
            )
        return {}

    def _retry(self, record: Record, request: dict[str, Any]) -> dict[str, Any]:
        if record.status not in ("Failed", "Stopped"):
            raise validation_exception(
                f"Pipeline execution '{record.arn}' can't be retried: it is {record.status}, and must be Failed or "
                "Stopped."
            )
        role = self.role(record, record.members["RoleArn"])
        steps = {name: state for name, state in record.members["Steps"].items() if state["StepStatus"] == "Succeeded"}
        parallel = {name: request[name] for name in ("ParallelismConfiguration",) if name in request}
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
        return {}

    def _answer(self, verb: str, request: dict[str, Any], *, account: str, region: str) -> dict[str, Any]:
        """Bring a callback step's answer to its execution."""
        token = request["CallbackToken"]
        for record in self.context.store.all(_EXECUTION.name, account=account, region=region):
            for name, state in record.members["Steps"].items():
                if state["Metadata"].get("Callback", {}).get("CallbackToken") == token:
                    self._answer_step(record, name, verb, request)
                    return {"PipelineExecutionArn": record.arn}
        raise ServiceError(NOT_FOUND, f"No callback step has the CallbackToken {token}.")

    def _answer_step(self, record: Record, name: str, verb: str, request: dict[str, Any]) -> None:
        run = self.run_of(record)
        outputs = {each["Name"]: each["Value"] for each in request.get("OutputParameters", ())}
        taken = isinstance(run, PipelineRun) and (
            run.answer(name, outputs=outputs)
            if verb == pipelines.SUCCEED
            else run.answer(name, failure=request.get("FailureReason", ""))
        )
        if not taken:
            raise validation_exception(
                f"Step {name} is already in a terminal status, {record.members['Steps'][name]['StepStatus']}."
            )


def executions_of(store: Store, pipeline: Record) -> list[Record]:
    """Return a pipeline's executions, in the order of their start."""
    every = store.all(_EXECUTION.name, account=pipeline.account, region=pipeline.region)
    return [each for each in every if each.members["PipelineArn"] == pipeline.arn]


def find_execution(store: Store, request: Mapping[str, Any], *, account: str, region: str) -> Record:
    """Return the execution that a request names. Raises AWS's not-found error."""
    arn = request.get("PipelineExecutionArn")
    if arn is None:
        raise validation_exception("Give the PipelineExecutionArn of the execution whose steps are asked for.")
    name = arn.partition(":pipeline/")[2]
    found = store.find(_EXECUTION.name, name, account=account, region=region)
    if found is None or found.arn.lower() != arn.lower():
        raise ServiceError(_EXECUTION.not_found_code, _EXECUTION.not_found.format(arn=arn))
    return found


def _steps(record: Record, request: dict[str, Any]) -> dict[str, Any]:
    """Return a page of an execution's steps, those that started last first unless the request says otherwise."""
    descending = request.get("SortOrder", "Descending") == "Descending"
    states = record.members["Steps"].values()
    positions = [([each["StartTime"].timestamp(), number], each) for number, each in enumerate(states)]
    ordered = sorted(positions, key=lambda each: each[0], reverse=descending)
    return _page("PipelineExecutionSteps", ordered, request, descending=descending)


def _page(
    member: str, items: list[tuple[list[Any], Any]], request: dict[str, Any], *, descending: bool = False
) -> dict[str, Any]:
    page, token = listing.page_of(items, _EXECUTION, request, descending=descending)
    return {member: page, "NextToken": token} if token else {member: page}


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


def _parameters(read: definition.Definition, given: list[dict[str, str]]) -> dict[str, Any]:
    """Return every parameter's value in its type. Raises ValidationException for the first that has none."""
    values: dict[str, Any] = {}
    for each in given:
        name, value = each["Name"], each["Value"]
        if name not in read.parameters:
            raise validation_exception(f"Unknown parameter '{name}'. The pipeline has: {', '.join(read.parameters)}.")
        if name in values:
            raise validation_exception(f"The parameter {name} is given twice.")
        values[name] = _typed(name, read.parameters[name], value)
    for name, declared in read.parameters.items():
        if name not in values:
            if declared.get("DefaultValue") is None:
                raise validation_exception(f"Parameter '{name}' is undefined. It has no default: give it a value.")
            values[name] = declared["DefaultValue"]
    return values


def _typed(name: str, declared: Mapping[str, Any], text: str) -> Any:
    if not text:
        raise validation_exception('[string "" is too short (length: 0, required minimum: 1)]')
    value: Any = text
    kind = declared["Type"]
    try:
        match kind:
            case "Integer":
                value = int(text)
            case "Float":
                value = float(text)
            case "Boolean":
                value = _TRUTHS[text.lower()]
    except (ValueError, LookupError) as error:
        raise validation_exception(
            f"Unexpected type for parameter '{name}'. Expected {kind} but found {json.dumps(text)}."
        ) from error
    allowed = declared.get("EnumValues")
    if allowed and value not in allowed:
        raise validation_exception(f"The parameter {name} is {json.dumps(value)}. It must be one of {allowed}.")
    return value
