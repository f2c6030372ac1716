"""The calls that create one resource of each type, and the error that a call ends with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ARN = "arn:aws:sagemaker:us-east-1:000000000000"
ROLE = "arn:aws:iam::000000000000:role/lab"
IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-inference:2.20-cpu-py312"


def notebook(client: Any, name: str = "seat", **more: Any) -> Any:
    """CreateNotebookInstance."""
    request = {"InstanceType": "ml.t3.medium", "RoleArn": ROLE, **more}
    return client.create_notebook_instance(NotebookInstanceName=name, **request)


def lifecycle(client: Any, name: str = "onstart", **more: Any) -> Any:
    """CreateNotebookInstanceLifecycleConfig."""
    return client.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName=name, **more)


def model(client: Any, name: str = "bricks", **more: Any) -> Any:
    """CreateModel."""
    return client.create_model(ModelName=name, PrimaryContainer={"Image": IMAGE}, ExecutionRoleArn=ROLE, **more)


def endpoint_config(client: Any, name: str = "config", **more: Any) -> Any:
    """CreateEndpointConfig, with the model that it names."""
    if not client.list_models(NameContains="bricks")["Models"]:
        model(client)
    return client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant()], **more)


def endpoint(client: Any, name: str = "lab", config: str = "config", **more: Any) -> Any:
    """CreateEndpoint, with the configuration that it names."""
    if not client.list_endpoint_configs(NameContains=config)["EndpointConfigs"]:
        endpoint_config(client, config)
    return client.create_endpoint(EndpointName=name, EndpointConfigName=config, **more)


def training_job(client: Any, name: str = "job", **more: Any) -> Any:
    """CreateTrainingJob."""
    request = {
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/training"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }
    return client.create_training_job(TrainingJobName=name, **{**request, **more})


def transform_job(client: Any, name: str = "job", **more: Any) -> Any:
    """CreateTransformJob, with the model that it names."""
    if not client.list_models(NameContains="bricks")["Models"]:
        model(client)
    request = {
        "ModelName": "bricks",
        "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/photos"}}},
        "TransformOutput": {"S3OutputPath": "s3://bucket/scores"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    return client.create_transform_job(TransformJobName=name, **{**request, **more})


def tuning_job(
    client: Any,
    name: str = "tuning",
    *,
    strategy: str = "Bayesian",
    ranges: dict[str, Any],
    most: int | None = None,
    parallel: int = 1,
    objective: str = "Maximize",
    static: dict[str, str] | None = None,
    early: str | None = None,
    seed: int | None = None,
    **more: Any,
) -> Any:
    """CreateHyperParameterTuningJob; `more` are members of the request, its config, limits or definition."""
    limits = {"MaxNumberOfTrainingJobs": most, "MaxParallelTrainingJobs": parallel, "MaxRuntimeInSeconds": None}
    config = {
        "Strategy": strategy,
        "StrategyConfig": None,
        "HyperParameterTuningJobObjective": {"Type": objective, "MetricName": "score"},
        "ParameterRanges": ranges,
        "TrainingJobEarlyStoppingType": early,
        "TuningJobCompletionCriteria": None,
        "RandomSeed": seed,
    }
    definition = {
        "StaticHyperParameters": static or {},
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "score", "Regex": "score=(.*)"}],
        },
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/training"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }
    for holder in (limits, config, definition):
        holder.update({key: more.pop(key) for key in list(more) if key in holder})
    given = {key: value for key, value in config.items() if value is not None}
    given["ResourceLimits"] = {key: value for key, value in limits.items() if value is not None}
    return client.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig=given,
        TrainingJobDefinition=definition,
        **more,
    )


def processing_job(client: Any, name: str = "job", *, count: int = 1, **more: Any) -> Any:
    """CreateProcessingJob."""
    cluster = {"InstanceType": "ml.m5.large", "InstanceCount": count, "VolumeSizeInGB": 5}
    request = {
        "RoleArn": ROLE,
        "AppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["true"]},
        "ProcessingResources": {"ClusterConfig": cluster},
    }
    return client.create_processing_job(ProcessingJobName=name, **{**request, **more})


def _tuning(client: Any, name: str = "tuning", **more: Any) -> Any:
    ranges = {"CategoricalParameterRanges": [{"Name": "quality", "Values": ["1", "2"]}]}
    return tuning_job(client, name, strategy="Grid", ranges=ranges, **more)


def group(client: Any, name: str = "bricks", **more: Any) -> Any:
    """CreateModelPackageGroup."""
    return client.create_model_package_group(ModelPackageGroupName=name, **more)


def package(client: Any, name: str = "bricks", **more: Any) -> Any:
    """CreateModelPackage, of one that is no version."""
    types = {f"Supported{use}InstanceTypes": ["ml.m5.large"] for use in ("Transform", "RealtimeInference")}
    request = {"InferenceSpecification": {"Containers": [{"Image": IMAGE}], **types}}
    return client.create_model_package(ModelPackageName=name, **{**request, **more})


def card(client: Any, name: str = "bricks", **more: Any) -> Any:
    """CreateModelCard."""
    request = {"Content": '{"model_overview": {"model_name": "bricks"}}', "ModelCardStatus": "Draft"}
    return client.create_model_card(ModelCardName=name, **{**request, **more})


def version(client: Any, of: str = "bricks", **more: Any) -> str:
    """CreateModelPackage, of the next version in a group; its ARN."""
    request = {"InferenceSpecification": {"Containers": [{"Image": IMAGE}]}}
    return str(client.create_model_package(ModelPackageGroupName=of, **{**request, **more})["ModelPackageArn"])


def pipeline(client: Any, name: str = "pipeline", *, steps: Sequence[Any] = (), **more: Any) -> Any:
    """CreatePipeline; without steps it has one that fails."""
    failing = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "enough"}}
    parameters = more.pop("parameters", [])
    definition = json.dumps({"Version": "2020-12-01", "Parameters": parameters, "Steps": [*steps] or [failing]})
    return client.create_pipeline(PipelineName=name, **{"PipelineDefinition": definition, "RoleArn": ROLE, **more})


def endless(name: str = "Train", **more: Any) -> dict[str, Any]:
    """A pipeline's step whose training job runs until a test ends it."""
    arguments = {
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/training"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        **more.pop("arguments", {}),
    }
    return {"Name": name, "Type": "Training", "Arguments": arguments, **more}


