"""CloudFormation's handlers of SageMaker's types, called as CloudFormation calls them: on a thread that may wait."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from embedded_aws.services.cloudformation_types import ProvisioningError
from embedded_aws.services.sagemaker import cloudformation
from tests.embedded_aws.services.sagemaker import calls
from tests.embedded_aws.services.sagemaker.calls import ARN, IMAGE, ROLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from embedded_aws.services.sagemaker.service import SageMaker

NOTEBOOK = {"InstanceType": "ml.t3.medium", "RoleArn": ROLE}
MODEL = {"PrimaryContainer": {"Image": IMAGE}, "ExecutionRoleArn": ROLE}
STACK_TAGS = [{"Key": "lab", "Value": "bricks"}, {"Key": "aws:cloudformation:stack-name", "Value": "bricks"}]


class Stack:
    """Creates, updates and deletes resources as a stack of that name."""

    def __init__(self, service: SageMaker) -> None:
        self._types = cloudformation.resource_providers(service)

    def create(self, resource_type: str, **properties: Any) -> tuple[str, dict[str, str]]:
        """Return the resource's physical id and attributes."""
        made: tuple[str, dict[str, str]] = self._handler(resource_type, "create")("Mine", properties, "stack")
        return made

    def update(
        self, resource_type: str, physical_id: str, old: dict[str, Any], new: dict[str, Any]
    ) -> tuple[str, dict[str, str]]:
        """Return its physical id and attributes after an update."""
        changed: tuple[str, dict[str, str]] = self._handler(resource_type, "update")(physical_id, old, new, "stack")
        return changed

    def delete(self, resource_type: str, physical_id: str) -> None:
        """Delete it."""
        self._handler(resource_type, "delete")(physical_id, {})

    def _handler(self, resource_type: str, verb: str) -> Callable[..., Any]:
        handler: Callable[..., Any] = getattr(self._types[f"AWS::SageMaker::{resource_type}"], verb)
        return handler


@pytest.fixture
def stack(service: SageMaker) -> Stack:
    """Return a stack of the test's own service."""
    return Stack(service)


def hosting(stack: Stack, config: str = "config") -> tuple[str, dict[str, str]]:
    """Return a model, a configuration and an endpoint that serves them; what the endpoint's creation answered."""
    _, model = stack.create("Model", **MODEL)
    variants = [calls.variant(model["ModelName"], InitialInstanceCount="1", InitialVariantWeight="1.0")]
    _, made = stack.create("EndpointConfig", EndpointConfigName=config, ProductionVariants=variants)
    return stack.create("Endpoint", EndpointName="lab", EndpointConfigName=made["EndpointConfigName"])


def test_a_resource_is_there_when_create_returns(stack: Stack, sagemaker: Any) -> None:
    """Ref is the ARN, GetAtt the name; endpoint and notebook instance are in service by then."""
    assert hosting(stack) == (f"{ARN}:endpoint/lab", {"EndpointName": "lab", "EndpointArn": f"{ARN}:endpoint/lab"})
    assert sagemaker.describe_endpoint(EndpointName="lab")["EndpointStatus"] == "InService"
    variant = sagemaker.describe_endpoint_config(EndpointConfigName="config")["ProductionVariants"][0]
    assert (variant["InitialInstanceCount"], variant["InitialVariantWeight"]) == (1, 1.0)
    stack.create("NotebookInstance", **NOTEBOOK, NotebookInstanceName="seat", VolumeSizeInGB="20")
    seat = sagemaker.describe_notebook_instance(NotebookInstanceName="seat")
    assert (seat["NotebookInstanceStatus"], seat["VolumeSizeInGB"]) == ("InService", 20)


