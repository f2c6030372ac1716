"""SageMaker's kinds of resources that a lab can leave behind: how each is listed, stopped and deleted.

Members and states are botocore's. In which states an endpoint, a notebook instance or a monitoring schedule can be
deleted: SageMaker's API reference. Jobs that AWS keeps on record for ever have no Delete operation.
"""

from __future__ import annotations

from dataclasses import dataclass

_ENDED = frozenset({"Completed", "Failed", "Stopped", "DeleteFailed"})
_IN_PROGRESS = frozenset({"InProgress"})


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of resource. `noun` is the operations': `list_<noun>s`, `stop_<noun>`, `delete_<noun>`.

    `stage` orders: what is in a later one is touched when nothing of the earlier ones is left. `running` are the states
    that Stop takes, `settled` those that Delete takes, None if any. `arn_type` is what its ARN begins with.
    """

    title: str
    noun: str
    summaries: str
    name: str
    stage: int
    arn: str = ""
    arn_type: str = ""
    status: str = ""
    running: frozenset[str] = frozenset()
    settled: frozenset[str] | None = None
    parameter: str = ""  # the name's in Stop and Delete
    kept: bool = False  # AWS keeps its record

    @property
    def list_operation(self) -> str:
        """The client's method that lists it."""
        return f"list_{self.noun}s"

    @property
    def arn_member(self) -> str:
        """The member of a summary that holds the ARN."""
        return self.arn or f"{self.name.removesuffix('Name')}Arn"

    @property
    def name_parameter(self) -> str:
        """The parameter that Stop and Delete take the name in."""
        return self.parameter or self.name


def _job(title: str, noun: str, stem: str, *, stage: int, kept: bool = False, **more: str) -> Kind:
    return Kind(
        title=title,
        noun=noun,
        summaries=more.get("summaries", f"{stem}Summaries"),
        name=f"{stem}Name",
        arn_type=title.replace(" ", "-").lower(),
        status=f"{stem}Status",
        running=_IN_PROGRESS,
        settled=_ENDED,
        stage=stage,
        kept=kept,
    )


def _definition(title: str) -> Kind:
    noun = f"{title.replace(' ', '_')}_job_definition"
    return Kind(
        title=noun.replace("_", " "),
        noun=noun,
        summaries="JobDefinitionSummaries",
        name="MonitoringJobDefinitionName",
        arn_type=noun.replace("_", "-"),
        parameter="JobDefinitionName",
        stage=3,
    )


FIRST = 1  # stage

KINDS: tuple[Kind, ...] = (
    Kind(
        title="monitoring schedule",
        noun="monitoring_schedule",
        summaries="MonitoringScheduleSummaries",
        name="MonitoringScheduleName",
        arn_type="monitoring-schedule",
        status="MonitoringScheduleStatus",
        settled=frozenset({"Failed", "Scheduled", "Stopped"}),
        stage=FIRST,
    ),
    Kind(
        title="inference component",
        noun="inference_component",
        summaries="InferenceComponents",
        name="InferenceComponentName",
        arn_type="inference-component",
        status="InferenceComponentStatus",
        settled=frozenset({"InService", "Failed"}),
        stage=FIRST,
    ),
    _job("hyper-parameter tuning job", "hyper_parameter_tuning_job", "HyperParameterTuningJob", stage=FIRST),
    _job("AutoML job", "auto_ml_job", "AutoMLJob", stage=FIRST, kept=True),
    Kind(
        title="endpoint",
        noun="endpoint",
        summaries="Endpoints",
        name="EndpointName",
        arn_type="endpoint",
        status="EndpointStatus",
        settled=frozenset({"InService", "OutOfService", "Failed", "UpdateRollbackFailed"}),
        stage=2,
    ),
    _job("training job", "training_job", "TrainingJob", stage=2),
    _job("processing job", "processing_job", "ProcessingJob", stage=2),
    _job("transform job", "transform_job", "TransformJob", stage=2, kept=True),
    _job("labeling job", "labeling_job", "LabelingJob", stage=2, kept=True, summaries="LabelingJobSummaryList"),
    Kind(
        title="compilation job",
        noun="compilation_job",
        summaries="CompilationJobSummaries",
        name="CompilationJobName",
        arn_type="compilation-job",
        status="CompilationJobStatus",
        running=frozenset({"STARTING", "INPROGRESS"}),
        settled=frozenset({"COMPLETED", "FAILED", "STOPPED"}),
        stage=2,
    ),
    Kind(
        title="inference recommendations job",
        noun="inference_recommendations_job",
        summaries="InferenceRecommendationsJobs",
        name="JobName",
        arn_type="inference-recommendations-job",
        status="Status",
        running=frozenset({"PENDING", "IN_PROGRESS"}),
        settled=frozenset({"COMPLETED", "FAILED", "STOPPED", "DELETED"}),
        stage=2,
        kept=True,
    ),
    Kind(
        title="notebook instance",
        noun="notebook_instance",
        summaries="NotebookInstances",
        name="NotebookInstanceName",
        arn_type="notebook-instance",
        status="NotebookInstanceStatus",
        # Not compared with AWS: that it stops one whose maintenance is pending. If not, that is tried again.
        running=frozenset({"InService", "PendingMaintenance"}),
        settled=frozenset({"Stopped", "Failed"}),
        stage=2,
    ),
    *(_definition(title) for title in ("data quality", "model quality", "model bias", "model explainability")),
    Kind(
        title="model package",
        noun="model_package",
        summaries="ModelPackageSummaryList",
        name="ModelPackageName",
        arn_type="model-package",
        status="ModelPackageStatus",
        settled=frozenset({"Completed", "Failed"}),
        stage=3,
    ),
    Kind(
        title="model package group",
        noun="model_package_group",
        summaries="ModelPackageGroupSummaryList",
        name="ModelPackageGroupName",
        arn_type="model-package-group",
        status="ModelPackageGroupStatus",
        settled=frozenset({"Pending", "Completed", "Failed", "DeleteFailed"}),
        stage=4,
    ),
    Kind(
        title="endpoint config",
        noun="endpoint_config",
        summaries="EndpointConfigs",
        name="EndpointConfigName",
        arn_type="endpoint-config",
        stage=3,
    ),
    Kind(title="model", noun="model", summaries="Models", name="ModelName", arn_type="model", stage=4),
    Kind(
        title="notebook instance lifecycle config",
        noun="notebook_instance_lifecycle_config",
        summaries="NotebookInstanceLifecycleConfigs",
        name="NotebookInstanceLifecycleConfigName",
        arn_type="notebook-instance-lifecycle-config",
        stage=4,
    ),
)
