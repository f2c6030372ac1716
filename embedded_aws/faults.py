"""An error that nobody foresaw is told as what it is: a fault of the embedded AWS, with the place of its log.

AWS has sentences of its own for its own faults ("contact customer support"), which would send the reader astray here.
"""

from __future__ import annotations

from pathlib import Path

from embedded_aws.database import StateError

CODE = "InternalFailure"
_LOG = [Path("the embedded AWS's own output")]


def set_log(path: Path) -> None:
    """Name the file that this process's output goes to."""
    _LOG[:] = [path]


def message(error: BaseException) -> str:
    """Return the message for an error that was not foreseen; whoever calls has logged its traceback."""
    if isinstance(error, StateError):  # it is the machine's, and says what to do
        return str(error)
    return (
        f"{type(error).__name__}: {str(error)[:400]} - a fault of the embedded AWS, not of what was asked for; "
        f"its traceback is in {_LOG[0]}"
    )


def failure_reason(error: BaseException) -> str:
    """Return the same as a job's or an endpoint's FailureReason."""
    return f"InternalServerError: {message(error)}"