def test_containers_and_shadow_variants(stack: Stack, sagemaker: Any) -> None:
    """A template may have several containers, and a shadow variant."""
    containers = [{"Image": calls.IMAGE, "ContainerHostname": name} for name in ("one", "two")]
    execution = {"InferenceExecutionConfig": {"Mode": "Direct"}}
    _, model = stack.create("Model", Containers=containers, ExecutionRoleArn=calls.ROLE, **execution)
    described = sagemaker.describe_model(ModelName=model["ModelName"])
    assert described["InferenceExecutionConfig"] == {"Mode": "Direct"}
    assert [each["ContainerHostname"] for each in described["Containers"]] == ["one", "two"]
    production, shadow = (calls.variant(model["ModelName"], VariantName=name) for name in ("all", "shadow"))
    stack.create(
        "EndpointConfig",
        EndpointConfigName="shadowed",
        ProductionVariants=[production],
        ShadowProductionVariants=[shadow],
    )
    config = sagemaker.describe_endpoint_config(EndpointConfigName="shadowed")
    assert [each["VariantName"] for each in config["ShadowProductionVariants"]] == ["shadow"]


def test_a_resource_without_a_name_gets_its_own(stack: Stack, sagemaker: Any) -> None:
    """Two of one logical id, as in a replacement, have different names that begin with it."""
    (first, attributes), (second, _) = stack.create("Model", **MODEL), stack.create("Model", **MODEL)
    assert first != second
    assert attributes["ModelName"].startswith("Mine-")
    assert len(sagemaker.list_models()["Models"]) == 2


def test_tags_of_stack_and_service_reach_the_resource(stack: Stack, sagemaker: Any) -> None:
    """An update changes the template's own and keeps those that somebody added."""
    tagged = {**MODEL, "Tags": STACK_TAGS}
    arn, _ = stack.create("Model", **tagged)
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == STACK_TAGS
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "by", "Value": "hand"}])
    stack.update("Model", arn, tagged, {**MODEL, "Tags": [{"Key": "seat", "Value": "one"}, STACK_TAGS[1]]})
    tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
    assert tags == {"aws:cloudformation:stack-name": "bricks", "by": "hand", "seat": "one"}


def test_a_failed_endpoint_fails_the_stack_with_its_reason(stack: Stack, sagemaker: Any) -> None:
    """The reason is what CloudFormation shows; nothing is left that the rollback would not know of."""
    with pytest.raises(ProvisioningError, match="The model does not load"):
        hosting(stack, "broken")
    assert sagemaker.list_endpoints()["Endpoints"] == []


def test_an_endpoint_takes_a_new_config_in_place(stack: Stack, sagemaker: Any) -> None:
    """The update returns when the new configuration serves."""
    arn, _ = hosting(stack)
    calls.endpoint_config(sagemaker, "second")
    old = {"EndpointName": "lab", "EndpointConfigName": "config"}
    assert stack.update("Endpoint", arn, old, {**old, "EndpointConfigName": "second"})[0] == arn
    endpoint = sagemaker.describe_endpoint(EndpointName="lab")
    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", "second")


def test_an_update_that_an_endpoint_rolled_back_passes_for_success(stack: Stack, sagemaker: Any) -> None:
    """It is InService, with the old configuration: who wants to know has to look."""
    arn, _ = hosting(stack)
    calls.endpoint_config(sagemaker, "broken")
    old = {"EndpointName": "lab", "EndpointConfigName": "config"}
    stack.update("Endpoint", arn, old, {**old, "EndpointConfigName": "broken"})
    assert sagemaker.describe_endpoint(EndpointName="lab")["EndpointConfigName"] == "config"


def test_a_notebook_is_stopped_for_its_update_and_started_again(stack: Stack, sagemaker: Any) -> None:
    """Changed properties are taken over, one that the template no longer has is taken away."""
    stack.create("NotebookInstanceLifecycleConfig", NotebookInstanceLifecycleConfigName="onstart")
    old = {**NOTEBOOK, "NotebookInstanceName": "seat", "LifecycleConfigName": "onstart", "RootAccess": "Enabled"}
    arn, _ = stack.create("NotebookInstance", **old)
    new = {**NOTEBOOK, "NotebookInstanceName": "seat", "RootAccess": "Disabled"}
    assert stack.update("NotebookInstance", arn, old, new)[0] == arn
    seat = sagemaker.describe_notebook_instance(NotebookInstanceName="seat")
    assert (seat["NotebookInstanceStatus"], seat["RootAccess"]) == ("InService", "Disabled")
    assert "NotebookInstanceLifecycleConfigName" not in seat


