"""FailureReason: how a job of any type says why it failed."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from embedded_aws import faults
from embedded_aws.algorithms import job
from embedded_aws.runtime.docker.engine import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = logging.getLogger(__name__)

REASON_LENGTH = 1024
INSTANCE_LOST = "InternalServerError: We encountered an internal error. Please try again."
"""AWS's reason for a job whose instances are lost through no fault of its own (aws/sagemaker-python-sdk#2496 and #70).

A training job's RetryStrategy, in botocore's model, is about just these."""
# The toolkit quotes what the script printed, `ErrorMessage "…`, and the quotation is not what is written over.
_OVERWRITTEN = re.compile(r'(ErrorMessage ")?[^\r\n]*\r(?!\n)')


@contextmanager
def engine_errors() -> Iterator[None]:
    """Let the job fail with its words if the container engine can't do what the block asks of it."""
    try:
        yield
    except EngineError as error:
        raise FailedError(f"ClientError: {error}") from error


class FailedError(Exception):
    """The job has failed; the message is its FailureReason."""

    @property
    def reason(self) -> str:
        """Return the FailureReason, no longer than AWS has it."""
        return str(self)[:REASON_LENGTH]


def reason_of(work: Callable[[], None], title: str) -> str:
    """Do a job's work; return the FailureReason if it failed, else "". A fault of ours is logged under the title."""
    try:
        work()
    except FailedError as error:
        return error.reason
    except Exception as error:
        log.exception(title)
        return faults.failure_reason(error)
    return ""


def algorithm_error(text: str, status: int, *, closed: bool = False) -> FailedError:
    """Make the error of a container that ended with this status and left these words, cut so that the status stays.

    AWS's closed algorithms say by their status that a failure is the customer's: it is a ClientError then, and what
    they call it themselves is left out (aws/amazon-sagemaker-examples#151, where XGBoost was one of them).
    Not compared with AWS: that this status is 2.
    """
    if closed:
        text = text.removeprefix("Customer Error: ").removeprefix("Algorithm Error: ")
    end = f", exit code: {status}"
    kind = "ClientError" if closed and status == job.CUSTOMER_ERROR else "AlgorithmError"
    return FailedError(f"{kind}: {_as_a_terminal_shows(text)}"[: REASON_LENGTH - len(end)] + end)


def _as_a_terminal_shows(text: str) -> str:
    """Return what a terminal would show of a text: a progress bar's earlier states are written over, and no reason.

    They would fill a FailureReason before it came to the error.
    """
    return _OVERWRITTEN.sub(lambda match: match[1] or "", text).replace("\r\n", "\n")
