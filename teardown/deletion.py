"""One attempt to delete, stop or deregister something, and what is to be made of AWS's refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from teardown import refusals
from teardown.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from teardown.receipt import Receipt, Resource


def tried(receipt: Receipt, resource: Resource, operation: Callable[[], Any]) -> bool:
    """Whether to look again whether it is gone: not if the caller may not delete it, which the receipt then says.

    Why AWS puts it off is kept, for the case that it puts it off for ever.
    """
    receipt.found.add(resource)
    try:
        operation()
    except ClientError as error:
        if refusals.classify(error) is Refusal.DENIED:
            receipt.keep(resource, str(error))
            return False
        receipt.put_off[resource] = str(error)
    return True
