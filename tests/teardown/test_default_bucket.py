"""What a lab's jobs leave in the bucket that the SageMaker SDK makes for an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli.aws import buckets
from cli.aws.session import Session, Target
from embedded_aws import gateway
from teardown.receipt import Receipt
from teardown.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

BUCKET = f"sagemaker-{gateway.REGION}-{gateway.ACCOUNT}"
OURS = {
    "left",
    "left-ada-job/output/model.tar.gz",
    "left-ada-job/source/sourcedir.tar.gz",
    "left/notes.txt",
    "async-endpoint-inputs/left-ada-1/1.npy",
    "async-endpoint-outputs/left-ada-1/1.out",
}
OTHERS = {
    "left-two-job/model.tar.gz",
    "lefty/notes.txt",
    "other/left-x",
    "leftover",
    "async-endpoint-failures/left-two-1/1-error.out",
}


def keys(s3: Any) -> set[str]:
    """Those of this module's keys that are in the bucket, which other tests use too."""
    return {each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())} & (OURS | OTHERS)


def test_down_takes_the_lab_s_objects_out_of_the_sdk_s_bucket(
    embedded: gateway.Gateway, client: Callable[[str], Any]
) -> None:
    """What begins with the lab's name goes, in every version; what begins with another lab's, or alike, stays."""
    s3 = client("s3")
    session = Session(Target.EMBEDDED, embedded.environment(), gateway.ACCOUNT, gateway.REGION)
    scope, receipt = Scope(lab="left", others=frozenset({"left-two"})), Receipt()
    buckets.sweep_default(session, scope, receipt)  # there may be no such bucket
    assert receipt.found == set()
    s3.create_bucket(Bucket=BUCKET)
    for key in OURS | OTHERS:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    buckets.sweep_default(session, scope, receipt)
    assert keys(s3) == OTHERS
    assert receipt.clean
    assert len(receipt.deleted) == 5
    for key in OTHERS:
        s3.delete_object(Bucket=BUCKET, Key=key)
