"""What to make of a kind of resource that could not be listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teardown import refusals
from teardown.receipt import Resource
from teardown.refusals import Refusal

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

    from teardown.receipt import Receipt

NAME = "(not listed yet)"


def unlisted(receipt: Receipt, kind: str, error: ClientError) -> list[Resource]:
    """What is waited for: something, when AWS was only asked too much.

    A kind that this region does not have leaves nothing behind; one that can't be looked at may: the receipt says so.
    """
    refusal = refusals.classify(error)
    if refusal is Refusal.SLOW:
        return [Resource(kind, NAME)]
    if refusal is not Refusal.ABSENT:
        receipt.unseen[kind] = str(error)
    return []