def test_a_notebook_runs_again_after_an_update_that_failed(stack: Stack, sagemaker: Any) -> None:
    """A volume cannot shrink: the stack is told so, the instance is as it was."""
    old = {**NOTEBOOK, "NotebookInstanceName": "seat", "VolumeSizeInGB": 20}
    arn, _ = stack.create("NotebookInstance", **old)
    with pytest.raises(ProvisioningError, match="VolumeSizeInGB cannot be decreased"):
        stack.update("NotebookInstance", arn, old, {**old, "VolumeSizeInGB": 10})
    seat = sagemaker.describe_notebook_instance(NotebookInstanceName="seat")
    assert (seat["NotebookInstanceStatus"], seat["VolumeSizeInGB"]) == ("InService", 20)


def test_a_lifecycle_config_is_updated_in_place(stack: Stack, sagemaker: Any) -> None:
    """A script is replaced, one that the template no longer has is emptied."""
    old = {
        "NotebookInstanceLifecycleConfigName": "own",
        "OnStart": [{"Content": "YQ=="}],
        "OnCreate": [{"Content": "YQ=="}],
    }
    arn, _ = stack.create("NotebookInstanceLifecycleConfig", **old)
    new = {"NotebookInstanceLifecycleConfigName": "own", "OnStart": [{"Content": "Yg=="}]}
    stack.update("NotebookInstanceLifecycleConfig", arn, old, new)
    config = sagemaker.describe_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName="own")
    assert (config["OnStart"], config["OnCreate"]) == ([{"Content": "Yg=="}], [])


@pytest.mark.parametrize("state", ["InService", "Stopped", "Pending"])
def test_a_notebook_is_gone_when_delete_returns(stack: Stack, sagemaker: Any, state: str) -> None:
    """It is waited for and stopped first, whatever its state."""
    calls.notebook(sagemaker)
    if state != "Pending":
        sagemaker.get_waiter("notebook_instance_in_service").wait(
            NotebookInstanceName="seat", WaiterConfig={"Delay": 0.01}
        )
    if state == "Stopped":
        sagemaker.stop_notebook_instance(NotebookInstanceName="seat")
    stack.delete("NotebookInstance", f"{ARN}:notebook-instance/seat")
    assert sagemaker.list_notebook_instances()["NotebookInstances"] == []


def test_an_endpoint_is_gone_when_delete_returns(stack: Stack, sagemaker: Any) -> None:
    """One that is still being created is waited for; deleting it again is fine."""
    calls.endpoint(sagemaker)
    for _ in range(2):
        stack.delete("Endpoint", f"{ARN}:endpoint/lab")
        assert sagemaker.list_endpoints()["Endpoints"] == []


