"""Each type of resource is created, described, listed and deleted as on AWS."""

from __future__ import annotations

from typing import Any

import pytest
from botocore import xform_name

from embedded_aws.services.sagemaker import api
from embedded_aws.services.sagemaker.resource_types import RESOURCE_TYPES
from tests.embedded_aws.services.sagemaker import calls, samples
from tests.embedded_aws.services.sagemaker.calls import ARN
from tests.embedded_aws.services.sagemaker.conftest import ACCOUNT, REGION

TYPES = [*calls.CREATE]
CREATE = calls.CREATE
TITLE = {resource_type: "".join(part.title() for part in resource_type.split("_")) for resource_type in TYPES}
MISSING = {
    "notebook_instance": "RecordNotFound",
    "notebook_instance_lifecycle_config": (
        "Unable to {verb} Notebook Instance Lifecycle Config "
        f"'{ARN}:notebook-instance-lifecycle-config/nothing'. "
        "(Details: Notebook Instance Lifecycle Config does not exist.)"
    ),
    "model": f'Could not find model "{ARN}:model/nothing".',
    "endpoint_config": f'Could not find endpoint configuration "{ARN}:endpoint-config/nothing".',
    "endpoint": f'Could not find endpoint "{ARN}:endpoint/nothing".',
    "training_job": "Requested resource not found.",
    "transform_job": "Could not find requested job with name: nothing",
    "processing_job": "Could not find requested job with name: nothing",
    "hyper_parameter_tuning_job": "Amazon SageMaker can't find a tuning job with the name nothing.",
    "model_package_group": f"ModelPackageGroup {ARN}:model-package-group/nothing does not exist.",
    "model_package": f"ModelPackage {ARN}:model-package/nothing does not exist.",
    "pipeline": f"Pipeline '{ARN}:pipeline/nothing' does not exist.",
    "model_card": f"Model card {ARN}:model-card/nothing does not exist.",
    "monitoring_schedule": f"Monitoring Schedule {ARN}:monitoring-schedule/nothing not found",
    "workforce": "No workforce found with the name nothing.",
    "workteam": f"The work team {ARN}:workteam/private-crowd/nothing could not be found.",
    "human_task_ui": f"Human task UI {ARN}:human-task-ui/nothing not found.",
    "labeling_job": f"Could not find the labeling job {ARN}:labeling-job/nothing.",
}
NOT_FOUND = (
    "hyper_parameter_tuning_job",
    "pipeline",
    "model_card",
    "monitoring_schedule",
    "human_task_ui",
    "labeling_job",
)  # where AWS has a code of its own
TAKEN = {
    "notebook_instance": ("ValidationException", "Cannot create a duplicate Notebook Instance ({arn})"),
    "notebook_instance_lifecycle_config": (
        "ValidationException",
        (
            "Unable to create Notebook Instance Lifecycle Config {arn}. "
            "(Details: Notebook Instance Lifecycle Config already exists.)"
        ),
    ),
    "model": ("ValidationException", 'Cannot create already existing model "{arn}".'),
    "endpoint_config": ("ValidationException", 'Cannot create already existing endpoint configuration "{arn}".'),
    "endpoint": ("ValidationException", 'Cannot create already existing endpoint "{arn}".'),
    "training_job": (
        "ResourceInUse",
        (
            "Training job names must be unique within an AWS account and region, "
            "and a training job with this name already exists ({arn})"
        ),
    ),
    "transform_job": (
        "ResourceInUse",
        ("Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})"),
    ),
    "processing_job": (
        "ResourceInUse",
        ("Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})"),
    ),
    "hyper_parameter_tuning_job": (
        "ResourceInUse",
        (
            "Hyperparameter tuning job names must be unique within an AWS account and region, "
            "and a hyperparameter tuning job with this name already exists ({arn})"
        ),
    ),
    "model_package_group": ("ValidationException", "Model Package Group already exists: {arn}"),
    "model_package": ("ValidationException", "Model Package already exists: {arn}"),
    "pipeline": (
        "ValidationException",
        (
            "Pipeline names must be unique within an AWS account and region and a pipeline with name (MINE) "
            "already exists."
        ),
    ),
    "model_card": ("ConflictException", "Model card {arn} already exists."),
    "monitoring_schedule": ("ResourceInUse", "Monitoring Schedule {arn} already exists"),
    "labeling_job": (
        "ResourceInUse",
        (
            "Labeling job names must be unique within an AWS account and region, and a labeling job with this name "
            "already exists ({arn})"
        ),
    ),
}


