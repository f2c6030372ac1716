"""Every error that botocore's model declares for an operation: what causes it, or why nothing does."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore import xform_name

from embedded_aws.services.sagemaker import api
from tests.embedded_aws.account import until
from tests.embedded_aws.services.sagemaker import calls

if TYPE_CHECKING:
    from collections.abc import Callable

    from embedded_aws.services.sagemaker.service import SageMaker

DECLARED = {
    (operation, error.name) for operation in api.OPERATIONS for error in api.operation_model(operation).error_shapes
}
LIMIT, IN_USE, NOT_FOUND = "ResourceLimitExceeded", "ResourceInUse", "ResourceNotFound"
CONFLICT = "ConflictException"
JOBS = ("TrainingJob", "TransformJob", "ProcessingJob", "HyperParameterTuningJob")
MATCHED = "AWS answers ValidationException here, and clients match its sentence (resource_types/ says which)"
NEVER = {
    **{
        (f"Create{resource_type}", LIMIT): "there is no quota of how many there may be"
        for resource_type in ("Model", "EndpointConfig", "ModelPackageGroup", "ModelPackage", "ModelCard")
    },
    ("UpdateModelCard", LIMIT): "nor is there one of a card's versions",
    **{(f"{verb}MonitoringSchedule", LIMIT): "no quota of schedules is published" for verb in ("Create", "Update")},
    **{(f"{verb}NotebookInstanceLifecycleConfig", LIMIT): "no quota either" for verb in ("Create", "Update")},
    ("UpdateNotebookInstance", LIMIT): "it is stopped and takes no instance; StartNotebookInstance is refused",
    **{
        (f"Create{resource_type}", NOT_FOUND): "experiments, which it is about, are refused"
        for resource_type in JOBS[:3]
    },
    **{
        (f"{verb}{resource_type}", NOT_FOUND): MATCHED
        for verb in ("Describe", "Stop", "Delete")
        for resource_type in JOBS[:3]
    },
    **{
        (f"SendPipelineExecutionStep{end}", LIMIT): "an execution that is answered runs already"
        for end in ("Success", "Failure")
    },
    **{
        (operation, CONFLICT): "nothing else changes it meanwhile: operations on one resource come after each other"
        for operation in (
            "UpdatePipeline",
            "UpdatePipelineVersion",
            "RetryPipelineExecution",
            "StopPipelineExecution",
            "UpdatePipelineExecution",
            "SendPipelineExecutionStepSuccess",
            "SendPipelineExecutionStepFailure",
        )
    },
    ("CreatePipeline", NOT_FOUND): "what it names, a role, is a ValidationException",
    ("UpdateTrainingJob", NOT_FOUND): MATCHED,
    **{
        (operation, CONFLICT): "operations on one resource come one after the other"
        for operation in ("UpdateModelPackage", "DeleteModelPackage", "PutModelPackageGroupPolicy", "DeleteModelCard")
    },
    **{(f"Create{name}", LIMIT): "no quota of them is published" for name in ("HumanTaskUi", "LabelingJob")},
    **{(f"{verb}Workteam", LIMIT): "it makes no team more" for verb in ("Update", "Delete")},
    ("UpdateWorkforce", CONFLICT): "it is about an identity provider of one's own, which is refused",
    ("UpdateTrainingJob", LIMIT): "a warm pool that is kept for longer takes no instance more",
}
QUICK = {"Delay": 0.01, "MaxAttempts": 500}


def create(resource_type: str) -> Callable[[Any], None]:
    """Makes one."""
    return lambda client: calls.CREATE[xform_name(resource_type)](client, "mine")


def ask(operation: str, **request: Any) -> Callable[[Any], None]:
    """Makes a call."""
    return lambda client: getattr(client, xform_name(operation))(**request)


def nothing(_client: Any) -> None:
    """Nothing needs to be there."""


def serving(client: Any) -> None:
    """An endpoint in service."""
    calls.endpoint(client, "mine")
    client.get_waiter("endpoint_in_service").wait(EndpointName="mine", WaiterConfig=QUICK)


def registered(description: str) -> Callable[[Any], None]:
    """Makes a version in a group, by a request of the same token as any other."""

    def register(client: Any) -> None:
        if not client.list_model_package_groups()["ModelPackageGroupSummaryList"]:
            calls.group(client, "mine")
        calls.version(client, "mine", ModelPackageDescription=description, ClientToken="token")

    return register


def stopped(client: Any) -> None:
    """A notebook instance that has stopped."""
    name = {"NotebookInstanceName": "mine"}
    calls.notebook(client, "mine")
    client.get_waiter("notebook_instance_in_service").wait(**name, WaiterConfig=QUICK)
    client.stop_notebook_instance(**name)
    client.get_waiter("notebook_instance_stopped").wait(**name, WaiterConfig=QUICK)


def failed(client: Any) -> None:
    """An execution that has failed."""
    started()(client)
    until(lambda: _execution(client)["PipelineExecutionStatus"] == "Failed", 10)


def retry(client: Any) -> None:
    """Ask for it once more."""
    client.retry_pipeline_execution(PipelineExecutionArn=_execution(client)["PipelineExecutionArn"])


def _execution(client: Any) -> dict[str, Any]:
    [found] = client.list_pipeline_executions(PipelineName="mine")["PipelineExecutionSummaries"]
    return dict(found)


def started(*, steps: Any = (), **request: Any) -> Callable[[Any], None]:
    """Makes a pipeline of these steps and starts it."""

    def make(client: Any) -> None:
        calls.pipeline(client, "mine", steps=steps)
        client.start_pipeline_execution(**{"PipelineName": "mine", **request})

    return make


def _causes() -> dict[tuple[str, str], tuple[Callable[[Any], None], Callable[[Any], None]]]:
    """Return what must exist and the call that is then refused, by operation and code; quotas are used up between."""
    causes: dict[tuple[str, str], tuple[Callable[[Any], None], Callable[[Any], None]]] = {
        ("UpdateEndpoint", LIMIT): (serving, ask("UpdateEndpoint", EndpointName="mine", EndpointConfigName="config")),
        ("UpdateEndpointWeightsAndCapacities", LIMIT): (
            serving,
            ask(
                "UpdateEndpointWeightsAndCapacities",
                EndpointName="mine",
                DesiredWeightsAndCapacities=[{"VariantName": "all", "DesiredInstanceCount": 2}],
            ),
        ),
        ("StartNotebookInstance", LIMIT): (stopped, ask("StartNotebookInstance", NotebookInstanceName="mine")),
    }
    causes["CreateModelPackage", CONFLICT] = (registered("once"), registered("again"))
    causes["DeleteModelPackageGroup", CONFLICT] = (
        registered("once"),
        ask("DeleteModelPackageGroup", ModelPackageGroupName="mine"),
    )
    causes["CreateModelCard", CONFLICT] = (create("ModelCard"), create("ModelCard"))
    causes["UpdateModelCard", CONFLICT] = (
        lambda client: calls.card(client, "mine", ModelCardStatus="Archived"),
        ask("UpdateModelCard", ModelCardName="mine", ModelCardStatus="Draft"),
    )
    for verb in ("Describe{}", "Update{}", "Delete{}", "List{}Versions"):
        causes[verb.format("ModelCard"), NOT_FOUND] = (nothing, ask(verb.format("ModelCard"), ModelCardName="nothing"))
    for resource_type in (*JOBS, "NotebookInstance", "Endpoint"):
        causes[f"Create{resource_type}", LIMIT] = (nothing, create(resource_type))
    for resource_type in JOBS:
        causes[f"Create{resource_type}", IN_USE] = (create(resource_type), create(resource_type))
        causes[f"Delete{resource_type}", IN_USE] = (
            create(resource_type),
            ask(f"Delete{resource_type}", **{f"{resource_type}Name": "mine"}),
        )
    for operation in ("Describe{}", "Stop{}", "ListTrainingJobsFor{}"):
        name = operation.format(JOBS[3])
        causes[name, NOT_FOUND] = (nothing, ask(name, HyperParameterTuningJobName="nothing"))
    causes["CreateMonitoringSchedule", IN_USE] = (create("MonitoringSchedule"), create("MonitoringSchedule"))
    for verb in ("Describe", "Delete", "Start", "Stop"):
        name = f"{verb}MonitoringSchedule"
        causes[name, NOT_FOUND] = (nothing, ask(name, MonitoringScheduleName="nothing"))
    causes["UpdateMonitoringSchedule", NOT_FOUND] = (
        nothing,
        ask(
            "UpdateMonitoringSchedule",
            MonitoringScheduleName="nothing",
            MonitoringScheduleConfig=calls.monitoring(),
        ),
    )
    causes |= _of_labeling()
    absent = {"PipelineExecutionArn": f"{calls.ARN}:pipeline/nothing/execution/abcdefghijkl"}
    for operation in sorted(api.OPERATIONS):
        given = api.input_members(operation).keys()
        if "Pipeline" in operation and (operation, NOT_FOUND) not in NEVER:
            version = {"PipelineArn": f"{calls.ARN}:pipeline/nothing", "PipelineVersionId": 1}
            named = {"PipelineName": "nothing", "CallbackToken": "abcdefghij", **absent, **version}
            request = {name: value for name, value in named.items() if name in given}
            causes[operation, NOT_FOUND] = (nothing, ask(operation, **request))
    token = {"PipelineName": "mine", "ClientRequestToken": "t" * 32}
    again = ask("StartPipelineExecution", **token, PipelineExecutionDisplayName="another")
    one = {"ClientRequestToken": "t" * 32}
    first = partial(calls.pipeline, name="mine", **one)
    causes["CreatePipeline", LIMIT] = (nothing, create("Pipeline"))
    causes["StartPipelineExecution", LIMIT] = (
        create("Pipeline"),
        ask("StartPipelineExecution", PipelineName="mine"),
    )
    causes["RetryPipelineExecution", LIMIT] = (failed, retry)
    causes["CreatePipeline", CONFLICT] = (first, partial(calls.pipeline, name="another", **one))
    causes["StartPipelineExecution", CONFLICT] = (started(**token), again)
    causes["DeletePipeline", CONFLICT] = (started(steps=[calls.endless()]), ask("DeletePipeline", PipelineName="mine"))
    return {declared: cause for declared, cause in causes.items() if declared in DECLARED}


def _of_labeling() -> dict[tuple[str, str], tuple[Callable[[Any], None], Callable[[Any], None]]]:
    """Return the causes of Ground Truth's errors."""
    absent = f"{calls.ARN}:workteam/private-crowd/nothing"
    render = {"Task": {"Input": "{}"}, "RoleArn": calls.ROLE, "HumanTaskUiArn": f"{calls.ARN}:human-task-ui/nothing"}

    def twenty_five(client: Any) -> None:
        for number in range(25):
            calls.workteam(client, f"team-{number}")

    def again(make: Callable[..., Any]) -> tuple[Callable[[Any], None], Callable[[Any], None]]:
        return (lambda client: make(client, "mine"), lambda client: make(client, "mine"))

    named = {"HumanTaskUi": ("Describe", "Delete"), "LabelingJob": ("Describe", "Stop")}
    return {
        ("CreateHumanTaskUi", IN_USE): again(calls.human_task_ui),
        ("CreateWorkteam", IN_USE): again(calls.workteam),
        ("CreateLabelingJob", IN_USE): again(calls.labeling_job),
        ("CreateWorkteam", LIMIT): (twenty_five, calls.workteam),
        ("ListLabelingJobsForWorkteam", NOT_FOUND): (nothing, ask("ListLabelingJobsForWorkteam", WorkteamArn=absent)),
        ("RenderUiTemplate", NOT_FOUND): (nothing, ask("RenderUiTemplate", **render)),
        **{
            (f"{verb}{name}", NOT_FOUND): (nothing, ask(f"{verb}{name}", **{f"{name}Name": "nothing"}))
            for name, verbs in named.items()
            for verb in verbs
        },
    }


CAUSES = _causes()


def test_every_declared_error_has_its_cause() -> None:
    """Each is caused below, or it is said why it can't be; a botocore that declares another would be noticed here."""
    assert CAUSES.keys() | (NEVER.keys() & DECLARED) == DECLARED
    assert not CAUSES.keys() & NEVER.keys()


@pytest.mark.parametrize(("operation", "error"), sorted(CAUSES))
def test_a_declared_error(
    sagemaker: Any, service: SageMaker, monkeypatch: pytest.MonkeyPatch, operation: str, error: str
) -> None:
    """It is answered with this code, as boto3 reads it."""
    before, call = CAUSES[operation, error]
    before(sagemaker)
    if error == LIMIT:
        monkeypatch.setattr(service, "_quota", lambda *_names, **_place: 0.0)
    caught = calls.refusal(lambda: call(sagemaker))
    assert caught[0] == error
