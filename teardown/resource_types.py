"""The types of SageMaker resources that a lab can leave behind: how each is listed, stopped and deleted.

Members and states are botocore's. In which states an endpoint, a notebook instance or a monitoring schedule can be
deleted: SageMaker's API reference. Jobs that AWS keeps on record for ever have no Delete operation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from botocore import xform_name

_ENDED = frozenset({"Completed", "Failed", "Stopped", "DeleteFailed"})
_IN_PROGRESS = frozenset({"InProgress"})


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """A type of resource. `api_name` is its operations': `List<api_name>s`, `Stop<api_name>`, `Delete<api_name>`.

    `stage` orders: what is in a later one is touched when nothing of the earlier ones is left. `stoppable` are the
    states that Stop takes, `deletable` those that Delete takes, None if any.
    """

    title: str  # in the receipt; with hyphens and in lower case its ARN has it too
    api_name: str
    summaries: str  # the member of List's answer
    name: str  # the member of a summary that holds the name
    stage: int
    status: str = ""  # the member of a summary that holds the state
    stoppable: frozenset[str] = frozenset()
    deletable: frozenset[str] | None = None
    parameter: str = ""  # the name's in Stop and Delete
    record_kept: bool = False  # AWS has no Delete operation for it
    words: str = "NameContains"  # List's parameter that narrows it down by names, "" if it has none

    @cached_property
    def noun(self) -> str:
        """Return what the client's methods end with, such as "training_job"."""
        return xform_name(self.api_name)

    @property
    def list_operation(self) -> str:
        """Return the client's method that lists it."""
        return f"list_{self.noun}s"

    @property
    def arn_type(self) -> str:
        """Return what the resource part of its ARN begins with, such as "training-job"."""
        return self.title.replace(" ", "-").lower()

    @property
    def arn_member(self) -> str:
        """Return the member of a summary that holds the ARN."""
        return f"{self.name.removesuffix('Name')}Arn"

    @property
    def name_parameter(self) -> str:
        """Return the parameter that Stop and Delete take the name in."""
        return self.parameter or self.name


def _job(title: str, api_name: str, *, stage: int, record_kept: bool = False, summaries: str = "") -> ResourceType:
    return ResourceType(
        title=title,
        api_name=api_name,
        summaries=summaries or f"{api_name}Summaries",
        name=f"{api_name}Name",
        status=f"{api_name}Status",
        stoppable=_IN_PROGRESS,
        deletable=_ENDED,
        stage=stage,
        record_kept=record_kept,
    )


def _job_definition(title: str) -> ResourceType:
    """Return the type of a kind of monitoring, such as "data quality"."""
    return ResourceType(
        title=f"{title} job definition",
        api_name=f"{title.title().replace(' ', '')}JobDefinition",
        summaries="JobDefinitionSummaries",
        name="MonitoringJobDefinitionName",
        parameter="JobDefinitionName",
        stage=3,
    )


FIRST_STAGE = 1

