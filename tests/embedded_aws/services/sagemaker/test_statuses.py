"""Resources pass through AWS's statuses, and an operation is allowed only in those in which AWS allows it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from tests.embedded_aws.services.sagemaker import calls
from tests.embedded_aws.services.sagemaker.calls import ARN

SEAT = {"NotebookInstanceName": "seat"}
REFUSED = (
    "Status ({}) not in ([{}]). Unable to transition to ({}) for Notebook Instance "
    f"({ARN}:notebook-instance/seat)"
)
QUICK = {"Delay": 0.01, "MaxAttempts": 500}


def wait(client: Any, waiter: str, **request: Any) -> None:
    """Wait with boto3's own waiter."""
    client.get_waiter(waiter).wait(**request, WaiterConfig=QUICK)


def status(client: Any) -> str:
    """Return the seat's status."""
    return str(client.describe_notebook_instance(**SEAT)["NotebookInstanceStatus"])


def test_the_life_of_a_notebook_instance(sagemaker: Any) -> None:
    """It comes into service, stops, is updated, starts again, and is gone, each step seen by boto3's waiters."""
    calls.lifecycle(sagemaker)
    calls.notebook(sagemaker, LifecycleConfigName="onstart")
    assert status(sagemaker) == "Pending"
    wait(sagemaker, "notebook_instance_in_service", **SEAT)
    sagemaker.stop_notebook_instance(**SEAT)
    assert status(sagemaker) == "Stopping"
    wait(sagemaker, "notebook_instance_stopped", **SEAT)
    sagemaker.update_notebook_instance(**SEAT, VolumeSizeInGB=20, DisassociateLifecycleConfig=True)
    assert status(sagemaker) == "Updating"
    wait(sagemaker, "notebook_instance_stopped", **SEAT)
    seat = sagemaker.describe_notebook_instance(**SEAT)
    assert seat["VolumeSizeInGB"] == 20
    assert "NotebookInstanceLifecycleConfigName" not in seat
    sagemaker.start_notebook_instance(**SEAT)
    assert status(sagemaker) == "Pending"
    wait(sagemaker, "notebook_instance_in_service", **SEAT)
    sagemaker.stop_notebook_instance(**SEAT)
    wait(sagemaker, "notebook_instance_stopped", **SEAT)
    sagemaker.delete_notebook_instance(**SEAT)
    assert status(sagemaker) == "Deleting"
    wait(sagemaker, "notebook_instance_deleted", **SEAT)


@pytest.mark.parametrize(
    ("operation", "states", "target"),
    [
        ("start", "Stopped, Failed", "Pending"),
        ("update", "Stopped, Failed", "Updating"),
        ("delete", "Stopped, Failed", "Deleting"),
    ],
)
def test_what_a_running_notebook_refuses(sagemaker: Any, operation: str, states: str, target: str) -> None:
    """It must be stopped before it is started, updated or deleted."""
    calls.notebook(sagemaker)
    wait(sagemaker, "notebook_instance_in_service", **SEAT)
    refused = calls.refusal(getattr(sagemaker, f"{operation}_notebook_instance"), **SEAT)
    assert refused == (
        "ValidationException",
        REFUSED.format("InService", states, target),
    )
    assert status(sagemaker) == "InService"


def test_a_stopped_notebook_cannot_be_stopped(sagemaker: Any) -> None:
    """Only one in service can."""
    calls.notebook(sagemaker)
    wait(sagemaker, "notebook_instance_in_service", **SEAT)
    sagemaker.stop_notebook_instance(**SEAT)
    wait(sagemaker, "notebook_instance_stopped", **SEAT)
    assert calls.refusal(sagemaker.stop_notebook_instance, **SEAT) == (
        "ValidationException",
        REFUSED.format("Stopped", "InService", "Stopping"),
    )