@pytest.mark.parametrize("step", ["StopNotebookInstance", "DeleteNotebookInstance"])
def test_two_may_take_down_a_notebook_at_once(
    service: SageMaker, stack: Stack, sagemaker: Any, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Somebody who is faster by one step does not fail the stack's deletion."""
    calls.notebook(sagemaker)
    call = service.call
    others: list[dict[str, Any]] = []

    def after_another(operation: str, document: dict[str, Any], **more: Any) -> dict[str, Any]:
        if operation == step and not others:
            others.append(call(operation, document, **more))
        return call(operation, document, **more)

    monkeypatch.setattr(service, "call", after_another)
    stack.delete("NotebookInstance", f"{ARN}:notebook-instance/seat")
    assert len(others) == 1
    assert sagemaker.list_notebook_instances()["NotebookInstances"] == []


def test_a_pipeline_is_known_by_its_name(stack: Stack, sagemaker: Any) -> None:
    """Ref is the name; its definition is the body, and another one updates it in place."""
    body = json.dumps({"Version": "2020-12-01", "Steps": [calls.endless()]})
    properties = {
        "PipelineName": "Mine",
        "RoleArn": calls.ROLE,
        "PipelineDefinition": {"PipelineDefinitionBody": body},
        "ParallelismConfiguration": {"MaxParallelExecutionSteps": "2"},
        "Tags": [{"Key": "lab", "Value": "kept"}],
    }
    assert stack.create("Pipeline", **properties) == ("Mine", {})
    told = sagemaker.describe_pipeline(PipelineName="Mine")
    assert (told["PipelineDefinition"], told["ParallelismConfiguration"]["MaxParallelExecutionSteps"]) == (body, 2)
    other = {"PipelineDefinition": {"PipelineDefinitionBody": body.replace('"Train"', '"Learn"')}}
    stack.update("Pipeline", "Mine", properties, {**properties, **other})
    assert "Learn" in sagemaker.describe_pipeline(PipelineName="Mine")["PipelineDefinition"]
    stack.delete("Pipeline", "Mine")
    assert sagemaker.list_pipelines()["PipelineSummaries"] == []


def test_what_somebody_deleted_is_deleted(stack: Stack, sagemaker: Any) -> None:
    """A stack can be taken down whose resources are gone, or going."""
    endpoint, _ = hosting(stack)
    notebook, _ = stack.create("NotebookInstance", **NOTEBOOK, NotebookInstanceName="seat")
    sagemaker.stop_notebook_instance(NotebookInstanceName="seat")
    sagemaker.get_waiter("notebook_instance_stopped").wait(NotebookInstanceName="seat", WaiterConfig={"Delay": 0.01})
    sagemaker.delete_notebook_instance(NotebookInstanceName="seat")
    sagemaker.delete_endpoint(EndpointName="lab")
    sagemaker.delete_endpoint_config(EndpointConfigName="config")
    for resource_type, arn in (
        ("NotebookInstance", notebook),
        ("Endpoint", endpoint),
        ("EndpointConfig", f"{ARN}:endpoint-config/config"),
    ):
        stack.delete(resource_type, arn)
    assert sagemaker.list_endpoints()["Endpoints"] == sagemaker.list_notebook_instances()["NotebookInstances"] == []


def test_an_endpoint_that_was_made_anew_is_the_stacks(stack: Stack, sagemaker: Any) -> None:
    """Deleted and created again under its name, it is updated and deleted with the stack as before."""
    arn, _ = hosting(stack)
    sagemaker.delete_endpoint(EndpointName="lab")
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="lab", WaiterConfig={"Delay": 0.01})
    calls.endpoint(sagemaker)
    calls.endpoint_config(sagemaker, "second")
    old = {"EndpointName": "lab", "EndpointConfigName": "config"}
    assert stack.update("Endpoint", arn, old, {**old, "EndpointConfigName": "second"})[0] == arn
    assert sagemaker.describe_endpoint(EndpointName="lab")["EndpointConfigName"] == "second"
    stack.delete("Endpoint", arn)
    assert sagemaker.list_endpoints()["Endpoints"] == []


@pytest.mark.parametrize(
    ("resource_type", "properties", "reason"),
    [
        ("Model", {**MODEL, "Shoe": 42}, r"#: extraneous key \[Shoe\] is not permitted"),
        (
            "Model",
            {"PrimaryContainer": {"Imago": IMAGE}},
            r"#/PrimaryContainer: extraneous key \[Imago\] is not permitted",
        ),
        ("Endpoint", {"EndpointConfigName": "nothing"}, r"Could not find endpoint configuration .*ValidationException"),
        (
            "EndpointConfig",
            {"ProductionVariants": [calls.variant(f"{ARN}:model/bricks")]},
            "'productionVariants.1.member.modelName' failed to satisfy constraint: Member must satisfy regular",
        ),
        ("NotebookInstance", {**NOTEBOOK, "VolumeSizeInGB": "many"}, "STRING_VALUE can not be converted to an Integer"),
    ],
)
def test_what_a_template_may_not_say(stack: Stack, resource_type: str, properties: dict[str, Any], reason: str) -> None:
    """Unknown properties and what the API refuses fail the resource with the reason."""
    with pytest.raises(ProvisioningError, match=reason):
        stack.create(resource_type, **properties)


def test_a_resource_that_somebody_deleted_is_not_updated(stack: Stack) -> None:
    """The update says that it is gone."""
    with pytest.raises(ProvisioningError, match="model/bricks is gone"):
        stack.update("Model", f"{ARN}:model/bricks", MODEL, {**MODEL, "Tags": STACK_TAGS})


def test_replacing_properties_are_those_of_the_schemas() -> None:
    """What replaces a resource is what CloudFormation's own schema calls create-only."""
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    for name, replacing in cloudformation.REPLACING.items():
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", name).schema
        assert {f"/properties/{one}" for one in replacing} == set(schema["createOnlyProperties"])
