"""Service Quotas of the embedded AWS: what SageMaker's account limits are, and how they are raised."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from embedded_aws.gateway import ACCOUNT, REGION
from tests.embedded_aws.services.sagemaker import calls
from tests.embedded_aws.services.sagemaker.calls import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SAGEMAKER = {"ServiceCode": "sagemaker"}
# Codes and names as AWS lists them.
ACROSS = {
    "L-00C91CB5": "Number of instances across all training jobs",
    "L-04CE2E67": "Total number of notebook instances",
    "L-60D2A6F0": "Number of instances across all transform jobs",
    "L-7A3DF611": "Number of instances across active endpoints",
    "L-E8EADE50": "Maximum number of pipelines allowed per account",
    "L-F311B08F": "Number of instances across all processing jobs",
}
CODE = re.compile(r"L-[0-9A-F]{8}")


@pytest.fixture
def quotas(client: Callable[[str], Any]) -> Iterator[Any]:
    """A client of Service Quotas."""
    made = client("service-quotas")
    yield made
    made.close()


def everything(quotas: Any, operation: str = "list_service_quotas", **more: Any) -> dict[str, dict[str, Any]]:
    """All quotas by name, from as many pages as there are."""
    pages = quotas.get_paginator(operation).paginate(**SAGEMAKER, **more)
    return {quota["QuotaName"]: quota for page in pages for quota in page["Quotas"]}


def test_it_lists_what_sagemaker_limits(quotas: Any) -> None:
    """Each instance type has a quota for each purpose, under AWS's name, with a code of its own."""
    assert quotas.list_services()["Services"] == [{"ServiceCode": "sagemaker", "ServiceName": "Amazon SageMaker"}]
    listed = everything(quotas)
    assert {
        "ml.m5.large for endpoint usage",
        "ml.m5.large for training job usage",
        "ml.m5.large for processing job usage",
        "ml.m5.large for transform job usage",
        "ml.t3.medium for notebook instance usage",
    } <= listed.keys()
    over_all = {quota["QuotaCode"]: name for name, quota in listed.items() if not name.startswith("ml.")}
    assert {code: over_all[code] for code in ACROSS} == ACROSS
    assert set(over_all.values()) - set(ACROSS.values()) == {
        "Maximum number of concurrent pipeline executions allowed per account",
        "Maximum total concurrency that can be allocated across all serverless endpoints",
        "Memory size in MB per serverless endpoint",
        "Number of instances across all spot training jobs",
        "Number of serverless endpoints",
    }
    codes = {quota["QuotaCode"] for quota in listed.values()}
    assert len(codes) == len(listed)
    assert all(CODE.fullmatch(code) for code in codes)
    assert everything(quotas, PaginationConfig={"PageSize": 7}) == listed


@pytest.mark.parametrize(
    "name",
    [
        "ml.t3.medium for notebook instance usage",
        "ml.m5.large for endpoint usage",
        "ml.m5.large for training job usage",
        "ml.c5.xlarge for training job usage",
        "Total number of notebook instances",
        "Number of instances across active endpoints",
    ],
)
def test_a_class_of_a_hundred_finds_room(quotas: Any, name: str) -> None:
    """A hundred seats may run at once, each with what its student makes."""
    assert everything(quotas)[name]["Value"] >= 200


@pytest.mark.parametrize("family", ["p4d.24xlarge", "p5.48xlarge", "trn1.32xlarge", "inf2.48xlarge"])
def test_a_new_account_has_no_large_accelerators(quotas: Any, family: str) -> None:
    """As on AWS they must be asked for."""
    assert {q["Value"] for name, q in everything(quotas).items() if name.startswith(f"ml.{family} ")} == {0.0}


def test_a_quota_is_described_by_its_code(quotas: Any) -> None:
    """Applied and default value of one, each with AWS's ARN."""
    wanted = {**SAGEMAKER, "QuotaCode": everything(quotas)["ml.m5.large for training job usage"]["QuotaCode"]}
    applied, default = (
        quotas.get_service_quota(**wanted)["Quota"],
        quotas.get_aws_default_service_quota(**wanted)["Quota"],
    )
    assert wanted["QuotaCode"] == "L-611FA074"
    assert applied["QuotaArn"] == f"arn:aws:servicequotas:{REGION}:{ACCOUNT}:sagemaker/L-611FA074"
    assert default["QuotaArn"] == f"arn:aws:servicequotas:{REGION}::sagemaker/L-611FA074"
    assert applied["Value"] == default["Value"]
    assert (applied["Adjustable"], applied["QuotaAppliedAtLevel"]) == (True, "ACCOUNT")
    assert quotas.list_service_quotas(**wanted)["Quotas"] == [applied]


