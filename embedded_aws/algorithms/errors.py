"""Why an algorithm ends a job: by whose fault, in the names and words of AWS's toolkit.

Source: sagemaker_algorithm_toolkit/exceptions.py in aws/sagemaker-xgboost-container. The names count: a training job's
FailureReason shows the traceback.
"""

from __future__ import annotations

_MODULE = "sagemaker_algorithm_toolkit.exceptions"


class ToolkitError(Exception):
    """An error that ends the job; `caused_by` is the one behind it, which the message names."""

    def __init__(self, message: str, caused_by: Exception | None = None) -> None:
        cause = f" (caused by {type(caused_by).__name__})" if caused_by else ""
        super().__init__(f"{message}{cause}")
        self.caused_by = caused_by


class UserError(ToolkitError):
    """The job asks for what can't be, or brings data that can't be read: its author can help it."""

    __module__ = _MODULE


class AlgorithmError(ToolkitError):
    """The algorithm failed."""

    __module__ = _MODULE


class PlatformError(ToolkitError):
    """What surrounds the algorithm is not as it must be."""

    __module__ = _MODULE
