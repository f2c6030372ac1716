"""A training job as an algorithm sees it: what it reads below /opt/ml, where it writes, and how it ends.

Layout: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html. Ends of
AWS's open containers: _trainer.py of sagemaker-containers 2.8.6: `framework error: `, the traceback and the message go
into `output/failure`, the exit status is the error's errno, else 1. FailureReason shows so much of it as fits.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = logging.getLogger(__name__)

FAILED = 1
CUSTOMER_ERROR = 2
"""The exit status by which a closed container says that a failure is the customer's: its reason is a ClientError."""

Report = tuple[str, int]
_CALLS = 2  # the last of those that led to an error


class TrainingJob:
    """A job's configuration, data and folders on one host."""

    def __init__(self, ml: Path) -> None:
        """Read the configuration below the folder that is /opt/ml."""
        self.model = ml / "model"
        self.output_data = ml / "output" / "data"
        self._ml = ml
        self._config = ml / "input" / "config"
        self.hyperparameters: dict[str, str] = self._read("hyperparameters")
        self.channels: dict[str, dict[str, Any]] = self._read("inputdataconfig")
        resources = self._read("resourceconfig")
        self.host: str = resources.get("current_host", "algo-1")
        self.hosts: list[str] = sorted(resources.get("hosts", [self.host]))

    @property
    def checkpoints(self) -> Path | None:
        """Return the folder that is kept in S3 while the job trains; None if the job has none."""
        local = self._read("checkpointconfig").get("LocalPath")
        return self._ml.joinpath(local) if local else None

    def channel(self, name: str) -> Path | None:
        """Return the folder of a channel's data on this host; None if the job has no such channel."""
        return self._ml / "input" / "data" / name if name in self.channels else None

    def fail(self, text: str) -> None:
        """Write why the job failed where SageMaker looks for it."""
        (self._ml / "output" / "failure").write_text(text, encoding="utf-8")

    def _read(self, name: str) -> dict[str, Any]:
        file = self._config / f"{name}.json"
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def run(train: Callable[[TrainingJob], None], job: TrainingJob, *, report: Callable[[Exception], Report]) -> int:
    """Train; return the exit status. What is raised is reported: its text goes into output/failure and the log."""
    log_like_aws()
    try:
        train(job)
    except Exception as error:  # noqa: BLE001 - whatever ends the job is its failure
        text, status = report(error)
        job.fail(text)
        log.error("Reporting training FAILURE")  # noqa: TRY400 - as below
        log.error("%s", text)  # noqa: TRY400 - the text has the traceback
        return status
    log.info("Reporting training SUCCESS")
    return 0


def framework_error(error: Exception) -> Report:
    """Return text and exit status of a failure as AWS's open containers report it.

    They show all calls, and what it was raised from: then FailureReason ends before it has come to the sentence.
    """
    trace = "".join(traceback.format_exception(error, limit=-_CALLS, chain=False))
    status = getattr(error, "errno", None)
    return f"framework error: \n{trace}\n{error}", status if isinstance(status, int) else FAILED


def log_like_aws() -> None:
    """Let log lines be those of AWS's containers: `[2026-11-29:20:15:00:INFO] Single node training.`."""
    style = "[%(asctime)s:%(levelname)s] %(message)s"
    logging.basicConfig(format=style, datefmt="%Y-%m-%d:%H:%M:%S", level=logging.INFO, stream=sys.stdout, force=True)
