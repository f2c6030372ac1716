"""What only AWS can do is refused by name, instead of being left out in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import botocore.exceptions
import pytest

from tests.embedded_aws.account import BUCKET, INFERENCE_IMAGE, Account

if TYPE_CHECKING:
    from typing import Any


def channel(uri: str) -> list[dict[str, Any]]:
    """Return InputDataConfig with the channel `training`."""
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return [{"ChannelName": "training", "DataSource": {"S3DataSource": source}}]


@pytest.mark.parametrize(
    ("request_part", "missing"),
    [
        ({"ResourceConfig": {"InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}}, "training without instances"),
        ({"OutputDataConfig": {"S3OutputPath": "s3://b", "CompressionType": "NONE"}}, "CompressionType NONE"),
        ({"InputDataConfig": [{**channel("s3://b/")[0], "ChannelName": ".."}]}, "a ChannelName of dots"),
        (
            {"InputDataConfig": [{**channel("s3://b/")[0], "CompressionType": "Gzip"}]},
            "InputDataConfig.training..CompressionType Gzip",
        ),
        (
            {"InfraCheckConfig": {"EnableInfraCheck": True}, "ExperimentConfig": {"TrialName": "a"}},
            "InfraCheckConfig.EnableInfraCheck True, ExperimentConfig",
        ),
    ],
)
def test_refuses_what_it_does_not_do(account: Account, request_part: dict[str, Any], missing: str) -> None:
    """What only AWS can do is refused with a coded error instead of being done otherwise."""
    with pytest.raises(botocore.exceptions.ClientError, match=f"does not offer.*{missing}"):
        account.start_job(**request_part)


def test_refuses_a_model_source_that_it_does_not_read(account: Account) -> None:
    """A model whose artifact is named elsewhere than in ModelDataUrl is not taken as if it had none."""
    source = {"S3Uri": f"s3://{BUCKET}/models/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    container = {"Image": INFERENCE_IMAGE, "ModelDataSource": {"S3DataSource": source}}
    with pytest.raises(botocore.exceptions.ClientError, match=r"does not offer PrimaryContainer\.ModelDataSource"):
        account.sagemaker.create_model(ModelName="hub", PrimaryContainer=container, ExecutionRoleArn=account.role)