@pytest.mark.parametrize("resource_type", TYPES)
def test_a_created_resource_is_described_and_listed(sagemaker: Any, resource_type: str) -> None:
    """Describe and List answer with the name and the ARN that Create gave."""
    arn = CREATE[resource_type](sagemaker, "Mine")[f"{TITLE[resource_type]}Arn"]
    name = "Mine" if resource_type == "pipeline" else "mine"  # the others' ARNs are in lower case
    assert arn == f"{ARN}:{resource_type.replace('_', '-')}/{name}"
    described = getattr(sagemaker, f"describe_{resource_type}")(**{f"{TITLE[resource_type]}Name": "Mine"})
    assert (described[f"{TITLE[resource_type]}Name"], described[f"{TITLE[resource_type]}Arn"]) == ("Mine", arn)
    listed = getattr(sagemaker, f"list_{resource_type}s")()
    summaries = next(value for value in listed.values() if isinstance(value, list))
    assert [summary[f"{TITLE[resource_type]}Arn"] for summary in summaries] == [arn]
    assert summaries[0]["CreationTime"] == described["CreationTime"]


@pytest.mark.parametrize(
    ("verb", "resource_type"),
    [
        (verb, resource_type.name)
        for resource_type in RESOURCE_TYPES.values()
        for verb in resource_type.verbs
        if verb not in ("Create", "List", *resource_type.own_verbs)
    ],
)
def test_an_absent_resource_is_refused_in_the_words_of_aws(unchecked: Any, resource_type: str, verb: str) -> None:
    """Whatever is asked of what is not there is refused with the type's own code and sentence."""
    operation = RESOURCE_TYPES[resource_type].operation(verb)
    called = {f"{resource_type}Name": "nothing"}
    shape = api.operation_model(operation).input_shape
    if called.keys().isdisjoint(api.input_members(operation)):
        called = {f"{resource_type}Arn": RESOURCE_TYPES[resource_type].arn("nothing", account=ACCOUNT, region=REGION)}
    request = {**samples.least(shape), **called}
    call = getattr(unchecked, xform_name(operation))
    name = xform_name(resource_type)
    code = "ResourceNotFound" if name in NOT_FOUND else "ValidationException"
    expected = MISSING[name].format(verb=verb.lower())
    if verb.endswith("Policy"):
        expected = f"Cannot find Model Package Group: {ARN}:model-package-group/nothing"
    assert calls.refusal(call, **request) == (code, expected)


@pytest.mark.parametrize("resource_type", TYPES)
def test_a_name_is_taken_whatever_its_case(sagemaker: Any, resource_type: str) -> None:
    """A second resource of the name is refused, also when only the case differs."""
    arn = CREATE[resource_type](sagemaker, "mine")[f"{TITLE[resource_type]}Arn"]
    code, text = TAKEN[resource_type]
    assert calls.refusal(lambda: CREATE[resource_type](sagemaker, "MINE")) == (code, text.format(arn=arn))


@pytest.mark.parametrize(
    "resource_type",
    [
        "notebook_instance_lifecycle_config",
        "model",
        "endpoint_config",
        "model_package_group",
        "model_package",
        "model_card",
    ],
)
def test_a_plain_resource_is_gone_once_deleted(sagemaker: Any, resource_type: str) -> None:
    """Delete removes the record at once, and its name can be used again."""
    CREATE[resource_type](sagemaker, "mine")
    name = {f"{TITLE[resource_type]}Name": "mine"}
    getattr(sagemaker, f"delete_{resource_type}")(**name)
    refused = calls.refusal(getattr(sagemaker, f"describe_{resource_type}"), **name)
    assert refused[0] in ("ValidationException", "ResourceNotFound")
    CREATE[resource_type](sagemaker, "mine")


def test_a_lifecycle_config_is_updated(sagemaker: Any) -> None:
    """The update's script replaces the one given before; the time of the change is stamped."""
    calls.lifecycle(sagemaker, OnStart=[{"Content": "YQ=="}])
    name = {"NotebookInstanceLifecycleConfigName": "onstart"}
    before = sagemaker.describe_notebook_instance_lifecycle_config(**name)
    sagemaker.update_notebook_instance_lifecycle_config(**name, OnStart=[{"Content": "Yg=="}])
    after = sagemaker.describe_notebook_instance_lifecycle_config(**name)
    assert after["OnStart"] == [{"Content": "Yg=="}]
    assert after["LastModifiedTime"] > before["LastModifiedTime"]


