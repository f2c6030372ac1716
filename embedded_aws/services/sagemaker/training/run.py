"""One run of a training job, from Starting to its end, over as many attempts as interruptions make of it.

An interruption of spot instances: SageMaker sends SIGTERM and takes the instances away after the notice that EC2 gives,
two minutes. Not compared with AWS: that a job whose script ends within that time, with whatever status, is tried again
all the same (a script that saves and exits is not done); how long AWS takes to find other instances.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from typing import TYPE_CHECKING, Any

from embedded_aws import faults
from embedded_aws.runtime.process_group import time_limit
from embedded_aws.services.sagemaker import built_in_algorithms
from embedded_aws.services.sagemaker.errors import validation_exception
from embedded_aws.services.sagemaker.failure import FailedError
from embedded_aws.services.sagemaker.training import validation
from embedded_aws.services.sagemaker.training.attempt import Attempt
from embedded_aws.services.sagemaker.training.metrics import OBJECTIVE_HYPERPARAMETER, MetricScanner

if TYPE_CHECKING:
    from pathlib import Path

    from embedded_aws.services.sagemaker.jobs import Job
    from embedded_aws.services.sagemaker.training.status import TrainingStatus
    from embedded_aws.services.sagemaker.training.warm_pools import WarmPool, WarmPools

log = logging.getLogger(__name__)

_GRACE_SECONDS = 120  # between SIGTERM and SIGKILL, StopTrainingJob's documentation
_NOTICE_SECONDS = 120  # EC2's guide, Spot Instance interruption notices
_CAPACITY_SECONDS = 10


class TrainingRun:
    """A job with everything around it; `execute` returns when the job has ended."""

    def __init__(
        self, job: Job, status: TrainingStatus, *, warm_pools: WarmPools, claimed: WarmPool | None = None
    ) -> None:
        """Go on from what the job's record tells; `claimed` is the warm pool that it has taken over."""
        self._job, self._record, self._request = job, job.record, job.request
        self._warm_pools, self._claimed = warm_pools, claimed
        self._status = status
        self._metrics = MetricScanner(
            built_in_algorithms.metric_definitions(job.request["AlgorithmSpecification"]),
            job=job.record.name,
            role=job.role,
            objective=job.request.get("HyperParameters", {}).get(OBJECTIVE_HYPERPARAMETER),
        )
        self._metrics.go_on_from(job.record.members)
        self._lock = threading.Lock()
        self._attempt: Attempt | None = None
        self._at_work = False  # the attempt is
        self._interrupted = False  # and it is being
        self._early_end = ""  # the secondary status it will end with, once it is to end early
        self._stopping = threading.Event()  # it is to end early: no wait goes on
        self._trained = status.trained  # seconds

    def stop(self, *, end: str = "Stopped") -> bool:
        """End early, with SIGTERM and time to save; return False if the job is past that."""
        with self._lock:
            if self._early_end or self._status.ended:
                return False
            self._status.stopping()
            self._early_end = end
            self._stopping.set()
            if self._attempt:
                self._attempt.stop(grace=_GRACE_SECONDS)
        return True

    def interrupt(self) -> None:
        """Take the job's spot instances away. Raises ValidationException if it has none at work."""
        with self._lock:
            name = self._record.name
            if not self._request.get("EnableManagedSpotTraining"):
                raise validation_exception(
                    f"The training job {name} does not run on spot instances, so they can't be interrupted."
                )
            status = self._record.members["SecondaryStatus"]
            if self._interrupted:
                status = "Training, and being interrupted"
            elif status == "Training" and not self._at_work:
                status = "Training, and about to end"
            if self._early_end or status != "Training" or self._attempt is None:
                raise validation_exception(
                    f"Only a training job in secondary status Training can be interrupted; {name} is in {status}."
                )
            self._interrupted = True
            self._attempt.stop(grace=self._job.context.clock.scaled(_NOTICE_SECONDS), lost=True)

    def kill(self) -> None:
        """End at once, without a trace: the gateway ends."""
        with self._lock:
            self._early_end = "Stopped"
            self._stopping.set()
            if self._attempt:
                self._attempt.kill()

    def execute(self) -> None:
        """Download, train, upload; every end is recorded in the job's record."""
        folder = self._job.context.job_folder(self._record)
        try:
            with time_limit(self._wait_seconds(), lambda: self.stop(end="MaxWaitTimeExceeded")):
                model = self._train(folder)
            with self._lock:  # it may be stopped until now
                self._end(self._early_end or "Completed", ModelArtifacts=model)
        except FailedError as error:
            self._end("Failed", FailureReason=error.reason)
        except Exception as error:
            log.exception("training job %s", self._record.name)
            self._end("Failed", sound=False, FailureReason=faults.failure_reason(error))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if self._claimed:
                self._claimed.close()

    def _wait_seconds(self) -> float | None:
        """Return the seconds that are left of those within which a spot job has to be done."""
        limit = validation.max_wait(self._request)
        since = self._job.context.clock.now() - self._record.members["CreationTime"]
        return None if limit is None else max(limit - since.total_seconds(), 0.0)

    def _end(self, secondary: str, *, sound: bool = True, **members: Any) -> None:
        """Record how it ended, and leave sound instances in a warm pool if the job is to."""
        retain = self._attempt.retain if sound and self._attempt and self._attempt.launched else None
        self._status.end(secondary, **members, **self._warm_pools.retain(self._record, retain))
        self._warm_pools.start_period(self._record)

    def _train(self, folder: Path) -> dict[str, str] | None:
        """Make attempts until one is not interrupted; return ModelArtifacts, if there are any. Raises FailedError."""
        while not self._run_attempt(folder):
            shutil.rmtree(folder, ignore_errors=True)
            if self._stopping.wait(self._job.context.clock.scaled(_CAPACITY_SECONDS)):
                return None
        assert self._attempt  # noqa: S101 - there was one
        if self._early_end and not self._attempt.has_model:
            self._attempt.upload_data()
            return None
        self._status.enter("Uploading", "Uploading generated training model")
        self._attempt.upload_data()
        return {"S3ModelArtifacts": self._attempt.upload_model()}

    def _run_attempt(self, folder: Path) -> bool:
        """Run one attempt; return whether it came to its end, instead of being interrupted. Raises FailedError."""
        attempt = self._begin_attempt()
        attempt.prepare(folder, retained=self._claimed.hosts if self._claimed else {})
        began = time.monotonic()
        failure = attempt.run(
            seconds=max(validation.max_runtime(self._request) - self._trained, 0),
            on_timeout=lambda: self.stop(end="MaxRuntimeExceeded"),
        )
        self._trained += time.monotonic() - began
        with self._lock:
            interrupted, self._interrupted, self._at_work = self._interrupted, False, False
            if interrupted and not self._early_end:
                self._status.interrupted()
                self._attempt = None
                return False
        if failure and not self._early_end:
            attempt.upload_data()
            raise attempt.error(failure)
        if not self._early_end:
            attempt.check_model()
        return True

    def _begin_attempt(self) -> Attempt:
        attempt = Attempt(self._job, status=self._status, metrics=self._metrics)
        with self._lock:
            self._attempt, self._at_work = attempt, True
            if self._early_end:
                attempt.stop(grace=0)
        self._status.enter("Starting", "Preparing the instances for training")
        return attempt
