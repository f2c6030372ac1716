"""An error that nobody foresaw is told as what it is: a fault of the embedded AWS, with the place of its log.

AWS has sentences of its own for its own faults ("contact customer support"), which would send the reader astray here.
"""

from __future__ import annotations

from pathlib import Path

CODE = "InternalFailure"
_LOG = [Path("the embedded AWS's own output")]


def keep_log(path: Path) -> None:
    """Tell where this process's output goes."""
    _LOG[:] = [path]


def sentence(error: BaseException) -> str:
    """Tell of an error that was not foreseen; whoever calls has logged its traceback."""
    return (
        f"{type(error).__name__}: {str(error)[:400]} - a fault of the embedded AWS, not of what was asked for; "
        f"its traceback is in {_LOG[0]}"
    )


def reason(error: BaseException) -> str:
    """Tell of it as a job's or an endpoint's FailureReason."""
    return f"InternalServerError: {sentence(error)}"