def test_an_increase_is_granted_and_heeded(quotas: Any, client: Callable[[str], Any]) -> None:
    """What was refused is taken after the increase, which the history shows; the default stays."""
    name = "ml.p4d.24xlarge for training job usage"
    code = everything(quotas)[name]["QuotaCode"]
    sagemaker = client("sagemaker")
    resources = {"InstanceType": "ml.p4d.24xlarge", "InstanceCount": 1, "VolumeSizeInGB": 5}
    refused = refusal(lambda: calls.training_job(sagemaker, "large", ResourceConfig=resources))
    assert refused[0] == "ResourceLimitExceeded"
    assert f"'{name}' is 0 Instances" in refused[1]
    asked = quotas.request_service_quota_increase(**SAGEMAKER, QuotaCode=code, DesiredValue=1)["RequestedQuota"]
    assert asked["Status"] == "PENDING"
    assert quotas.get_requested_service_quota_change(RequestId=asked["Id"])["RequestedQuota"]["Status"] == "APPROVED"
    history = quotas.list_requested_service_quota_change_history(**SAGEMAKER, Status="APPROVED")["RequestedQuotas"]
    (past,) = (each for each in history if each["Id"] == asked["Id"])
    assert (past["QuotaName"], past["DesiredValue"]) == (name, 1.0)
    assert quotas.list_requested_service_quota_change_history(Status="DENIED")["RequestedQuotas"] == []
    assert quotas.get_service_quota(**SAGEMAKER, QuotaCode=code)["Quota"]["Value"] == 1.0
    assert everything(quotas, "list_aws_default_service_quotas")[name]["Value"] == 0.0
    # No role is there to assume: beyond the quota, the job is refused for that.
    assert refusal(lambda: calls.training_job(sagemaker, "large", ResourceConfig=resources))[0] == "ValidationException"
    sagemaker.close()


def test_what_service_quotas_refuses(quotas: Any) -> None:
    """A service, a quota, a request or a page that is not there, and a value that is no increase."""
    missing, unknown = "NoSuchResourceException", {**SAGEMAKER, "QuotaCode": "L-00000000"}
    code = everything(quotas)["ml.m5.large for endpoint usage"]["QuotaCode"]
    value = quotas.get_service_quota(**SAGEMAKER, QuotaCode=code)["Quota"]["Value"]
    assert refusal(quotas.list_service_quotas, ServiceCode="ec2")[0] == missing
    assert refusal(quotas.get_service_quota, **unknown)[0] == missing
    assert refusal(quotas.get_aws_default_service_quota, ServiceCode="ec2", QuotaCode=code)[0] == missing
    assert refusal(quotas.get_requested_service_quota_change, RequestId="nothing")[0] == missing
    assert refusal(quotas.list_service_quotas, **SAGEMAKER, NextToken="bm90aGluZw==")[0] == (
        "InvalidPaginationTokenException"
    )
    assert refusal(quotas.request_service_quota_increase, **SAGEMAKER, QuotaCode=code, DesiredValue=value) == (
        "IllegalArgumentException",
        "You must provide a quota value greater than the current quota value",
    )
    assert (
        refusal(quotas.list_tags_for_resource, ResourceARN="arn:aws:servicequotas:x")[0] == "UnknownOperationException"
    )


def test_a_role_lists_and_reads_what_its_policies_allow(client: Callable[[str], Any], embedded: Any) -> None:
    """A list has no quota to name; one quota has its ARN, and the service as a condition key."""
    iam, trust = client("iam"), dict[str, Any](Version="2012-10-17")
    trust["Statement"] = [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    ]
    role = iam.create_role(RoleName="asks-quotas", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    one = f"arn:aws:servicequotas:{REGION}:{ACCOUNT}:sagemaker/L-04CE2E67"
    allowed = [
        {
            "Effect": "Allow",
            "Action": "servicequotas:GetServiceQuota",
            "Resource": one,
            "Condition": {"StringEquals": {"servicequotas:service": "sagemaker"}},
        }
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
    iam.put_role_policy(RoleName="asks-quotas", PolicyName="one", PolicyDocument=document)
    keys = client("sts").assume_role(RoleArn=role, RoleSessionName="asks")["Credentials"]
    quotas = boto3.client(
        "service-quotas",
        endpoint_url=embedded.url,
        region_name=REGION,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    assert quotas.get_service_quota(**SAGEMAKER, QuotaCode="L-04CE2E67")["Quota"]["QuotaArn"] == one
    for refused in (
        lambda: quotas.list_service_quotas(**SAGEMAKER),
        lambda: quotas.get_service_quota(**SAGEMAKER, QuotaCode="L-00C91CB5"),
    ):
        assert refusal(refused)[0] == "AccessDeniedException"
    iam.delete_role_policy(RoleName="asks-quotas", PolicyName="one")
    iam.delete_role(RoleName="asks-quotas")
