"""A training job of an algorithm whose code AWS keeps to itself: what it was given, checked, and how it ends.

Not compared with AWS: what a job on several instances does, which is refused here.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embedded_aws.algorithms.sdk import channels, schema
from embedded_aws.algorithms.sdk.errors import AlgorithmError, CustomerError
from embedded_aws.algorithms.sdk.log import Log

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embedded_aws.algorithms.job import TrainingJob
    from embedded_aws.algorithms.sdk.channels import Channel, Expected
    from embedded_aws.algorithms.sdk.schema import Rule

SEED = 0
"""What all that is random begins with: the same job gives the same model."""
_OBJECTIVE = "_tuning_objective_metric"
_LABEL = (
    "AWS's {} is closed. This is an open implementation of the same contract ({}): hyperparameters, formats and "
    "metrics are AWS's, the numbers are its own."
)


@dataclass(frozen=True)
class Task:
    """What to learn from: hyperparameters and channels that were checked, and the log to write to."""

    hyperparameters: Mapping[str, Any]
    channels: Mapping[str, Channel]
    log: Log
    tuned: bool

    @property
    def train(self) -> Channel:
        """Return the training data."""
        return self.channels[channels.TRAIN]


def prepare(job: TrainingJob, *, algorithm: str, library: str, rules: Sequence[Rule], expected: Expected) -> Task:
    """Check hyperparameters and channels and read these; say in the first line what it is. Raises CustomerError."""
    log = Log(job.host)
    log.notice(_LABEL.format(algorithm, library))
    log.line(f"Reading provided configuration from /opt/ml/input/config/hyperparameters.json: {job.hyperparameters}")
    values = schema.read(job.hyperparameters, rules)
    log.line(f"Final configuration: {values}")
    if len(job.hosts) > 1:
        raise CustomerError(
            f"This open implementation of {algorithm} trains on one instance, and the job has {len(job.hosts)}. "
            "Set InstanceCount to 1."
        )
    wanted = values.get("feature_dim", schema.AUTO)
    read = channels.read(job, expected, feature_dim=None if wanted == schema.AUTO else wanted)
    return Task(values, read, log, tuned=_OBJECTIVE in job.hyperparameters)


def report(error: Exception) -> tuple[str, int]:
    """Return the text of the failure file, and the exit status."""
    if isinstance(error, AlgorithmError):
        return error.text, error.exit_code
    traceback.print_exception(error)
    return AlgorithmError(str(error) or type(error).__name__, caused_by=type(error).__name__).text, 1
