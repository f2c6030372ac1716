"""What is allowed to remain of a lab: its KMS keys in their waiting period, and the CDK's bootstrap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli.aws import stacks
from teardown.receipt import Resource
from teardown.scope import TAG

if TYPE_CHECKING:
    from cli.aws.session import Session
    from teardown.receipt import Receipt

# Keys can't be deleted at once: https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html.
_DAYS = 7


def note(session: Session, lab: str, receipt: Receipt) -> None:
    """Write down what remains with the lab, and why; a key that no stack has any more begins its waiting period."""
    kms = session.client("kms")
    for page in kms.get_paginator("list_keys").paginate():
        for key in page["Keys"]:
            if described := _described(kms, key["KeyId"], lab):
                _let_go(kms, described, receipt)
    if stacks.exists(session, stacks.BOOTSTRAP):
        why = "the CDK's bootstrap, which every CDK app of the account shares: it was never the lab's"
        receipt.keep(Resource("stack", stacks.BOOTSTRAP), why, expected=True)


def _let_go(kms: Any, key: dict[str, Any], receipt: Receipt) -> None:
    resource = Resource("KMS key", key["KeyId"])
    try:
        if key["KeyState"] != "PendingDeletion":
            kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=_DAYS)
            key = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
    except ClientError as error:  # its policy forbids it
        receipt.keep(resource, str(error))
        return
    until = f"{key['DeletionDate']:%Y-%m-%d %H:%M %Z}"
    receipt.keep(resource, f"in its waiting period until {until}, and costs nothing", expected=True)


def _described(kms: Any, key: str, lab: str) -> dict[str, Any] | None:
    """The key, if it is the lab's."""
    try:
        tags = kms.list_resource_tags(KeyId=key)["Tags"]
        if {"TagKey": TAG, "TagValue": lab} in tags:
            return dict(kms.describe_key(KeyId=key)["KeyMetadata"])
    except ClientError:  # another team's key: its policy does not let us look
        pass
    return None
