"""What policies forbid at the end of `./lab down`: a line of the receipt each, and everything else is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cli.aws import buckets, lab_deletion
from cli.aws.session import Session, Target
from embedded_aws import gateway
from teardown.receipt import Receipt, Resource
from tests.teardown.embedded_account import EmbeddedAccount, custom

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Refusing(Session):
    """An account in which one operation is forbidden for what has this name."""

    aws: EmbeddedAccount
    operation: str
    name: str
    made: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str, **_: Any) -> Any:
        """A client that AWS answers itself, but for the one operation."""
        made = self.aws.client(service)
        if service not in self.made:
            self.made[service] = made
            made.meta.events.register(f"before-parameter-build.*.{self.operation}", self._remember)
            made.meta.events.register(f"before-call.*.{self.operation}", self._refuse)
        return made

    def forget(self) -> None:
        """Let the clients be as they were."""
        for made in self.made.values():
            made.meta.events.unregister(f"before-parameter-build.*.{self.operation}", self._remember)
            made.meta.events.unregister(f"before-call.*.{self.operation}", self._refuse)

    def _remember(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["forbidden"] = self.name in params.values()

    def _refuse(self, context: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]] | None:
        if not context["forbidden"]:
            return None
        error = {"Code": "AccessDenied", "Message": "an explicit deny in a resource-based policy"}
        return SimpleNamespace(status_code=403), {"Error": error}


@pytest.fixture
def refusing(aws: EmbeddedAccount, request: pytest.FixtureRequest) -> Any:
    """Make a place in which an operation is forbidden for something."""

    def make(operation: str, name: str) -> Refusing:
        made = Refusing(Target.EMBEDDED, {}, gateway.ACCOUNT, gateway.REGION, aws, operation, name)
        request.addfinalizer(made.forget)
        return made

    return make


@pytest.mark.parametrize("operation", ["DeleteBucket", "DeleteObjects"])
def test_a_bucket_that_may_not_go_is_named(
    aws: EmbeddedAccount, refusing: Callable[[str, str], Refusing], operation: str
) -> None:
    """With AWS's reason; the other bucket of the lab goes."""
    lab = f"refused-{operation.lower()}"
    s3, stays, goes = aws.client("s3"), f"{lab}-stays", f"{lab}-goes"
    for name in (stays, goes):
        s3.create_bucket(Bucket=name)
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "bricklab:lab", "Value": lab}]})
        s3.put_object(Bucket=name, Key="notes.txt", Body=b"")
    receipt = Receipt()
    buckets.delete_left(refusing(operation, stays), lab, receipt)
    assert not receipt.clean
    assert "explicit deny" in receipt.remaining[Resource("bucket", stays)].why
    assert [resource.name for resource in receipt.deleted] == [goes]


def test_a_key_that_may_not_go_is_named(aws: EmbeddedAccount, refusing: Callable[[str, str], Refusing]) -> None:
    """With AWS's reason, and as what should not remain; the other key begins its waiting period."""
    kms = aws.client("kms")
    tags = [{"TagKey": "bricklab:lab", "TagValue": "refused"}]
    stays, goes = (kms.create_key(Tags=tags)["KeyMetadata"]["KeyId"] for _ in range(2))
    receipt = Receipt()
    lab_deletion.note_what_remains(refusing("ScheduleKeyDeletion", stays), "refused", receipt)
    assert not receipt.clean
    assert "explicit deny" in receipt.remaining[Resource("KMS key", stays)].why
    assert receipt.remaining[Resource("KMS key", goes)].expected
    assert kms.describe_key(KeyId=goes)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def test_the_log_of_all_labelers_is_named(aws: EmbeddedAccount, refusing: Callable[[str, str], Refusing]) -> None:
    """After a lab with labeling jobs: it stays, for it is all teams'; another lab's receipt is silent of it."""
    log = Resource("log group", "/aws/sagemaker/groundtruth/WorkerActivity")
    aws.write(log.name)
    for job, named in ((Resource("labeling job", "labeled-1"), True), (Resource("training job", "labeled-2"), False)):
        receipt = Receipt(found={job})
        lab_deletion.note_what_remains(refusing("DescribeKey", "none"), "labeled", receipt)
        assert (log in receipt.remaining) == named
        assert receipt.clean
    aws.client("logs").delete_log_group(logGroupName=log.name)


def test_a_stack_whose_bucket_may_not_be_emptied_says_so(
    aws: EmbeddedAccount, refusing: Callable[[str, str], Refusing]
) -> None:
    """`down` goes on to its receipt, in which the stack stays because its bucket is not empty."""
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "locked"}}
    contents = {**custom(aws.stubborn, "Delete"), "DependsOn": "Bucket"}
    aws.stack("locked-storage", {"Bucket": bucket, "Contents": contents}, lab="locked")
    aws.client("s3").put_object(Bucket="locked", Key="notes.txt", Body=b"")
    receipt = lab_deletion.delete_lab(refusing("DeleteObjects", "locked"), "locked", quiet=True)
    assert not receipt.clean
    assert "not empty" in receipt.remaining[Resource("stack", "locked-storage")].why