def test_a_model_and_a_config_go_while_they_are_used(sagemaker: Any) -> None:
    """DeleteModel and DeleteEndpointConfig do not look at who uses them, as on AWS."""
    calls.endpoint(sagemaker)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="lab", WaiterConfig={"Delay": 0.01})
    sagemaker.delete_model(ModelName="bricks")
    sagemaker.delete_endpoint_config(EndpointConfigName="config")
    assert sagemaker.describe_endpoint(EndpointName="lab")["EndpointStatus"] == "InService"


def test_regions_are_apart(sagemaker: Any, service: Any) -> None:
    """A resource of one region is not there in another."""
    calls.model(sagemaker)
    service.caller = lambda: ("000000000000", "eu-west-1")
    assert sagemaker.list_models()["Models"] == []
    image = {"Image": calls.IMAGE.replace("us-east-1", "eu-west-1")}
    sagemaker.create_model(ModelName="bricks", PrimaryContainer=image, ExecutionRoleArn=calls.ROLE)


def test_defaults_are_filled_in(sagemaker: Any) -> None:
    """Describe answers what AWS takes when the request leaves it out."""
    calls.notebook(sagemaker)
    calls.model(sagemaker)
    seat = sagemaker.describe_notebook_instance(NotebookInstanceName="seat")
    assert (seat["VolumeSizeInGB"], seat["DirectInternetAccess"], seat["RootAccess"]) == (5, "Enabled", "Enabled")
    assert "Url" not in seat
    assert sagemaker.describe_model(ModelName="bricks")["EnableNetworkIsolation"] is False


def test_a_config_needs_its_models(sagemaker: Any) -> None:
    """CreateEndpointConfig names the missing model."""
    refused = calls.refusal(
        sagemaker.create_endpoint_config,
        EndpointConfigName="config",
        ProductionVariants=[calls.variant("nothing")],
    )
    assert refused == ("ValidationException", f'Could not find model "{ARN}:model/nothing".')
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []


def test_an_endpoint_needs_its_config(sagemaker: Any) -> None:
    """CreateEndpoint names the missing configuration."""
    refused = calls.refusal(sagemaker.create_endpoint, EndpointName="lab", EndpointConfigName="nothing")
    expected = f'Could not find endpoint configuration "{ARN}:endpoint-config/nothing".'
    assert refused == ("ValidationException", expected)


def test_an_endpoint_needs_its_configs_models(sagemaker: Any) -> None:
    """CreateEndpoint looks through the configuration at its models."""
    calls.endpoint_config(sagemaker)
    sagemaker.delete_model(ModelName="bricks")
    refused = calls.refusal(sagemaker.create_endpoint, EndpointName="lab", EndpointConfigName="config")
    assert refused == ("ValidationException", f'Could not find model "{ARN}:model/bricks".')
    assert sagemaker.list_endpoints()["Endpoints"] == []


def test_an_update_needs_its_config(sagemaker: Any) -> None:
    """UpdateEndpoint names the missing configuration and changes nothing."""
    calls.endpoint(sagemaker)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="lab", WaiterConfig={"Delay": 0.01})
    refused = calls.refusal(sagemaker.update_endpoint, EndpointName="lab", EndpointConfigName="nothing")
    assert "endpoint-config/nothing" in refused[1]
    assert sagemaker.describe_endpoint(EndpointName="lab")["EndpointStatus"] == "InService"


@pytest.mark.parametrize("name", ["onstart", "ONSTART"])
def test_a_notebook_finds_its_lifecycle_config(sagemaker: Any, name: str) -> None:
    """CreateNotebookInstance takes the name of a lifecycle configuration, whatever its case."""
    refused = calls.refusal(lambda: calls.notebook(sagemaker, LifecycleConfigName=name))
    assert "notebook-instance-lifecycle-config/onstart" in refused[1]
    calls.lifecycle(sagemaker, "onstart")
    calls.notebook(sagemaker, LifecycleConfigName=name)
    seat = sagemaker.describe_notebook_instance(NotebookInstanceName="seat")
    assert seat["NotebookInstanceLifecycleConfigName"] == name


def test_what_a_provider_refuses_is_not_recorded(sagemaker: Any) -> None:
    """A notebook without internet access needs a subnet; the refused one can be created afterwards."""
    refused = calls.refusal(lambda: calls.notebook(sagemaker, DirectInternetAccess="Disabled"))
    assert refused == ("ValidationException", "DirectInternetAccess can be Disabled only if SubnetId is given.")
    assert sagemaker.list_notebook_instances()["NotebookInstances"] == []
    calls.notebook(sagemaker, DirectInternetAccess="Disabled", SubnetId="subnet-1")
