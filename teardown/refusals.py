"""What an AWS error means for a teardown: gone already, busy, not to be touched, or there is no such operation.

Sources of codes and words: botocore's models, and what terraform-provider-aws' sweepers match on; SageMaker answers
most of them as a ValidationException with a sentence.
"""

from __future__ import annotations

from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError  # noqa: A004 - botocore's

from teardown.receipt import Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from teardown.receipt import Receipt

NOT_LISTED_YET = "(not listed yet)"  # in the place of a resource's name

_GONE_CODES = {
    "NoSuchBucket",
    "NotFoundException",
    "ObjectNotFoundException",
    "ParameterNotFound",
    "ResourceNotFound",
    "ResourceNotFoundException",
    "StateMachineDoesNotExist",
}
_GONE_WORDS = ("could not find", "does not exist", "not found", "recordnotfound")
_DENIED_CODES = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
# botocore's own, of `retries.standard`, but for LimitExceededException, which is a quota's too.
THROTTLING_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
_SLOW_CODES = THROTTLING_CODES | {
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServerException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
}
_TROUBLE = 500  # HTTP statuses from here on are AWS's own trouble, whatever the code: an answer to HEAD has none
_ABSENT_CODES = {"InvalidAction", "NotImplemented", "UnknownOperation", "UnknownOperationException"}


class Refusal(Enum):
    """Why AWS did not do it."""

    GONE = "it is not there (any more)"
    DENIED = "the caller may not"
    ABSENT = "this region does not have the operation"
    SLOW = "too many calls, or AWS's own trouble: the same call will do later"
    BUSY = "not now"


def classify(error: ClientError) -> Refusal:
    """Return which of them the error is; what is none of the others is worth another try."""
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"].lower()
    if code in _GONE_CODES or (code == "ValidationException" and any(words in message for words in _GONE_WORDS)):
        return Refusal.GONE
    if code in _DENIED_CODES:
        return Refusal.DENIED
    if code in _SLOW_CODES or error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= _TROUBLE:
        return Refusal.SLOW
    return Refusal.ABSENT if code in _ABSENT_CODES else Refusal.BUSY


def is_passing(error: BotoCoreError | ClientError) -> bool:
    """Return whether the same call may do later: AWS is asked too much or in trouble, or its answer got lost."""
    if isinstance(error, ClientError):
        return classify(error) is Refusal.SLOW
    return isinstance(error, (ConnectionError, HTTPClientError))


@contextmanager
def suppress(*refusals: Refusal) -> Iterator[None]:
    """Go on after the block if AWS has refused something in it so; what it refuses otherwise is raised."""
    try:
        yield
    except ClientError as error:
        if classify(error) not in refusals:
            raise


def try_to_delete(receipt: Receipt, resource: Resource, operation: Callable[[], Any]) -> bool:
    """Call the operation that deletes a resource; return whether to look again whether it is gone.

    False if the caller may not delete it, which the receipt then says. Why AWS puts it off is kept, for the case that
    it puts it off for ever.
    """
    receipt.found.add(resource)
    try:
        operation()
    except ClientError as error:
        if classify(error) is Refusal.DENIED:
            receipt.keep(resource, str(error))
            return False
        receipt.put_off[resource] = str(error)
    return True


def note_unlisted(receipt: Receipt, kind: str, error: ClientError) -> list[Resource]:
    """Note that a type of resource could not be listed; return what to wait for, if AWS was only asked too much.

    A type that this region does not have leaves nothing behind; one that can't be looked at may: the receipt says so.
    """
    refusal = classify(error)
    if refusal is Refusal.SLOW:
        return [Resource(kind, NOT_LISTED_YET)]
    if refusal is not Refusal.ABSENT:
        receipt.unseen[kind] = str(error)
    return []
