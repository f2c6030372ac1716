"""A serverless endpoint, and an asynchronous one with a request that waits, come back after a kill as they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from embedded_aws import gateway
from tests.embedded_aws.account import Account, answering
from tests.embedded_aws.home import Home
from tests.embedded_aws.services.sagemaker.endpoints.test_async_inference import answer, ask, asynchronous
from tests.embedded_aws.services.sagemaker.endpoints.test_serverless import processes, serverless

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """An embedded AWS with a clock that runs a hundred times as fast."""
    made = Home(tmp_path / "home", pace=0.01)
    yield made
    gateway.forget(made.home)


def test_what_waits_is_answered_after_a_kill(home: Home) -> None:
    """The queue outlives it, and with it that there was no instance; a serverless endpoint has no process before."""
    account = Account(home.client)
    model = account.model(answering())
    cold = account.endpoint(serverless(account, model))
    queued = account.endpoint(account.config(model, AsyncInferenceConfig=asynchronous()))
    change = {"VariantName": "v0", "DesiredInstanceCount": 0}
    account.sagemaker.update_endpoint_weights_and_capacities(EndpointName=queued, DesiredWeightsAndCapacities=[change])
    account.settled(queued)
    inline = ask(account, queued, ContentType="text/csv", Body=b"1,2,3")
    told = [inline, ask(account, queued, b"4", ContentType="text/csv")]
    home.kill()
    account.reach(home.client)
    for name in (cold, queued):
        account.settled(name)
    assert not processes(cold)
    assert account.invoke(cold, [1, 2, 3]) == {"predictions": [[6.0]]}
    described = account.sagemaker.describe_endpoint(EndpointName=cold)["ProductionVariants"][0]
    assert described["DeployedImages"]
    change["DesiredInstanceCount"] = 1
    account.sagemaker.update_endpoint_weights_and_capacities(EndpointName=queued, DesiredWeightsAndCapacities=[change])
    assert [answer(account, each["OutputLocation"]) for each in told] == [
        b'{"predictions": [[6.0]]}',
        b'{"predictions": [[4.0]]}',
    ]
