"""Step Functions reaches the embedded SageMaker through its aws-sdk integration, unmodified."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROLE = "arn:aws:iam::000000000000:role/states"


def run(
    states: Any, name: str, action: str, parameters: dict[str, Any], *, service: str = "aws-sdk:sagemaker"
) -> dict[str, Any]:
    """The ended execution of a state machine with one task."""
    task = {"Type": "Task", "Resource": f"arn:aws:states:::{service}:{action}", "End": True}
    definition = {"StartAt": "Ask", "States": {"Ask": {**task, "Parameters": parameters}}}
    machine = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
    execution = states.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    deadline = time.monotonic() + 30
    while (ended := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return dict(ended)


@pytest.fixture
def states(client: Callable[[str], Any]) -> Any:
    """Step Functions."""
    return client("stepfunctions")


def test_a_task_gets_sagemakers_answer(states: Any, client: Callable[[str], Any]) -> None:
    """What a task creates is there for every other client."""
    parameters = {"NotebookInstanceLifecycleConfigName": "from-states", "OnStart": [{"Content": "YQ=="}]}
    ended = run(states, "make", "createNotebookInstanceLifecycleConfig", parameters)
    assert ended["status"] == "SUCCEEDED"
    made = client("sagemaker").describe_notebook_instance_lifecycle_config(
        NotebookInstanceLifecycleConfigName="from-states"
    )
    assert (
        json.loads(ended["output"])["NotebookInstanceLifecycleConfigArn"] == made["NotebookInstanceLifecycleConfigArn"]
    )


def test_a_refused_task_fails_with_sagemakers_words(states: Any) -> None:
    """An error keeps AWS's code and message on its way through Step Functions."""
    ended = run(states, "ask", "describeEndpoint", {"EndpointName": "nowhere"})
    assert ended["status"] == "FAILED"
    assert ended["error"].startswith("SageMaker.")
    assert 'Could not find endpoint "arn:aws:sagemaker:' in ended["cause"]


def test_the_optimised_integration_is_refused_by_name(states: Any) -> None:
    """`sagemaker:createTrainingJob.sync` fails with its own name and the form that works: nothing is made up."""
    ended = run(states, "optimised", "createTrainingJob.sync", {}, service="sagemaker")
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    assert "arn:aws:states:::sagemaker:createTrainingJob.sync is not yet implemented" in ended["cause"]
    assert "aws-sdk" in ended["cause"]
