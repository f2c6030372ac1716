"""The Resource Groups Tagging API of the embedded AWS: it finds what bears a lab's tag, wherever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from embedded_aws.gateway import ACCOUNT, REGION
from tests.embedded_aws.services.sagemaker import calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LAB = "tagging"
TAGS = [{"Key": "bricklab:lab", "Value": LAB}]
FILTER = [{"Key": "bricklab:lab", "Values": [LAB]}]
GROUP, PARAMETER = "/lab/tagging", "/tagging/paused/endpoint/one"


def arn(service: str, resource: str) -> str:
    """An ARN of the account and region."""
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


class Account:
    """Clients, and what the tagging API says."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client
        self._made: dict[str, Any] = {}

    def __getattr__(self, service: str) -> Any:
        """A service's client."""
        return self._made.setdefault(service, self._client(service))

    def found(self, *types: str) -> set[str]:
        """ARNs of what bears the lab's tag, of some types."""
        asked = {"TagFilters": FILTER, **({"ResourceTypeFilters": list(types)} if types else {})}
        answer = self.resourcegroupstaggingapi.get_resources(**asked)
        return {one["ResourceARN"] for one in answer["ResourceTagMappingList"]}

    def tags(self, of: str) -> dict[str, str]:
        """The tags of one resource, as the tagging API has them."""
        answer = self.resourcegroupstaggingapi.get_resources(ResourceARNList=[of])
        return {tag["Key"]: tag["Value"] for one in answer["ResourceTagMappingList"] for tag in one["Tags"]}

    def close(self) -> None:
        """Close the clients."""
        for client in self._made.values():
            client.close()


@pytest.fixture
def account(client: Callable[[str], Any]) -> Iterator[Account]:
    """The account with a model, an endpoint config, a log group and a parameter, all of them tagged."""
    made = Account(client)
    calls.model(made.sagemaker, "tagging", Tags=TAGS)
    variants = [calls.variant("tagging")]
    made.sagemaker.create_endpoint_config(EndpointConfigName="tagging", ProductionVariants=variants, Tags=TAGS)
    made.logs.create_log_group(logGroupName=GROUP, tags={"bricklab:lab": LAB})
    made.ssm.put_parameter(Name=PARAMETER, Value="{}", Type="String", Tags=TAGS)
    yield made
    made.sagemaker.delete_endpoint_config(EndpointConfigName="tagging")
    made.sagemaker.delete_model(ModelName="tagging")
    made.logs.delete_log_group(logGroupName=GROUP)
    made.ssm.delete_parameter(Name=PARAMETER)
    assert made.found() == set()
    made.close()


OURS = {
    "sagemaker:model": arn("sagemaker", "model/tagging"),
    "sagemaker:endpoint-config": arn("sagemaker", "endpoint-config/tagging"),
    "logs:log-group": arn("logs", f"log-group:{GROUP}"),
    "ssm:parameter": arn("ssm", f"parameter{PARAMETER}"),
}


def test_it_finds_what_bears_a_tag_and_no_more(account: Account) -> None:
    """Everything with the tag, or only what is of the types that are asked for."""
    assert account.found() == set(OURS.values())
    for kind, one in OURS.items():
        assert account.found(kind) == {one}
    assert account.found("sagemaker") == {OURS["sagemaker:model"], OURS["sagemaker:endpoint-config"]}
    assert account.found("sagemaker:endpoint", "sqs") == set()


@pytest.mark.parametrize("of", OURS.values())
def test_it_sets_tags_and_takes_them_away(account: Account, of: str) -> None:
    """A resource has the tags that the tagging API gave it, and loses those that it took."""
    api = account.resourcegroupstaggingapi
    assert api.tag_resources(ResourceARNList=[of], Tags={"owner": "ada"})["FailedResourcesMap"] == {}
    assert account.tags(of) == {"bricklab:lab": LAB, "owner": "ada"}
    assert api.untag_resources(ResourceARNList=[of], TagKeys=["owner", "absent"])["FailedResourcesMap"] == {}
    assert account.tags(of) == {"bricklab:lab": LAB}


@pytest.mark.parametrize("of", [one.replace("tagging", "nothing") for one in OURS.values()])
def test_it_says_what_is_not_there(account: Account, of: str) -> None:
    """A resource that does not exist is among those that failed."""
    api = account.resourcegroupstaggingapi
    for failed in (
        api.tag_resources(ResourceARNList=[of], Tags={"owner": "ada"}),
        api.untag_resources(ResourceARNList=[of], TagKeys=["owner"]),
    ):
        assert failed["FailedResourcesMap"][of]["ErrorCode"] == "InvalidParameterException"


def test_it_finds_topics_keys_and_buckets(account: Account) -> None:
    """Of the other services a lab uses, what bears the tag is found as well."""
    topic = account.sns.create_topic(Name="tagging", Tags=TAGS)["TopicArn"]
    key = account.kms.create_key(Tags=[{"TagKey": "bricklab:lab", "TagValue": LAB}])["KeyMetadata"]
    account.s3.create_bucket(Bucket="tagging")
    account.s3.put_bucket_tagging(Bucket="tagging", Tagging={"TagSet": TAGS})
    assert account.found("sns", "kms", "s3") == {topic, key["Arn"], "arn:aws:s3:::tagging"}
    account.sns.delete_topic(TopicArn=topic)
    account.s3.delete_bucket(Bucket="tagging")
    account.kms.untag_resource(KeyId=key["KeyId"], TagKeys=["bricklab:lab"])
