"""The embedded AWS as the tests of jobs and endpoints use it: a role, a bucket, short ways to train and to serve."""

from __future__ import annotations

import contextlib
import io
import json
import tarfile
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import embedded_aws
from cli import paths
from embedded_aws.runtime import images, sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

needs_sandbox = pytest.mark.skipif(isinstance(sandbox.find(), str), reason=str(sandbox.find()))
"""Of a test of what there is in a sandbox only: where the kernel lets nobody make one there is none to test."""
BUCKET = "lab-data"
IMAGES = Path(embedded_aws.__file__).parent / "images"
TRAINING_IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.21-cpu-py312"
INFERENCE_IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-inference:2.20-cpu-py312"
XGBOOST_IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
SCIKIT_LEARN_IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
_HANDLER = """
import json

def handler(data, context):
    text = data.read().decode()
    if context.request_content_type == "text/csv":
        rows = [[float(cell) for cell in line.split(",")] for line in text.splitlines()]
    else:
        given = json.loads(text)
        rows = given["instances"] if isinstance(given, dict) else given if isinstance(given[0], list) else [given]
    return json.dumps({"predictions": [[FACTOR * sum(row)] for row in rows]}), "application/json"
"""
CLUSTER = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
_ALL = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:*", "sagemaker:*", "iam:PassRole"], "Resource": "*"}],
}


def pull(image: str) -> None:
    """Install an image before anything waits for it: the first time it takes minutes."""
    images.install(images.name_of(image, images_dir=IMAGES), images_dir=IMAGES, cache_dir=paths.cache())


def archive(files: Mapping[str, bytes]) -> bytes:
    """A gzipped tar archive of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def answering(factor: float = 1.0) -> dict[str, bytes]:
    """The files of a model that answers as the fixture `saved_model`'s do, by a handler: its host needs no TensorFlow.

    It multiplies rows of numbers by a factor and sums them up. Its SavedModel is a stand-in: nobody ever asks for it.
    """
    return {"1/saved_model.pb": b"", "code/inference.py": _HANDLER.replace("FACTOR", str(factor)).encode()}


def source(name: str, uri: str, path: str, **more: str) -> dict[str, Any]:
    """A processing job's input: what lies in S3 under a prefix, in a folder."""
    return {
        "InputName": name,
        "S3Input": {"S3DataType": "S3Prefix", "S3InputMode": "File", "S3Uri": uri, "LocalPath": path, **more},
    }


def sinks(mode: str = "EndOfJob", **uris: str) -> dict[str, Any]:
    """ProcessingOutputConfig with outputs of these names, from the folders of their names to these places in S3."""
    outputs = [
        {
            "OutputName": name,
            "S3Output": {"S3Uri": uri, "LocalPath": f"/opt/ml/processing/{name}", "S3UploadMode": mode},
        }
        for name, uri in uris.items()
    ]
    return {"Outputs": outputs}


def files_of(content: bytes) -> dict[str, bytes]:
    """The files of a gzipped tar archive."""
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]


