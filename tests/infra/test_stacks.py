"""The stacks: what is in them, what they say, and what they ask SageMaker for."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from infra.handlers.job.handler import _START_SECONDS, POLL_SECONDS
from infra.settings import DATA_FILES, JOB_SECONDS, LONGEST_RUN, ROLE_SECONDS, STOP_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    import aws_cdk as cdk

    from tests.infra.conftest import Synthesise

    Resources = Callable[[str], list[dict[str, Any]]]
    Template = dict[str, Any]

NOTEBOOKS = ("algorithms.ipynb", "bricks.ipynb", "drift.ipynb", "hosting.ipynb", "jobs.ipynb", "pipeline.ipynb")


@pytest.fixture
def training(resources: Resources) -> dict[str, Any]:
    """The properties of the training job."""
    [job] = resources("Custom::TrainingJob")
    return job


def of_kind(template: Template, kind: str) -> dict[str, Any]:
    """The one resource of a type."""
    [resource] = [item for item in template["Resources"].values() if item["Type"] == kind]
    return dict(resource)


def test_there_is_a_stack_for_each_part_and_seat(templates: dict[str, Template]) -> None:
    """The names that the commands, the tags and the reader rely on."""
    assert sorted(templates) == [
        "bricklab-endpoint",
        "bricklab-operations",
        "bricklab-seat-ada",
        "bricklab-seat-grace",
        "bricklab-storage",
        "bricklab-training",
    ]


@pytest.mark.parametrize(
    ("stack", "outputs"),
    [
        ("storage", {"BucketName", "DataUri", "KeyArn"}),
        ("training", {"TrainingJobName", "ModelArtifact", "TestAccuracy", "TestLoss"}),
        ("endpoint", {"DashboardName", "EndpointName"}),
        ("operations", {"LeaseEnd", "NoticesTopicArn"}),
        ("seat-ada", {"NotebookInstanceName", "RoleArn", "Prefix"}),
    ],
)
def test_outputs_name_what_is_needed_next(templates: dict[str, Template], stack: str, outputs: set[str]) -> None:
    """Each output is there under its plain name, with a description."""
    found = {
        name: output for name, output in templates[f"bricklab-{stack}"]["Outputs"].items() if "Export" not in output
    }
    assert set(found) == outputs
    assert all(output["Description"] for output in found.values())


def test_the_bucket_gets_data_and_notebooks(resources: Resources) -> None:
    """Data, notebooks, the lab's code and what notebook instances run come to the keys that everybody relies on."""
    [contents] = [each for each in resources("Custom::BucketContents") if "Prefix" not in each]
    keys = {item["Key"] for item in contents["Objects"]}
    programs = {"idle_stop.py", "kernel.sh", "labelling.zip", "packages.py"}
    notebooks = {*NOTEBOOKS, "requirements.txt", "sourcedir.tar.gz"} | programs
    assert keys == {f"data/{name}" for name in DATA_FILES} | {f"notebooks/{name}" for name in notebooks}


def test_each_seat_gets_its_own_copy_of_the_notebooks(resources: Resources) -> None:
    """They are copied below the seat's prefix, anew when the lab's notebook changes, and go with the seat."""
    [contents] = [each for each in resources("Custom::BucketContents") if each.get("Prefix") == "seats/ada/"]
    assert {(copy["SourceKey"], copy["Key"]) for copy in contents["Objects"]} == {
        (f"notebooks/{name}", f"seats/ada/{name}") for name in NOTEBOOKS
    }
    for copy in contents["Objects"]:
        assert copy["SourceBucket"] == contents["Bucket"]
        assert len(copy["Hash"]) == 64


def test_the_bucket_s_contents_keep_their_logical_id(templates: dict[str, Template]) -> None:
    """Under another id an update would delete the old resource, and with it all that lies in the bucket."""
    assert templates["bricklab-storage"]["Resources"]["BucketContents"]["Type"] == "Custom::BucketContents"


def test_training_is_encrypted_throughout(training: dict[str, Any]) -> None:
    """Volume, artifact and traffic: no checker looks into a custom resource's properties."""
    request = training["Request"]
    assert "Fn::ImportValue" in request["ResourceConfig"]["VolumeKmsKeyId"]
    assert "Fn::ImportValue" in request["OutputDataConfig"]["KmsKeyId"]
    assert request["EnableInterContainerTrafficEncryption"] is True


def test_local_disks_get_no_volume_key(synthesise: Synthesise) -> None:
    """SageMaker refuses a volume key for instance types with local NVMe, in jobs and in endpoints."""
    stacks = synthesise(training_instance_type="ml.g4dn.xlarge", endpoint_instance_type="ml.m5d.large", seats=0)
    job = of_kind(stacks["bricklab-training"], "Custom::TrainingJob")["Properties"]
    assert "VolumeKmsKeyId" not in job["Request"]["ResourceConfig"]
    config = of_kind(stacks["bricklab-endpoint"], "AWS::SageMaker::EndpointConfig")["Properties"]
    assert "KmsKeyId" not in config


