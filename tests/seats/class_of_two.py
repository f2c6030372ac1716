"""A class of two, as its instructor brings it up and sees it, and as a student's role reaches it."""

from __future__ import annotations

import io
import json
import os
import tarfile
from typing import TYPE_CHECKING, Any

import boto3

from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway
from tests.embedded_aws.account import INFERENCE_IMAGE, TRAINING_IMAGE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Lab

NAME = "class"


def write_roster(folder: Path) -> Path:
    """Write the class's roster; one of its students has a name that AWS could not take."""
    file = folder / "class.csv"
    file.write_text("name,email\nAda,ada@school.example\nGrace Hopper,grace@school.example\n", encoding="utf-8")
    return file


def settings_of(roster: Path) -> list[str]:
    """Return the lab's settings, as options of every command."""
    return ["-c", f"lab.name={NAME}", "-c", f"lab.seats={roster}", "-c", "lab.epochs=1"]


class ClassOfTwo:
    """A class that is up: Ada's seat is ready, Grace Hopper's failed, for somebody has its notebook instance already.

    `told` is what `./lab up` said. The lab's waits are a tenth of the usual: an update's baking periods are minutes.
    """

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab, self.roster = lab, write_roster(folder)
        self.settings = settings_of(self.roster)
        home, environment = lab.home / "aws", tool_environment()
        gateway.start(home, cache=paths.cache(), environment=environment, pace=0.1, port=0, owner=os.getpid())
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = lab.client("iam").create_role(RoleName="somebody", AssumeRolePolicyDocument=policy)["Role"]["Arn"]
        lab.client("sagemaker").create_notebook_instance(
            NotebookInstanceName=f"{NAME}-grace-hopper", InstanceType="ml.t3.medium", RoleArn=role
        )
        self.told = lab("up", *self.settings, code=1)