def python(code: str) -> list[str]:
    """An entrypoint that runs this code in the container, without the toolkit. SageMaker takes no line ends there."""
    return ["python", "-c", f"exec({code!r})"]


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait for a condition to hold; its value. The longer it takes the seldomer it is looked at: asking costs both."""
    began = time.monotonic()
    while not (value := condition()):
        waited = time.monotonic() - began
        assert waited < seconds, f"not within {seconds} s"
        time.sleep(min(max(0.05, waited / 10), 0.2))
    return value


class Account:
    """The embedded AWS with a role and a bucket in it."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self.reach(client)
        self.s3.create_bucket(Bucket=BUCKET)
        role = self.iam.create_role(RoleName="execution", AssumeRolePolicyDocument=json.dumps(_TRUST))
        self.role = role["Role"]["Arn"]
        self.iam.put_role_policy(RoleName="execution", PolicyName="all", PolicyDocument=json.dumps(_ALL))

    def reach(self, client: Callable[[str], Any]) -> None:
        """Speak through these clients from now on: the embedded AWS is another process."""
        names = ("s3", "iam", "sts", "logs", "cloudwatch", "sagemaker", "sagemaker-runtime")
        self.s3, self.iam, self.sts, self.logs, self.cloudwatch, self.sagemaker, self.runtime = map(client, names)

    def tutorial(self) -> str:
        """Make a role as tutorials and SageMaker's console do; its ARN."""
        name, policy = "AmazonSageMaker-ExecutionRole", "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
        with contextlib.suppress(self.iam.exceptions.EntityAlreadyExistsException):  # another test has made it
            self.iam.create_role(RoleName=name, Path="/service-role/", AssumeRolePolicyDocument=json.dumps(_TRUST))
        self.iam.attach_role_policy(RoleName=name, PolicyArn=policy)
        return str(self.iam.get_role(RoleName=name)["Role"]["Arn"])

    def acting_as_its_role(self) -> dict[str, str]:
        """The variables with which a program of this machine acts as the role, as one in a job or a notebook does."""
        given = self.sts.assume_role(RoleArn=self.role, RoleSessionName="SageMaker")["Credentials"]
        names = {
            "AWS_ACCESS_KEY_ID": "AccessKeyId",
            "AWS_SECRET_ACCESS_KEY": "SecretAccessKey",
            "AWS_SESSION_TOKEN": "SessionToken",
        }
        return {name: given[member] for name, member in names.items()}

    def put(self, key: str, content: bytes) -> str:
        """Put an object; its URI."""
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)
        return f"s3://{BUCKET}/{key}"

    def get(self, uri: str) -> bytes:
        """An object's content."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return bytes(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def keys(self, prefix: str) -> list[str]:
        """The keys below a prefix."""
        return [each["Key"] for each in self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]

    def lines(self, group: str, prefix: str = "") -> list[str]:
        """All lines of a log group's streams whose name starts so."""
        arguments = {"logStreamNamePrefix": prefix} if prefix else {}
        streams = self.logs.describe_log_streams(logGroupName=group, **arguments)["logStreams"]
        return [
            event["message"]
            for stream in streams
            for event in self.logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
            )["events"]
        ]

    def statistics(
        self, namespace: str, metric: str, dimensions: Mapping[str, str], *kinds: str
    ) -> list[dict[str, Any]]:
        """A metric's statistics of these kinds, of all minutes of the last hour."""
        now = datetime.now(UTC)
        answer = self.cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=60,
            Statistics=kinds,
        )
        return list(answer["Datapoints"])

    def printed(self, group: str, job: str) -> list[str]:
        """The lines that a job has logged so far."""
        try:
            return self.lines(group, job)
        except self.logs.exceptions.ResourceNotFoundException:
            return []

    # Training

    def start_job(
        self, *, entrypoint: list[str] | None = None, program: str | None = None, runtime: int = 120, **request: Any
    ) -> str:
        """Start a training job; its name. `entrypoint` or the code of `program` is run in the place of the toolkit."""
        if program is not None:
            uri = self.put(f"programs/{uuid.uuid4().hex}/program.py", program.encode())
            source = {"S3DataType": "S3Prefix", "S3Uri": uri}
            code = {"ChannelName": "code", "DataSource": {"S3DataSource": source}}
            request["InputDataConfig"] = [*request.get("InputDataConfig", ()), code]
            entrypoint = ["python", "-u", "/opt/ml/input/data/code/program.py"]
        name = str(request.get("TrainingJobName", f"job-{uuid.uuid4().hex[:8]}"))
        algorithm = {"TrainingImage": TRAINING_IMAGE, "TrainingInputMode": "File", **request.pop("algorithm", {})}
        if entrypoint:
            algorithm["ContainerEntrypoint"] = entrypoint
        self.sagemaker.create_training_job(
            **{
                "TrainingJobName": name,
                "RoleArn": self.role,
                "AlgorithmSpecification": algorithm,
                "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/training"},
                "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
                "StoppingCondition": {"MaxRuntimeInSeconds": runtime},
                **request,
            }
        )
        return name

    def train(self, **request: Any) -> dict[str, Any]:
        """Run a training job to its end; what DescribeTrainingJob answers then."""
        return self.end_of(self.start_job(**request))

    def end_of(self, job: str) -> dict[str, Any]:
        """Wait for a job's end; what DescribeTrainingJob answers then."""

        def ended() -> dict[str, Any] | None:
            answer: dict[str, Any] = self.sagemaker.describe_training_job(TrainingJobName=job)
            return answer if answer["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None

        return dict(until(ended, 120))

    def source(self, files: Mapping[str, bytes], program: str = "train.py") -> dict[str, str]:
        """Hyperparameters that make the toolkit run a program of a source directory."""
        uri = self.put(f"source/{uuid.uuid4().hex}/sourcedir.tar.gz", archive(files))
        return {"sagemaker_program": json.dumps(program), "sagemaker_submit_directory": json.dumps(uri)}

    # Processing

    def start_processing(self, code: bytes, *, entrypoint: list[str] | None = None, **request: Any) -> str:
        """Start a processing job; its name. It runs this code as a program, or `entrypoint` in its place."""
        name = str(request.pop("ProcessingJobName", f"prep-{uuid.uuid4().hex[:8]}"))
        program = source("code", self.put(f"{name}/prepare.py", code), "/opt/ml/processing/input/code")
        self.sagemaker.create_processing_job(
            **{
                "ProcessingJobName": name,
                "RoleArn": self.role,
                "AppSpecification": {
                    "ImageUri": TRAINING_IMAGE,
                    "ContainerEntrypoint": entrypoint or ["python3", "/opt/ml/processing/input/code/prepare.py"],
                    **request.pop("program", {}),
                },
                "ProcessingResources": {"ClusterConfig": {**CLUSTER, **request.pop("cluster", {})}},
                "ProcessingInputs": [program, *request.pop("inputs", [])],
                **request,
            }
        )
        return name

    def process(self, code: bytes, **request: Any) -> dict[str, Any]:
        """Run a processing job to its end; what DescribeProcessingJob answers then."""
        return self.processed(self.start_processing(code, **request))

    def processed(self, job: str) -> dict[str, Any]:
        """Wait for a processing job's end; what DescribeProcessingJob answers then."""

        def ended() -> dict[str, Any] | None:
            answer: dict[str, Any] = self.sagemaker.describe_processing_job(ProcessingJobName=job)
            return answer if answer["ProcessingJobStatus"] in ("Completed", "Failed", "Stopped") else None

        return dict(until(ended, 120))

    # Serving

    def model(
        self, files: Mapping[str, bytes], *, image: str = INFERENCE_IMAGE, environment: Mapping[str, str] | None = None
    ) -> str:
        """Create a model of these files; its name."""
        name = f"model-{uuid.uuid4().hex[:8]}"
        uri = self.put(f"models/{name}/model.tar.gz", archive(files))
        container = {"Image": image, "ModelDataUrl": uri, "Environment": environment or {}}
        self.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=self.role)
        return name

    def config(self, *models: str, weights: tuple[float, ...] = (1, 1), count: int = 1, **request: Any) -> str:
        """Create an endpoint configuration with a variant v0, v1, … a model, each of `count` instances; its name."""
        name = f"config-{uuid.uuid4().hex[:8]}"
        variants = [
            {
                "VariantName": f"v{number}",
                "ModelName": model,
                "InitialInstanceCount": count,
                "InstanceType": "ml.m5.large",
                "InitialVariantWeight": weight,
            }
            for number, (model, weight) in enumerate(zip(models, weights, strict=False))
        ]
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants, **request)
        return name

    def endpoint(self, config: str) -> str:
        """Create an endpoint and wait until it serves or has failed; its name."""
        name = f"endpoint-{uuid.uuid4().hex[:8]}"
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        self.settled(name)
        return name

    def settled(self, name: str) -> dict[str, Any]:
        """Wait until nothing changes at an endpoint any more; what DescribeEndpoint answers then."""

        def settled() -> dict[str, Any] | None:
            answer: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=name)
            return answer if answer["EndpointStatus"] in ("InService", "Failed") else None

        return dict(until(settled, 120))

    def invoke(self, endpoint: str, document: Any, **request: Any) -> Any:
        """Invoke an endpoint with JSON; the JSON it answers."""
        arguments = {"ContentType": "application/json", "Body": json.dumps(document), **request}
        return json.loads(self.runtime.invoke_endpoint(EndpointName=endpoint, **arguments)["Body"].read())