def test_the_job_ends_before_cloudformation_gives_up(
    templates: dict[str, Template],
    training: dict[str, Any],
) -> None:
    """A role's way, one deadline and stopping fit into what the framework's attempts last, that into the hour.

    An attempt lasts as long as the handler holds its call, and the interval: attempts are no seconds.
    """
    assert training["Request"]["StoppingCondition"] == {"MaxRuntimeInSeconds": 900}
    limits = [int(training[name]) for name in ("DeadlineSeconds", "StopSeconds")]
    assert limits == [JOB_SECONDS, STOP_SECONDS]
    assert LONGEST_RUN < JOB_SECONDS
    assert int(training["ServiceTimeout"]) == 3600
    machine = of_kind(templates["bricklab-training"], "AWS::StepFunctions::StateMachine")
    definition = json.dumps(machine["Properties"]["DefinitionString"])
    interval, attempts = (
        int(re.findall(rf'{word}\\*":(\d+)', definition)[0]) for word in ("IntervalSeconds", "MaxAttempts")
    )
    asked = POLL_SECONDS + attempts * (interval + POLL_SECONDS)
    assert _START_SECONDS == ROLE_SECONDS
    assert ROLE_SECONDS + sum(limits) < asked < 3600


def test_the_job_runs_our_code_on_the_lab_s_data(training: dict[str, Any]) -> None:
    """Script mode: the program, its archive, the channel, and the settings as strings."""
    request = training["Request"]
    hyperparameters = request["HyperParameters"]
    assert hyperparameters["sagemaker_program"] == "train.py"
    assert hyperparameters["sagemaker_submit_directory"].startswith("s3://cdk-hnb659fds-assets-111122223333-eu-west-1/")
    assert hyperparameters["sagemaker_region"] == "eu-west-1"
    assert hyperparameters["epochs"] == "10"
    [channel] = request["InputDataConfig"]
    assert channel["ChannelName"] == "training"
    assert channel["DataSource"]["S3DataSource"]["S3Uri"]["Fn::Join"][1][-1] == "/data/"
    assert request["Tags"] == [{"Key": "bricklab:lab", "Value": "bricklab"}]


@pytest.mark.parametrize("spot", [True, False])
def test_spot_instances_are_waited_for_within_the_hour(synthesise: Synthesise, *, spot: bool) -> None:
    """Whatever the job waits for, its limits end it before the custom resource's time is over; checkpoints are kept."""
    training = synthesise(seats=0, spot=spot)["bricklab-training"]
    request = of_kind(training, "Custom::TrainingJob")["Properties"]["Request"]
    stopping = request["StoppingCondition"]
    assert request["EnableManagedSpotTraining"] is spot
    if spot:
        assert stopping["MaxRuntimeInSeconds"] <= stopping["MaxWaitTimeInSeconds"] == JOB_SECONDS
    else:
        assert "MaxWaitTimeInSeconds" not in stopping
    assert request["CheckpointConfig"]["S3Uri"] == request["OutputDataConfig"]["S3OutputPath"]
    assert request["TensorBoardOutputConfig"]["S3OutputPath"] == request["OutputDataConfig"]["S3OutputPath"]


def test_several_instances_are_told_of_each_other(synthesise: Synthesise, training: dict[str, Any]) -> None:
    """The toolkit sets TF_CONFIG when a hyperparameter asks for it, and one instance needs none."""
    stacks = synthesise(seats=0, training_instance_count=2)
    request = of_kind(stacks["bricklab-training"], "Custom::TrainingJob")["Properties"]["Request"]
    asked = "sagemaker_multi_worker_mirrored_strategy_enabled"
    assert request["ResourceConfig"]["InstanceCount"] == 2
    assert request["HyperParameters"][asked] == "true"
    assert asked not in training["Request"]["HyperParameters"]


def test_metrics_are_read_from_the_log(training: dict[str, Any]) -> None:
    """Each pattern finds its own number in the lines that train.py prints, and in no other place."""
    lines = [
        "epoch=3/10 loss=0.1234 accuracy=0.9567 val_loss=0.2345 val_accuracy=0.9456",
        "test_loss=2.5e-05 test_accuracy=1.0",
    ]
    found = {
        definition["Name"]: [number for line in lines for number in re.findall(definition["Regex"], line)]
        for definition in training["Request"]["AlgorithmSpecification"]["MetricDefinitions"]
    }
    assert found == {
        "train:loss": ["0.1234"],
        "train:accuracy": ["0.9567"],
        "validation:loss": ["0.2345"],
        "validation:accuracy": ["0.9456"],
        "test:loss": ["2.5e-05"],
        "test:accuracy": ["1.0"],
    }


