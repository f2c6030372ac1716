"""The SageMaker SDK runs unchanged: session, resource classes, processors, whose scripts say /opt/ml/processing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded_aws.account import (
    BUCKET,
    INFERENCE_IMAGE,
    SCIKIT_LEARN_IMAGE,
    TRAINING_IMAGE,
    Account,
    archive,
    pull,
    until,
)

if TYPE_CHECKING:
    from embedded_aws.gateway import Gateway

# What users of the SDK write; processors don't wait, for the SDK looks every ten seconds only.
PROCESSORS = """
import json, pathlib, sys
from sagemaker.core import processing, resources, shapes
from sagemaker.core.helper.session_helper import Session, get_execution_role

role, tutorial, bucket, training, inference, learn, folder = sys.argv[1:]
source = shapes.ProcessingS3Input(
    s3_uri=f"s3://{bucket}/sdk/", local_path="/opt/ml/processing/input/photos", s3_data_type="S3Prefix"
)
photos = shapes.ProcessingInput(input_name="photos", s3_input=source)

def made(prefix):
    sink = shapes.ProcessingS3Output(
        s3_uri=f"s3://{bucket}/{prefix}", local_path="/opt/ml/processing/output", s3_upload_mode="EndOfJob"
    )
    return shapes.ProcessingOutput(output_name="made", s3_output=sink)

where = dict(role=role, image_uri=training, instance_count=1, instance_type="ml.m5.large")
session = Session()  # it asks STS at AWS's own address who it is, and makes its bucket
said = {"bucket": session.default_bucket(), "role": get_execution_role()}
ours = dict(sagemaker_session=session, base_job_name="referee")
how = dict(arguments=["--loud"], wait=False, logs=False)
script = processing.ScriptProcessor(command=["python3"], **where, **ours)
script.run(code=f"{folder}/prepare.py", inputs=[photos], outputs=[made("by-script")], **how)
framework = processing.FrameworkProcessor(**{**where, "image_uri": learn}, **ours)
framework.run("prepare.py", source_dir=folder, inputs=[photos], outputs=[made("by-framework")], **how)
said["processors"] = [script.latest_job.processing_job_name, framework.latest_job.processing_job_name]
"""
TRAINER = """
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, SourceCode

# It asks the policy simulator whether the role may all that a training job needs.
trainer = ModelTrainer(
    training_image=learn,
    source_code=SourceCode(source_dir=folder, entry_script="train.py"),
    role=tutorial,
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
    base_job_name="trainer",
)
trainer.train(wait=False, logs=False)
said["trainer"] = trainer._latest_training_job.training_job_name
"""
BUILDER = """
from sagemaker.serve import ModelBuilder

# It packs the artifact anew, with the script in it, and puts that under the account's own key for S3.
builder = ModelBuilder(
    s3_model_data_url=f"s3://{bucket}/sdk-model/model.tar.gz",
    image_uri=inference,
    role_arn=tutorial,
    instance_type="ml.m5.large",
    source_code=SourceCode(source_dir=folder, entry_script="inference.py"),
    sagemaker_session=session,
)
builder.build()
builder.deploy(endpoint_name="built", instance_type="ml.m5.large", initial_instance_count=1, wait=False)
builder = ModelBuilder(
    s3_model_data_url=f"s3://{bucket}/sdk-model/model.tar.gz",
    image_uri=learn,
    role_arn=tutorial,
    instance_type="ml.m5.large",
    source_code=SourceCode(source_dir=folder, entry_script="serve.py"),
    sagemaker_session=session,
)
builder.build()
builder.deploy(endpoint_name="built-2", instance_type="ml.m5.large", initial_instance_count=1, wait=False)
"""
RESOURCES = """
job = resources.TrainingJob.create(
    training_job_name="sdk-resource",
    role_arn=role,
    algorithm_specification=shapes.AlgorithmSpecification(
        training_image=training, training_input_mode="File", container_entrypoint=["true"]
    ),
    output_data_config=shapes.OutputDataConfig(s3_output_path=f"s3://{bucket}/training"),
    resource_config=shapes.ResourceConfig(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=5),
    stopping_condition=shapes.StoppingCondition(max_runtime_in_seconds=60),
)
job.wait(poll=1)
said["trained"] = job.refresh().training_job_status
said["listed"] = [each.training_job_name for each in resources.TrainingJob.get_all(name_contains="sdk-resource")]
job.delete()

model = resources.Model.create(
    model_name="sdk-resource",
    primary_container=shapes.ContainerDefinition(image=inference, model_data_url=f"s3://{bucket}/nothing.tar.gz"),
    execution_role_arn=role,
)
variant = shapes.ProductionVariant(
    variant_name="all", model_name="sdk-resource", instance_type="ml.m5.large", initial_instance_count=1
)
config = resources.EndpointConfig.create(endpoint_config_name="sdk-resource", production_variants=[variant])
endpoint = resources.Endpoint.create(endpoint_name="sdk-resource", endpoint_config_name="sdk-resource")
endpoint.wait_for_status("Failed", poll=1)
said["endpoint"] = endpoint.refresh().failure_reason
endpoint.delete()
endpoint.wait_for_delete(poll=1)
config.delete()
model.delete()

resources.ModelPackageGroup.create(model_package_group_name="sdk-registry")
arn = builder.register(
    model_package_group_name="sdk-registry",
    content_types=["text/csv"],
    response_types=["application/json"],
    inference_instances=["ml.m5.large"],
    transform_instances=["ml.m5.large"],
)
version = resources.ModelPackage.get(model_package_name=arn)
version.update(model_approval_status="Approved", customer_metadata_properties={"by": "the SDK"})
said["version"] = [version.model_package_version, version.model_approval_status, version.model_package_status]
registered = resources.ModelPackage.get_all(model_package_group_name="sdk-registry")
said["versions"] = [each.model_package_arn for each in registered]
packaged = resources.Model.create(
    model_name="sdk-packaged",
    primary_container=shapes.ContainerDefinition(model_package_name=version.model_package_arn),
    execution_role_arn=role,
)
packaged.delete()
try:
    resources.Model.get("sdk-resource")
