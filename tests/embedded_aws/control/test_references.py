"""A request that names a resource which is not there is refused, and leaves nothing behind."""

from __future__ import annotations

from typing import Any

import pytest

from tests.embedded_aws.control import calls
from tests.embedded_aws.control.calls import ARN


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


def test_what_a_behaviour_refuses_is_not_recorded(sagemaker: Any) -> None:
    """A notebook without internet access needs a subnet; the refused one can be created afterwards."""
    refused = calls.refusal(lambda: calls.notebook(sagemaker, DirectInternetAccess="Disabled"))
    assert refused == ("ValidationException", "DirectInternetAccess can be Disabled only if SubnetId is given.")
    assert sagemaker.list_notebook_instances()["NotebookInstances"] == []
    calls.notebook(sagemaker, DirectInternetAccess="Disabled", SubnetId="subnet-1")
