"""A fake of SageMaker's resource types that the embedded AWS has not got, at the level of botocore's wire.

Requests are validated and answers parsed by botocore; names, members and states are written down here from its model
and SageMaker's API reference, and not taken from what is tested.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCOUNT = "arn:aws:sagemaker:eu-west-1:123456789012"
JOB = ("Completed", "Failed", "Stopped")


@dataclass(frozen=True)
class FakeType:
    """A type: its members, the type in its ARNs, the states that Delete takes, and what they are before and after."""

    summaries: str
    name: str
    arn: str
    kind: str
    status: str = ""
    deletable: tuple[str, ...] = ()
    first: tuple[str, ...] = ("",)  # one after the other, a look each
    stopped: tuple[str, ...] = ()
    parameter: str = ""


def _job(stem: str, kind: str, deletable: tuple[str, ...] = JOB, summaries: str = "") -> FakeType:
    return FakeType(
        summaries or f"{stem}Summaries",
        f"{stem}Name",
        f"{stem}Arn",
        kind,
        f"{stem}Status",
        deletable,
        ("InProgress",),
        ("Stopping", "Stopped"),
    )


def _definition(stem: str) -> FakeType:
    return FakeType(
        "JobDefinitionSummaries",
        "MonitoringJobDefinitionName",
        "MonitoringJobDefinitionArn",
        f"{stem}-job-definition",
        parameter="JobDefinitionName",
    )


TYPES = {
    "MonitoringSchedule": FakeType(
        "MonitoringScheduleSummaries",
        "MonitoringScheduleName",
        "MonitoringScheduleArn",
        "monitoring-schedule",
        "MonitoringScheduleStatus",
        ("Scheduled", "Stopped", "Failed"),
        ("Pending", "Pending", "Scheduled"),
    ),
    "InferenceComponent": FakeType(
        "InferenceComponents",
        "InferenceComponentName",
        "InferenceComponentArn",
        "inference-component",
        "InferenceComponentStatus",
        ("InService", "Failed"),
        ("Creating", "InService"),
    ),
    "Pipeline": FakeType("PipelineSummaries", "PipelineName", "PipelineArn", "pipeline"),
    "HyperParameterTuningJob": _job("HyperParameterTuningJob", "hyper-parameter-tuning-job"),
    "AutoMLJob": _job("AutoMLJob", "automl-job", ()),
    "TrainingJob": _job("TrainingJob", "training-job"),
    "ProcessingJob": _job("ProcessingJob", "processing-job"),
    "TransformJob": _job("TransformJob", "transform-job", ()),
    "LabelingJob": _job("LabelingJob", "labeling-job", (), "LabelingJobSummaryList"),
    "CompilationJob": FakeType(
        "CompilationJobSummaries",
        "CompilationJobName",
        "CompilationJobArn",
        "compilation-job",
        "CompilationJobStatus",
        ("COMPLETED", "FAILED", "STOPPED"),
        ("STARTING", "INPROGRESS"),
        ("STOPPING", "STOPPED"),
    ),
    "InferenceRecommendationsJob": FakeType(
        "InferenceRecommendationsJobs",
        "JobName",
        "JobArn",
        "inference-recommendations-job",
        "Status",
        (),
        ("PENDING", "IN_PROGRESS"),
        ("STOPPING", "STOPPED"),
    ),
    "Endpoint": FakeType(
        "Endpoints",
        "EndpointName",
        "EndpointArn",
        "endpoint",
        "EndpointStatus",
        ("InService", "OutOfService", "Failed", "UpdateRollbackFailed"),
        ("SystemUpdating", "RollingBack", "InService"),
    ),
    "NotebookInstance": FakeType(
        "NotebookInstances",
        "NotebookInstanceName",
        "NotebookInstanceArn",
        "notebook-instance",
        "NotebookInstanceStatus",
        ("Stopped", "Failed"),
        ("Pending", "InService"),
        ("Stopping", "Stopped"),
    ),
    "Workteam": FakeType("Workteams", "WorkteamName", "WorkteamArn", "workteam/private-crowd"),
    "HumanTaskUi": FakeType("HumanTaskUiSummaries", "HumanTaskUiName", "HumanTaskUiArn", "human-task-ui"),
    "DataQualityJobDefinition": _definition("data-quality"),
    "ModelQualityJobDefinition": _definition("model-quality"),
    "ModelBiasJobDefinition": _definition("model-bias"),
    "ModelExplainabilityJobDefinition": _definition("model-explainability"),
    "ModelPackage": FakeType(
        "ModelPackageSummaryList",
        "ModelPackageName",
        "ModelPackageArn",
        "model-package",
        "ModelPackageStatus",
        ("Completed", "Failed"),
        ("InProgress", "Completed"),
    ),
    "ModelPackageGroup": FakeType(
        "ModelPackageGroupSummaryList",
        "ModelPackageGroupName",
        "ModelPackageGroupArn",
        "model-package-group",
        "ModelPackageGroupStatus",
        ("Completed", "Failed", "Pending"),
        ("Completed",),
    ),
    "ModelCard": FakeType("ModelCardSummaries", "ModelCardName", "ModelCardArn", "model-card"),
    "EndpointConfig": FakeType("EndpointConfigs", "EndpointConfigName", "EndpointConfigArn", "endpoint-config"),
    "Model": FakeType("Models", "ModelName", "ModelArn", "model"),
    "NotebookInstanceLifecycleConfig": FakeType(
        "NotebookInstanceLifecycleConfigs",
        "NotebookInstanceLifecycleConfigName",
        "NotebookInstanceLifecycleConfigArn",
        "notebook-instance-lifecycle-config",
    ),
}


@dataclass
class FakeResource:
    """One resource; the first of `states` is what it is in."""

    type_name: str
    name: str
    states: list[str]
    tags: dict[str, str] = field(default_factory=dict)
    group: str = ""  # of a version of a model package, whose name is its number

    @property
    def arn(self) -> str:
        """Its ARN."""
        path = f"{self.group}/{self.name}" if self.group else self.name
        return f"{ACCOUNT}:{TYPES[self.type_name].kind}/{path.lower()}"


class Refused(Exception):  # noqa: N818 - it is AWS's word
    """An answer with a code."""


@dataclass
class FakeSageMaker:
    """An account. `codes` are what operations answer in place of doing it, one call each; the last one stays."""

    items: list[FakeResource] = field(default_factory=list)
    targets: list[tuple[str, str]] = field(default_factory=list)
    executions: dict[str, list[str]] = field(default_factory=dict)  # of a pipeline's one, its statuses, a look each
    codes: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A boto3 client whose requests end here, until the fake is closed."""
        made = client(service)
        if service not in self.clients:
            self.clients[service] = made
            made.meta.events.register("before-send", self._send)
        return made

    def close(self) -> None:
        """Let the clients go."""
        for made in self.clients.values():
            made.meta.events.unregister("before-send", self._send)

    def add(self, type_name: str, name: str, *, states: tuple[str, ...] = (), **more: Any) -> FakeResource:
        """A resource in its first state."""
        item = FakeResource(type_name, name, list(states or TYPES[type_name].first), **more)
        self.items.append(item)
        return item

    def calls(self, verb: str) -> list[str]:
        """The operations that were asked for and begin so."""
        return [operation for operation in self.asked if operation.startswith(verb)]

    def _send(self, request: Any, **_options: Any) -> AWSResponse:
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        self.asked.append(operation)
        status = 200
        body: dict[str, Any] = {}
        try:
            self._refuse(operation)
            body = self._answer(operation, json.loads(request.body))
        except Refused as error:
            status = 400
            code, _, message = str(error).partition(": ")
            body = {"__type": code, "message": message or code}
        return AWSResponse(request.url, status, HTTPHeaders(), _Raw(json.dumps(body).encode()))

    def _refuse(self, operation: str) -> None:
        codes = self.codes.get(operation)
        if codes:
            code = codes.pop(0) if len(codes) > 1 or codes[0] == "" else codes[0]
            if code:
                raise Refused(code)

    def _answer(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        match operation:
            case "ListTags":
                return {"Tags": _pairs(self._by_arn(asked["ResourceArn"]).tags)}
            case "GetResources":
                return {"ResourceTagMappingList": [{"ResourceARN": each.arn} for each in self._tagged(asked)]}
            case "DescribeScalableTargets":
                return {"ScalableTargets": [_target(*target) for target in self.targets]}
            case "DeregisterScalableTarget":
                self.targets.remove((asked["ResourceId"], asked["ScalableDimension"]))
                return {}
        return self._answer_about_resources(operation, asked)

    def _answer_about_resources(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        if "PipelineExecution" in operation:
            return self._answer_about_executions(operation, asked)
        verb = next(verb for verb in ("List", "Stop", "Delete") if operation.startswith(verb))
        type_name = operation.removeprefix(verb)
        if verb == "List":
            return self._list(type_name.removesuffix("s"), asked)
        return getattr(self, f"_{verb.lower()}")(self._named(type_name, asked)) or {}

    def _answer_about_executions(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        if operation == "ListPipelineExecutions":
            return {"PipelineExecutionSummaries": [*self._executions_of(asked["PipelineName"])]}
        self.executions[asked["PipelineExecutionArn"].split("/")[1]] = ["Stopping", "Stopped"]
        return {}

    def _executions_of(self, name: str) -> Iterator[dict[str, str]]:
        statuses = self.executions.get(name, [])
        for status in statuses[:1]:
            yield {
                "PipelineExecutionArn": f"{ACCOUNT}:pipeline/{name}/execution/a",
                "PipelineExecutionStatus": status,
            }
        del statuses[: len(statuses) > 1]

    def _list(self, type_name: str, asked: dict[str, Any]) -> dict[str, Any]:
        of, group = TYPES[type_name], asked.get("ModelPackageGroupName", "")
        words = asked.get("PipelineNamePrefix" if type_name == "Pipeline" else "NameContains", "")
        found = [
            each for each in self.items if (each.type_name, each.group) == (type_name, group) and words in each.name
        ]
        answer = {of.summaries: [_summary(each) for each in found]}
        for each in found:
            if len(each.states) > 1:
                each.states.pop(0)
                if each.states == ["gone"]:
                    self.items.remove(each)
        return answer

    def _stop(self, item: FakeResource) -> None:
        of = TYPES[item.type_name]
        if item.states[0] not in of.first:
            raise Refused(f"ValidationException: it is {item.states[0]}")
        item.states = list(of.stopped)

    def _delete(self, item: FakeResource) -> None:
        of = TYPES[item.type_name]
        if of.status and item.states[0] not in of.deletable:
            raise Refused(f"ValidationException: it is {item.states[0]}")
        if self.executions.get(item.name, ["Stopped"])[0] != "Stopped":
            raise Refused("ConflictException: it has running executions")
        if item.type_name == "ModelPackageGroup" and any(each.group == item.name for each in self.items):
            raise Refused("ConflictException: it is not empty")
        if of.status:
            item.states = ["Deleting", "gone"]
        else:
            self.items.remove(item)

    def _named(self, type_name: str, asked: dict[str, Any]) -> FakeResource:
        name = asked[TYPES[type_name].parameter or TYPES[type_name].name]
        for each in self.items:
            if each.type_name == type_name and name in {each.name, each.arn}:
                return each
        raise Refused(f"ValidationException: Could not find {type_name} {name}")

    def _by_arn(self, arn: str) -> FakeResource:
        for each in self.items:
            if each.arn == arn:
                return each
        raise Refused(f"ValidationException: Could not find {arn}")

    def _tagged(self, asked: dict[str, Any]) -> Iterator[FakeResource]:
        wanted = {each["Key"]: each["Values"] for each in asked["TagFilters"]}
        for each in self.items:
            types = {"sagemaker", f"sagemaker:{TYPES[each.type_name].kind}"}
            if types & {*asked["ResourceTypeFilters"]} and all(
                each.tags.get(key) in values for key, values in wanted.items()
            ):
                yield each


@cache
def client(service: str) -> Any:
    """A boto3 client that asks once; it takes a while to make one."""
    session = boto3.Session("test", "test", region_name="eu-west-1")
    return session.client(service, config=Config(retries={"total_max_attempts": 1}))  # type: ignore[call-overload]


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        """What botocore reads of an answer."""
        yield self.read()


def _summary(item: FakeResource) -> dict[str, Any]:
    of = TYPES[item.type_name]
    status = {of.status: item.states[0]} if of.status else {}
    named = {"ModelPackageGroupName": item.group, "ModelPackageVersion": int(item.name)} if item.group else {}
    return {of.arn: item.arn, **(named or {of.name: item.name}), **status}


def _pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _target(resource: str, dimension: str) -> dict[str, Any]:
    return {"ServiceNamespace": "sagemaker", "ResourceId": resource, "ScalableDimension": dimension}
