"""What a training job fails with: whose fault it was, in which words, and with which exit code.

Source: `exceptions.py` of AWS's SDK of algorithms, as aws/sagemaker-xgboost-container has it.
"""

from __future__ import annotations


class AlgorithmError(Exception):
    """An end that the failure file tells of; `exit_code` is what the process ends with."""

    prefix, exit_code = "Algorithm Error", 1

    def __init__(self, message: str, *, caused_by: str = "", detail: str = "") -> None:
        """Take the sentence, the name of the error behind it, and what that said."""
        super().__init__(f"{message} (caused by {caused_by})" if caused_by else message)
        self._detail = detail

    @property
    def text(self) -> str:
        """Return what is written to the failure file and to the log."""
        return f"{self.prefix}: {self}" + (f"\n\nCaused by: {self._detail}" if self._detail else "")


class CustomerError(AlgorithmError):
    """What the job was given is wrong."""

    prefix, exit_code = "Customer Error", 2