def test_an_endpoint_in_progress_is_left_alone(sagemaker: Any) -> None:
    """Neither update nor delete is taken while it is being created; both are once it serves."""
    calls.endpoint(sagemaker, "held")
    expected = ("ValidationException", f'Cannot update in-progress endpoint "{ARN}:endpoint/held".')
    assert calls.refusal(sagemaker.delete_endpoint, EndpointName="held") == expected
    assert calls.refusal(sagemaker.update_endpoint, EndpointName="held", EndpointConfigName="config") == expected
    calls.endpoint(sagemaker)
    name = {"EndpointName": "lab"}
    wait(sagemaker, "endpoint_in_service", **name)
    sagemaker.update_endpoint(**name, EndpointConfigName="config")
    wait(sagemaker, "endpoint_in_service", **name)
    sagemaker.delete_endpoint(**name)
    wait(sagemaker, "endpoint_deleted", **name)


def test_a_failed_endpoint_can_only_be_deleted(sagemaker: Any) -> None:
    """Its reason is told, an update is refused, a delete is not."""
    calls.endpoint(sagemaker, config="broken")
    name = {"EndpointName": "lab"}
    while (endpoint := sagemaker.describe_endpoint(**name))["EndpointStatus"] == "Creating":
        pass
    assert (endpoint["EndpointStatus"], endpoint["FailureReason"]) == ("Failed", "The model does not load.")
    assert calls.refusal(sagemaker.update_endpoint, **name, EndpointConfigName="broken")[0] == "ValidationException"
    sagemaker.delete_endpoint(**name)
    wait(sagemaker, "endpoint_deleted", **name)


def test_only_an_ended_training_job_is_deleted(sagemaker: Any) -> None:
    """ResourceInUse while it runs; afterwards it goes and leaves its name."""
    calls.training_job(sagemaker)
    name = {"TrainingJobName": "job"}
    assert calls.refusal(sagemaker.delete_training_job, **name)[0] == "ResourceInUse"
    sagemaker.stop_training_job(**name)
    wait(sagemaker, "training_job_completed_or_stopped", **name)
    assert calls.refusal(sagemaker.stop_training_job, **name) == (
        "ValidationException",
        "The request was rejected because the training job is in status Stopped.",
    )
    sagemaker.delete_training_job(**name)
    calls.training_job(sagemaker)


def test_the_waiters_of_our_resource_types(sagemaker: Any) -> None:
    """Each waiter that boto3 has for a resource type there is here is driven by a test of this module."""
    ours = {name for name in sagemaker.waiter_names if not name.startswith("image_")}
    assert ours == {
        *(f"endpoint_{end}" for end in ("in_service", "deleted")),
        *(f"notebook_instance_{end}" for end in ("in_service", "stopped", "deleted")),
        *(f"{resource_type}_job_completed_or_stopped" for resource_type in ("training", "transform", "processing")),
    }


@pytest.mark.parametrize("resource_type", ["training_job", "transform_job", "processing_job"])
def test_a_job_that_is_waited_for(sagemaker: Any, resource_type: str) -> None:
    """Its waiter goes on while it runs and ends when it has stopped; to wait for one that is not there is an error."""
    name = {f"{resource_type.replace('_', ' ').title().replace(' ', '')}Name": "job"}
    waiter = sagemaker.get_waiter(f"{resource_type}_completed_or_stopped")
    with pytest.raises(WaiterError):
        waiter.wait(**name, WaiterConfig=QUICK)
    calls.CREATE[resource_type](sagemaker)
    with pytest.raises(WaiterError, match="Max attempts exceeded"):
        waiter.wait(**name, WaiterConfig={**QUICK, "MaxAttempts": 2})
    getattr(sagemaker, f"stop_{resource_type}")(**name)
    waiter.wait(**name, WaiterConfig=QUICK)


@pytest.mark.parametrize("operation", ["delete_model", "stop_notebook_instance"])
def test_of_many_at_once_one_is_taken(sagemaker: Any, operation: str) -> None:
    """Operations on one resource come one after the other: the first changes its state, the rest see that."""
    calls.model(sagemaker)
    calls.notebook(sagemaker)
    wait(sagemaker, "notebook_instance_in_service", **SEAT)
    request = SEAT if "notebook" in operation else {"ModelName": "bricks"}

    def taken(_: int) -> bool:
        try:
            getattr(sagemaker, operation)(**request)
        except ClientError:
            return False
        return True

    with ThreadPoolExecutor(8) as callers:
        assert sum(callers.map(taken, range(8))) == 1
