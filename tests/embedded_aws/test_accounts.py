"""An account that is closed is empty afterwards, in every service, and no other account notices."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.embedded_aws.account import CLUSTER, INFERENCE_IMAGE, TRAINING_IMAGE, archive, until

if TYPE_CHECKING:
    from embedded_aws.gateway import Gateway

ONE, OTHER = "111122223333", "444455556666"


def client(embedded: Gateway, account: str, service: str) -> Any:
    """Return a client of the account's root."""
    session = boto3.Session(account, "test", region_name="us-east-1")
    return session.client(service, endpoint_url=embedded.url)  # type: ignore[call-overload]  # any service's name


def close(embedded: Gateway, account: str) -> None:
    """Close an account."""
    request = embedded.admin_request(f"/_embedded_aws/accounts/{account}/close")
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own URL
        assert json.load(answer) == {"AccountId": account}


def fill(embedded: Gateway, account: str) -> None:
    """Make something in four services; only buckets' names are shared by all accounts."""
    client(embedded, account, "s3").create_bucket(Bucket=f"bucket-{account}")
    client(embedded, account, "s3").put_object(Bucket=f"bucket-{account}", Key="key", Body=b"content")
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = client(embedded, account, "iam").create_role(
        RoleName="role", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    client(embedded, account, "logs").create_log_group(logGroupName="/group")
    client(embedded, account, "sagemaker").create_training_job(
        TrainingJobName="job",
        RoleArn=role,
        AlgorithmSpecification={
            "TrainingImage": TRAINING_IMAGE,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["sleep", "600"],
        },
        OutputDataConfig={"S3OutputPath": f"s3://bucket-{account}/"},
        ResourceConfig=CLUSTER,
        StoppingCondition={"MaxRuntimeInSeconds": 900},
    )


def contents(embedded: Gateway, account: str) -> list[list[str]]:
    """Return the names of what `fill` makes."""
    made = client(embedded, account, "sagemaker").list_training_jobs()["TrainingJobSummaries"]
    return [
        [bucket["Name"] for bucket in client(embedded, account, "s3").list_buckets()["Buckets"]],
        [role["RoleName"] for role in client(embedded, account, "iam").list_roles()["Roles"]],
        [group["logGroupName"] for group in client(embedded, account, "logs").describe_log_groups()["logGroups"]],
        [job["TrainingJobName"] for job in made],
    ]


def test_a_closed_account_is_empty_and_may_be_used_again(embedded: Gateway) -> None:
    """Nothing of it is left, everything of the other is, and the same names can be taken at once."""
    others = [["role"], ["/group"], ["job"]]
    try:
        for account in (ONE, OTHER):
            fill(embedded, account)
        close(embedded, ONE)
        assert contents(embedded, ONE) == [[], [], [], []]
        assert contents(embedded, OTHER) == [[f"bucket-{OTHER}"], *others]
        fill(embedded, ONE)
        assert contents(embedded, ONE) == [[f"bucket-{ONE}"], *others]
    finally:
        for account in (ONE, OTHER):
            close(embedded, account)


def test_what_is_just_coming_up_ends_too(embedded: Gateway) -> None:
    """An endpoint and a notebook instance that are being created leave no host, no volume and no record."""
    fill(embedded, ONE)
    sagemaker, s3 = client(embedded, ONE, "sagemaker"), client(embedded, ONE, "s3")
    iam = client(embedded, ONE, "iam")
    role = iam.get_role(RoleName="role")["Role"]["Arn"]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="role", PolicyName="bucket", PolicyDocument=json.dumps(policy))
    code = b"import time\ntime.sleep(600)\n"
    s3.put_object(Bucket=f"bucket-{ONE}", Key="model.tar.gz", Body=archive({"code/inference.py": code}))
    container = {"Image": INFERENCE_IMAGE, "ModelDataUrl": f"s3://bucket-{ONE}/model.tar.gz"}
    sagemaker.create_model(ModelName="slow", PrimaryContainer=container, ExecutionRoleArn=role)
    variant = {"VariantName": "all", "ModelName": "slow", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="slow", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="closing", EndpointConfigName="slow")
    sagemaker.create_notebook_instance(NotebookInstanceName="closing", InstanceType="ml.t3.medium", RoleArn=role)
    state = Path(embedded.admin_token).parent / "state"

    def folders() -> list[Path]:
        return [*state.glob("endpoints/closing/*"), *state.glob("notebooks/closing-*")]

    until(lambda: len(folders()) == 2)
    close(embedded, ONE)
    assert not sagemaker.list_endpoints()["Endpoints"]
    assert not sagemaker.list_notebook_instances()["NotebookInstances"]
    until(lambda: not folders())


def test_only_a_number_is_an_account(embedded: Gateway) -> None:
    """Another path below the owner's own is refused with its name."""
    request = embedded.admin_request("/_embedded_aws/accounts/mine/close")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)  # noqa: S310 - our own URL
    assert "no operation POST /_embedded_aws/accounts/mine/close" in refused.value.read().decode()
    refused.value.close()