def test_the_identity_is_what_decides_the_outcome(synthesise: Synthesise, training: dict[str, Any]) -> None:
    """Seats, capture, time limits and spot change nothing of it; a hyperparameter or another instance does."""

    def identity(**settings: object) -> dict[str, Any]:
        made = synthesise(seats=0, **settings)
        job = of_kind(made["bricklab-training"], "Custom::TrainingJob")["Properties"]
        return dict(job["Identity"])

    assert (
        identity(capture_percentage=0, max_run=60, spot=True, endpoint_instance_type="ml.c5.large")
        == training["Identity"]
    )
    assert identity(hidden_units="256,128") != training["Identity"]
    assert identity(training_instance_count=2) != training["Identity"]
    assert set(training["Identity"]) == {"Code", "Data", "HyperParameters", "Image", "InstanceCount", "InstanceType"}
    assert set(training["Identity"]["Data"]) == {f"data/{name}" for name in DATA_FILES}


def test_the_images_are_aws_s_own(resources: Resources, training: dict[str, Any]) -> None:
    """TensorFlow 2.21 trains and 2.20 serves, from the region's own registry."""
    registry = "763104351884.dkr.ecr.eu-west-1."
    trained = json.dumps(training["Request"]["AlgorithmSpecification"]["TrainingImage"])
    assert registry in trained
    assert "/tensorflow-training:2.21-cpu-py312" in trained
    [model] = resources("AWS::SageMaker::Model")
    served = json.dumps(model["PrimaryContainer"]["Image"])
    assert registry in served
    assert "/tensorflow-inference:2.20-cpu-py312" in served


def test_the_artifact_is_handed_over_in_a_parameter(templates: dict[str, Template]) -> None:
    """Not in an export, which could not change while it is imported."""
    parameter = of_kind(templates["bricklab-training"], "AWS::SSM::Parameter")["Properties"]
    assert parameter["Name"] == "/bricklab/model-artifact"
    assert parameter["Value"]["Fn::GetAtt"][1] == "ModelArtifact"
    endpoint = templates["bricklab-endpoint"]
    [name] = [name for name, item in endpoint["Parameters"].items() if item.get("Default") == parameter["Name"]]
    assert endpoint["Parameters"][name]["Type"] == "AWS::SSM::Parameter::Value<String>"
    model = of_kind(endpoint, "AWS::SageMaker::Model")["Properties"]
    assert model["PrimaryContainer"]["ModelDataUrl"] == {"Ref": name}


def test_a_new_artifact_updates_the_endpoint(templates: dict[str, Template]) -> None:
    """The endpoint's name stays; model and config have none of their own, so that they can be replaced."""
    endpoint = templates["bricklab-endpoint"]
    assert of_kind(endpoint, "AWS::SageMaker::Endpoint")["Properties"]["EndpointName"] == "bricklab"
    assert "ModelName" not in of_kind(endpoint, "AWS::SageMaker::Model")["Properties"]
    assert "EndpointConfigName" not in of_kind(endpoint, "AWS::SageMaker::EndpointConfig")["Properties"]


def test_every_core_of_the_endpoint_answers(templates: dict[str, Template]) -> None:
    """inference.py runs in as many processes as the instance has virtual CPUs."""
    model = of_kind(templates["bricklab-endpoint"], "AWS::SageMaker::Model")["Properties"]
    assert model["PrimaryContainer"]["Environment"] == {"SAGEMAKER_GUNICORN_WORKERS": "2"}


def test_the_endpoint_waits_for_the_training(app: cdk.App, templates: dict[str, Template]) -> None:
    """A parameter is no reference that CloudFormation could order by, so the app says the order."""
    assert templates
    stacks = {stack.stack_name: stack for stack in app.synth().stacks}
    assert "bricklab-training" in {item.id for item in stacks["bricklab-endpoint"].dependencies}


def test_the_endpoint_is_encrypted_and_captures(resources: Resources) -> None:
    """Volume and captures have the lab's key; JSON is kept as text, all else in base64."""
    [config] = resources("AWS::SageMaker::EndpointConfig")
    assert "Fn::ImportValue" in config["KmsKeyId"]
    capture = config["DataCaptureConfig"]
    assert "Fn::ImportValue" in capture["KmsKeyId"]
    assert capture["EnableCapture"] is True
    assert capture["InitialSamplingPercentage"] == 100
    assert capture["CaptureOptions"] == [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}]
    assert capture["CaptureContentTypeHeader"] == {"JsonContentTypes": ["application/json"]}