RESOURCE_TYPES: tuple[ResourceType, ...] = (
    ResourceType(
        title="monitoring schedule",
        api_name="MonitoringSchedule",
        summaries="MonitoringScheduleSummaries",
        name="MonitoringScheduleName",
        status="MonitoringScheduleStatus",
        deletable=frozenset({"Failed", "Scheduled", "Stopped"}),
        stage=FIRST_STAGE,
    ),
    ResourceType(
        title="inference component",
        api_name="InferenceComponent",
        summaries="InferenceComponents",
        name="InferenceComponentName",
        status="InferenceComponentStatus",
        deletable=frozenset({"InService", "Failed"}),
        stage=FIRST_STAGE,
    ),
    # Before the jobs that its executions make; while one runs it can't be deleted.
    ResourceType(
        title="pipeline",
        api_name="Pipeline",
        summaries="PipelineSummaries",
        name="PipelineName",
        stage=FIRST_STAGE,
        words="PipelineNamePrefix",
    ),
    _job("hyper-parameter tuning job", "HyperParameterTuningJob", stage=FIRST_STAGE),
    _job("AutoML job", "AutoMLJob", stage=FIRST_STAGE, record_kept=True),
    ResourceType(
        title="endpoint",
        api_name="Endpoint",
        summaries="Endpoints",
        name="EndpointName",
        status="EndpointStatus",
        deletable=frozenset({"InService", "OutOfService", "Failed", "UpdateRollbackFailed"}),
        stage=2,
    ),
    _job("training job", "TrainingJob", stage=2),
    _job("processing job", "ProcessingJob", stage=2),
    _job("transform job", "TransformJob", stage=2, record_kept=True),
    _job("labeling job", "LabelingJob", stage=2, record_kept=True, summaries="LabelingJobSummaryList"),
    ResourceType(
        title="compilation job",
        api_name="CompilationJob",
        summaries="CompilationJobSummaries",
        name="CompilationJobName",
        status="CompilationJobStatus",
        stoppable=frozenset({"STARTING", "INPROGRESS"}),
        deletable=frozenset({"COMPLETED", "FAILED", "STOPPED"}),
        stage=2,
    ),
    ResourceType(
        title="inference recommendations job",
        api_name="InferenceRecommendationsJob",
        summaries="InferenceRecommendationsJobs",
        name="JobName",
        status="Status",
        stoppable=frozenset({"PENDING", "IN_PROGRESS"}),
        deletable=frozenset({"COMPLETED", "FAILED", "STOPPED", "DELETED"}),
        stage=2,
        record_kept=True,
    ),
    ResourceType(
        title="notebook instance",
        api_name="NotebookInstance",
        summaries="NotebookInstances",
        name="NotebookInstanceName",
        status="NotebookInstanceStatus",
        # Not compared with AWS: that it stops one whose maintenance is pending. If not, that is tried again.
        stoppable=frozenset({"InService", "PendingMaintenance"}),
        deletable=frozenset({"Stopped", "Failed"}),
        stage=2,
    ),
    # After the jobs that it works on; its ARN has no hyphen.
    ResourceType(title="workteam", api_name="Workteam", summaries="Workteams", name="WorkteamName", stage=3),
    ResourceType(
        title="human task UI",
        api_name="HumanTaskUi",
        summaries="HumanTaskUiSummaries",
        name="HumanTaskUiName",
        stage=3,
        words="",
    ),
    *(_job_definition(title) for title in ("data quality", "model quality", "model bias", "model explainability")),
    ResourceType(
        title="model package",
        api_name="ModelPackage",
        summaries="ModelPackageSummaryList",
        name="ModelPackageName",
        status="ModelPackageStatus",
        deletable=frozenset({"Completed", "Failed"}),
        stage=3,
    ),
    ResourceType(
        title="model package group",
        api_name="ModelPackageGroup",
        summaries="ModelPackageGroupSummaryList",
        name="ModelPackageGroupName",
        status="ModelPackageGroupStatus",
        deletable=frozenset({"Pending", "Completed", "Failed", "DeleteFailed"}),
        stage=4,
    ),
    ResourceType(
        title="model card",
        api_name="ModelCard",
        summaries="ModelCardSummaries",
        name="ModelCardName",
        stage=3,
    ),
    ResourceType(
        title="endpoint config",
        api_name="EndpointConfig",
        summaries="EndpointConfigs",
        name="EndpointConfigName",
        stage=3,
    ),
    ResourceType(title="model", api_name="Model", summaries="Models", name="ModelName", stage=4),
    ResourceType(
        title="notebook instance lifecycle config",
        api_name="NotebookInstanceLifecycleConfig",
        summaries="NotebookInstanceLifecycleConfigs",
        name="NotebookInstanceLifecycleConfigName",
        stage=4,
    ),
)