def outputs(lab: Lab, stack: str) -> dict[str, str]:
    """A stack's outputs."""
    [found] = lab.client("cloudformation").describe_stacks(StackName=f"{NAME}-{stack}")["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


def standings(lab: Lab, settings: list[str]) -> dict[str, str]:
    """How each seat stands."""
    return {seat["name"]: seat["standing"] for seat in json.loads(lab("seats", "list", "--json", *settings))}


def stack_id(lab: Lab, seat: str) -> str:
    """The id of a seat's stack: another one when it was made anew."""
    found = lab.client("cloudformation").describe_stacks(StackName=f"{NAME}-seat-{seat}")["Stacks"]
    return str(found[0]["StackId"])


def notebooks(lab: Lab) -> set[str]:
    """The notebook instances that there are."""
    return {n["NotebookInstanceName"] for n in lab.client("sagemaker").list_notebook_instances()["NotebookInstances"]}


class Student:
    """AWS as a student's role reaches it."""

    def __init__(self, lab: Lab, seat: str) -> None:
        self.role = outputs(lab, f"seat-{seat}")["RoleArn"]
        self.bucket, self.key = outputs(lab, "storage")["BucketName"], outputs(lab, "storage")["KeyArn"]
        self.other = outputs(lab, "seat-grace-hopper")["RoleArn"]
        given = lab.client("sts").assume_role(RoleArn=self.role, RoleSessionName="SageMaker")["Credentials"]
        session = boto3.Session(
            given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], region_name=gateway.REGION
        )
        running = gateway.running(lab.home / "aws")
        assert running
        clients: Any = session.client  # whatever the service
        self.s3, self.sagemaker, self.runtime, self.athena = (
            clients(service, endpoint_url=running.url, verify=running.environment().get("AWS_CA_BUNDLE"))
            for service in ("s3", "sagemaker", "sagemaker-runtime", "athena")
        )

    def train(self, name: str, instance_type: str = "ml.m5.large", role: str = "", **resources: int) -> None:
        """Start a training job that does nothing, on a volume under the lab's key."""
        volume = {"VolumeSizeInGB": 5, "VolumeKmsKeyId": self.key}
        self.sagemaker.create_training_job(
            TrainingJobName=name,
            RoleArn=role or self.role,
            AlgorithmSpecification={
                "TrainingImage": TRAINING_IMAGE,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["true"],
            },
            OutputDataConfig={"S3OutputPath": f"s3://{self.bucket}/seats/ada/"},
            ResourceConfig={"InstanceCount": 1, "InstanceType": instance_type, **volume, **resources},
            StoppingCondition={"MaxRuntimeInSeconds": 60},
        )

    def keep(self, name: str, seconds: int) -> None:
        """Keep a training job's warm pool for so long; 0 ends it."""
        resources = {"KeepAlivePeriodInSeconds": seconds}
        self.sagemaker.update_training_job(TrainingJobName=name, ResourceConfig=resources)

    def process(self, name: str, instance_type: str = "ml.m5.large", role: str = "") -> None:
        """Start a processing job that does nothing."""
        cluster = {"InstanceCount": 1, "InstanceType": instance_type, "VolumeSizeInGB": 5}
        self.sagemaker.create_processing_job(
            ProcessingJobName=name,
            RoleArn=role or self.role,
            AppSpecification={"ImageUri": TRAINING_IMAGE, "ContainerEntrypoint": ["true"]},
            ProcessingResources={"ClusterConfig": cluster},
        )

    def transform(self, name: str, instance_type: str = "ml.m5.large") -> None:
        """Start a transform job of nothing."""
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{self.bucket}/seats/ada/photos/"}
        self.sagemaker.create_transform_job(
            TransformJobName=name,
            ModelName=f"{NAME}-ada-model",
            TransformInput={"DataSource": {"S3DataSource": source}},
            TransformOutput={"S3OutputPath": f"s3://{self.bucket}/seats/ada/scores/"},
            TransformResources={"InstanceCount": 1, "InstanceType": instance_type},
        )

    def tune(self, name: str, instance_type: str = "ml.m5.large", role: str = "") -> None:
        """Start a tuning job of one training job that does nothing."""
        objective = {"Type": "Minimize", "MetricName": "loss"}
        epochs = {"Name": "epochs", "MinValue": "1", "MaxValue": "3"}
        self.sagemaker.create_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name,
            HyperParameterTuningJobConfig={
                "Strategy": "Random",
                "HyperParameterTuningJobObjective": objective,
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 1},
                "ParameterRanges": {"IntegerParameterRanges": [epochs]},
            },
            TrainingJobDefinition={
                "RoleArn": role or self.role,
                "AlgorithmSpecification": {
                    "TrainingImage": TRAINING_IMAGE,
                    "TrainingInputMode": "File",
                    "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
                },
                "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/seats/ada/"},
                "ResourceConfig": {"InstanceCount": 1, "InstanceType": instance_type, "VolumeSizeInGB": 5},
                "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            },
        )

    def model(self, name: str, role: str = "", *, artifact: str = "seats/ada/model.tar.gz") -> None:
        """Make a model of nothing; `artifact` may be ""."""
        container = {"Image": INFERENCE_IMAGE}
        if artifact:
            container["ModelDataUrl"] = f"s3://{self.bucket}/{artifact}"
        self.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=role or self.role)

    def config(self, name: str, instance_type: str | None = "ml.m5.large", concurrency: int = 1) -> None:
        """Make an endpoint configuration, serverless without an instance type."""
        variant: dict[str, Any] = {"VariantName": "v", "ModelName": f"{NAME}-ada-model"}
        if instance_type:
            variant |= {"InstanceType": instance_type, "InitialInstanceCount": 1}
        else:
            variant |= {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": concurrency}}
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])


def empty_archive() -> bytes:
    """A gzipped tar archive with nothing in it."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz"):
        pass
    return content.getvalue()
