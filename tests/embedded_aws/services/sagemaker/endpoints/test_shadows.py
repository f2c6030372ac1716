"""A shadow variant gets copies of requests by its weight; callers neither see nor wait for what becomes of them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.embedded_aws.account import BUCKET, Account, answering, until

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.usefixtures("ended")
SLOW = b"""
import json
import time

def handler(data, context):
    body = json.loads(data.read())
    if body == "fail":
        raise ValueError("no such thing")
    time.sleep(body["instances"][0][0])
    return json.dumps({"shadow": body}), "application/json"
"""
CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": f"s3://{BUCKET}/shadowed",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
}


def shadow(model: str, *, weight: float = 1.0, name: str = "shadow") -> dict[str, Any]:
    """A shadow variant of a model."""
    return {
        "VariantName": name,
        "ModelName": model,
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
        "InitialVariantWeight": weight,
    }


@pytest.fixture(scope="module")
def models(account: Account) -> tuple[str, str]:
    """The production model, and the shadow's, which sleeps and fails as it is told."""
    return account.model(answering()), account.model({"1/saved_model.pb": b"", "code/inference.py": SLOW})


@pytest.fixture(scope="module")
def endpoint(account: Account, models: tuple[str, str]) -> str:
    """An endpoint whose shadow gets all of its requests; both are captured."""
    production, candidate = models
    config = account.config(production, ShadowProductionVariants=[shadow(candidate)], DataCaptureConfig=CAPTURE)
    return account.endpoint(config)


def captured(account: Account, endpoint: str, variant: str, inference: str) -> list[Mapping[str, Any]]:
    """What was captured of a variant under an InferenceId."""
    keys = account.keys(f"shadowed/{endpoint}/{variant}/")
    records = [json.loads(line) for key in keys for line in account.get(f"s3://{BUCKET}/{key}").splitlines()]
    return [each for each in records if each["eventMetadata"].get("inferenceId") == inference]


def counted(account: Account, endpoint: str, metric: str = "Invocations") -> float:
    """The sum of one of the shadow variant's metrics."""
    variant = {"EndpointName": endpoint, "VariantName": "shadow"}
    return float(sum(each["Sum"] for each in account.statistics("AWS/SageMaker", metric, variant, "Sum")))


def test_both_variants_are_captured(account: Account, endpoint: str) -> None:
    """The caller gets the production variant's answer; the shadow's lies beside it in S3."""
    body = {"instances": [[0, 2, 3]]}
    answer = account.runtime.invoke_endpoint(
        EndpointName=endpoint, ContentType="application/json", Body=json.dumps(body), InferenceId="one"
    )
    assert answer["InvokedProductionVariant"] == "v0"
    assert json.loads(answer["Body"].read()) == {"predictions": [[5.0]]}
    [production] = until(lambda: captured(account, endpoint, "v0", "one"))
    [copy] = until(lambda: captured(account, endpoint, "shadow", "one"))
    assert production["captureData"]["endpointInput"] == copy["captureData"]["endpointInput"]
    assert json.loads(production["captureData"]["endpointOutput"]["data"]) == {"predictions": [[5.0]]}
    assert json.loads(copy["captureData"]["endpointOutput"]["data"]) == {"shadow": body}


def test_a_shadow_holds_nobody_up(account: Account, endpoint: str) -> None:
    """Neither its slowness nor its errors come to the caller; both stand in its metrics."""
    began = time.monotonic()
    assert account.invoke(endpoint, {"instances": [[3, 0, 0]]}, InferenceId="slow") == {"predictions": [[3.0]]}
    assert not captured(account, endpoint, "shadow", "slow")  # it sleeps for three seconds
    with pytest.raises(account.runtime.exceptions.ModelError):
        account.invoke(endpoint, "fail")  # the production model can't make anything of it either
    until(lambda: captured(account, endpoint, "shadow", "slow"))
    assert time.monotonic() - began > 3
    until(lambda: counted(account, endpoint, "Invocation5XXErrors") == 1)
    assert counted(account, endpoint) >= 2


def test_it_is_described_and_changed(account: Account, endpoint: str) -> None:
    """DescribeEndpoint has it beside the production variant; its weight is what part of the requests is copied."""
    described = account.sagemaker.describe_endpoint(EndpointName=endpoint)
    assert [each["VariantName"] for each in described["ProductionVariants"]] == ["v0"]
    [variant] = described["ShadowProductionVariants"]
    assert (variant["VariantName"], variant["CurrentInstanceCount"], variant["CurrentWeight"]) == ("shadow", 1, 1.0)
    with pytest.raises(account.runtime.exceptions.ValidationError, match="Variant shadow not found"):
        account.invoke(endpoint, {"instances": [[0, 0, 0]]}, TargetVariant="shadow")
    account.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=endpoint, DesiredWeightsAndCapacities=[{"VariantName": "shadow", "DesiredWeight": 0.25}]
    )
    assert account.settled(endpoint)["ShadowProductionVariants"][0]["CurrentWeight"] == 0.25
    for _ in range(200):
        account.invoke(endpoint, {"instances": [[0, 0, 1]]}, InferenceId="part")
    until(lambda: len(captured(account, endpoint, "v0", "part")) == 200)
    assert 20 < len(captured(account, endpoint, "shadow", "part")) < 90  # 50, with a deviation of 6


def test_it_goes_with_the_configuration(account: Account, endpoint: str, models: tuple[str, str]) -> None:
    """An update to a configuration without it ends it; what is to come is in PendingDeploymentSummary until then."""
    account.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=account.config(models[0]))
    described = account.settled(endpoint)
    assert "ShadowProductionVariants" not in described
    with_shadow = account.config(models[0], ShadowProductionVariants=[shadow(models[1])])
    account.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=with_shadow)
    pending = account.sagemaker.describe_endpoint(EndpointName=endpoint)["PendingDeploymentSummary"]
    assert [each["VariantName"] for each in pending["ShadowProductionVariants"]] == ["shadow"]
    assert account.settled(endpoint)["ShadowProductionVariants"][0]["CurrentInstanceCount"] == 1


def test_what_does_not_go_together(account: Account, models: tuple[str, str]) -> None:
    """One production and one shadow variant, of different names."""
    with pytest.raises(ClientError, match="only specify one variant for ProductionVariants"):
        account.config(*models, ShadowProductionVariants=[shadow(models[1])])
    with pytest.raises(ClientError, match="only specify one variant for ProductionVariants"):
        account.config(models[0], ShadowProductionVariants=[shadow(models[1]), shadow(models[1], name="other")])
    with pytest.raises(ClientError, match="VariantName must be unique"):
        account.config(models[0], ShadowProductionVariants=[shadow(models[1], name="v0")])