except Exception as error:
    said["gone"] = str(error)
pathlib.Path(folder, "said.json").write_text(json.dumps(said))
"""
PROGRAM = """
import pathlib, sys
for photo in pathlib.Path("/opt/ml/processing/input/photos").iterdir():
    pathlib.Path("/opt/ml/processing/output", photo.name).write_text(photo.read_text() + sys.argv[1])
"""


INFERENCE = """
import json, pathlib

FACTOR = float((pathlib.Path(__file__).parents[1] / "1" / "factor.txt").read_text())

def handler(data, context):
    return json.dumps({"mine": [[FACTOR * sum(row)] for row in json.load(data)["instances"]]}), "application/json"
"""


FUNCTIONS = """
import pathlib

def model_fn(model_dir):
    return float(pathlib.Path(model_dir, "1", "factor.txt").read_text())

def predict_fn(rows, factor):
    return factor * rows.sum(axis=1)
"""


@pytest.fixture(scope="module")
def said(
    account: Account,
    embedded: Gateway,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    """Return what the SDK's user saw, in a process of their own."""
    pull(SCIKIT_LEARN_IMAGE)
    account.put("sdk/plate.txt", b"plate")
    account.put("nothing.tar.gz", b"nothing")
    folder = tmp_path_factory.mktemp("sdk")
    (folder / "prepare.py").write_text(PROGRAM)
    (folder / "requirements.txt").write_text("numpy\n")
    (folder / "train.py").write_text("print('trained with what a tutorial grants')")
    (folder / "inference.py").write_text(INFERENCE)
    (folder / "serve.py").write_text(FUNCTIONS)
    account.put("sdk-model/model.tar.gz", archive({"1/saved_model.pb": b"", "1/factor.txt": b"2.0"}))
    program = PROCESSORS + TRAINER + BUILDER + RESOURCES
    subprocess.run(
        [
            sys.executable,
            "-c",
            program,
            account.role,
            account.tutorial(),
            BUCKET,
            TRAINING_IMAGE,
            INFERENCE_IMAGE,
            SCIKIT_LEARN_IMAGE,
            str(folder),
        ],
        env={**os.environ, **embedded.environment(), **account.acting_as_its_role()},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return dict(json.loads((folder / "said.json").read_text()))


def test_both_processors_run_a_script(account: Account, said: dict[str, Any]) -> None:
    """ScriptProcessor sends a file, FrameworkProcessor a folder in an archive with what it needs installed."""
    for name in said["processors"]:
        job = account.processed(name)
        assert job["ProcessingJobStatus"] == "Completed", account.lines("/aws/sagemaker/ProcessingJobs", name)
    for prefix in ("by-script", "by-framework"):
        assert account.get(f"s3://{BUCKET}/{prefix}/plate.txt") == b"plate--loud"


def test_resource_classes(said: dict[str, Any]) -> None:
    """They create, wait, refresh, list and delete; a failed endpoint says why, what is gone is not found."""
    assert (said["trained"], said["listed"]) == ("Completed", ["sdk-resource"])
    assert "nothing.tar.gz" in said["endpoint"]
    assert 'Could not find model "arn:aws:sagemaker:us-east-1:000000000000:model/sdk-resource".' in said["gone"]


def test_the_model_registry(said: dict[str, Any]) -> None:
    """ModelBuilder registers what it built; resource classes approve the version, list it, and make a model of it."""
    assert said["version"] == [1, "Approved", "Completed"]
    assert said["versions"] == ["arn:aws:sagemaker:us-east-1:000000000000:model-package/sdk-registry/1"]


def test_who_it_is_and_where_its_data_go(account: Account, said: dict[str, Any]) -> None:
    """`get_execution_role` and `default_bucket` ask STS at an address of their own; nothing was set for it."""
    assert (said["role"], said["bucket"]) == (account.role, "sagemaker-us-east-1-000000000000")


def test_a_tutorials_role_trains(account: Account, said: dict[str, Any]) -> None:
    """ModelTrainer takes a role with AmazonSageMakerFullAccess and no more, and so does the job."""
    assert account.end_of(said["trainer"])["TrainingJobStatus"] == "Completed"
    assert "trained with what a tutorial grants" in account.printed("/aws/sagemaker/TrainingJobs", said["trainer"])


@pytest.mark.usefixtures("said")
def test_a_built_model_answers_by_its_script(account: Account) -> None:
    """ModelBuilder's endpoint serves the artifact with the inference.py that it was given; the tutorial's role may."""
    until(lambda: account.sagemaker.describe_endpoint(EndpointName="built")["EndpointStatus"] != "Creating")
    asked = json.dumps({"instances": [[1, 2, 3]]})
    answer = account.runtime.invoke_endpoint(EndpointName="built", Body=asked, ContentType="application/json")
    assert json.loads(answer["Body"].read()) == {"mine": [[12.0]]}


@pytest.mark.usefixtures("said")
def test_a_built_model_of_another_framework(account: Account) -> None:
    """In scikit-learn's image the script's functions answer, and AWS's defaults for those that it has not."""
    assert account.settled("built-2")["EndpointStatus"] == "InService"
    answer = account.runtime.invoke_endpoint(EndpointName="built-2", Body=b"1,2,3\n4,5,6", ContentType="text/csv")
    assert json.loads(answer["Body"].read()) == [12.0, 30.0]