def monitoring(expression: str = "cron(0 * ? * * *)", **more: Any) -> dict[str, Any]:
    """Return the configuration of a schedule, of an endpoint that need not be there."""
    job = {
        "MonitoringInputs": [
            {"EndpointInput": {"EndpointName": "lab", "LocalPath": "/opt/ml/processing/input/endpoint"}}
        ],
        "MonitoringOutputConfig": {
            "MonitoringOutputs": [
                {"S3Output": {"S3Uri": "s3://bucket/reports", "LocalPath": "/opt/ml/processing/output"}}
            ]
        },
        "MonitoringResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5}
        },
        "MonitoringAppSpecification": {"ImageUri": IMAGE, "ContainerEntrypoint": ["true"]},
        "RoleArn": ROLE,
        **more.get("job", {}),
    }
    timing = {"ScheduleExpression": expression, **more.get("timing", {})}
    return {"ScheduleConfig": timing, "MonitoringJobDefinition": job}


def schedule(client: Any, name: str = "watch", expression: str = "cron(0 * ? * * *)", **more: Any) -> Any:
    """CreateMonitoringSchedule."""
    config = monitoring(expression, **{part: more.pop(part) for part in ("job", "timing") if part in more})
    return client.create_monitoring_schedule(MonitoringScheduleName=name, MonitoringScheduleConfig=config, **more)


POOL = {"UserPool": "us-east-1_abcdefghi", "ClientId": "client"}


def workforce(client: Any, name: str = "people", **more: Any) -> Any:
    """CreateWorkforce."""
    return client.create_workforce(WorkforceName=name, **{"CognitoConfig": POOL, **more})


def workteam(client: Any, name: str = "team", **more: Any) -> Any:
    """CreateWorkteam, of the region's workforce, which is made if there is none."""
    members = [{"CognitoMemberDefinition": {**POOL, "UserGroup": "labelers"}}]
    return client.create_workteam(WorkteamName=name, **{"MemberDefinitions": members, "Description": "us", **more})


def human_task_ui(client: Any, name: str = "template", content: str = "{{ task.input.a }}", **more: Any) -> Any:
    """CreateHumanTaskUi."""
    return client.create_human_task_ui(HumanTaskUiName=name, UiTemplate={"Content": content}, **more)


def labeling_job(
    client: Any,
    name: str = "job",
    human: dict[str, Any] | None = None,
    *,
    manifest: str = "s3://bucket/input.manifest",
    template: str = "s3://bucket/template.html",
    **more: Any,
) -> Any:
    """CreateLabelingJob, with the team that it is for unless `human` names one."""
    if "WorkteamArn" not in (human or {}) and not client.list_workteams(NameContains="team")["Workteams"]:
        workteam(client)
    request = {
        "LabelAttributeName": "brick",
        "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": manifest}}},
        "OutputConfig": {"S3OutputPath": "s3://bucket/labels"},
        "RoleArn": ROLE,
        "HumanTaskConfig": {
            "WorkteamArn": f"{ARN}:workteam/private-crowd/team",
            "UiConfig": {"UiTemplateS3Uri": template},
            "TaskTitle": "Bricks",
            "TaskDescription": "Which brick is it?",
            "NumberOfHumanWorkersPerDataObject": 1,
            "TaskTimeLimitInSeconds": 60,
            **(human or {}),
        },
    }
    return client.create_labeling_job(LabelingJobName=name, **{**request, **more})


CREATE: dict[str, Callable[..., Any]] = {
    "notebook_instance": notebook,
    "notebook_instance_lifecycle_config": lifecycle,
    "model": model,
    "endpoint_config": endpoint_config,
    "endpoint": endpoint,
    "training_job": training_job,
    "transform_job": transform_job,
    "processing_job": processing_job,
    "hyper_parameter_tuning_job": _tuning,
    "model_package_group": group,
    "model_package": package,
    "pipeline": pipeline,
    "model_card": card,
    "monitoring_schedule": schedule,
    "labeling_job": labeling_job,
}


def variant(model_name: str = "bricks", **more: Any) -> dict[str, Any]:
    """Return a production variant."""
    return {
        "VariantName": "all",
        "ModelName": model_name,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        **more,
    }


def refusal(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    """Return the code and the message with which a call is refused."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]
