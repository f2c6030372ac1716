"""One run of a training job, from Starting to its end, over as many tries as interruptions make of it.

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
from embedded_aws.services.sagemaker.errors import validation_exception
from embedded_aws.services.sagemaker.failure import FailedError
from embedded_aws.services.sagemaker.training import validation
from embedded_aws.services.sagemaker.training.attempt import Attempt
from embedded_aws.services.sagemaker.training.metrics import OBJECTIVE_HYPERPARAMETER, MetricScanner
from embedded_aws.services.sagemaker.training.status import Progress

if TYPE_CHECKING:
    from pathlib import Path

    from embedded_aws.runtime.credentials import CredentialsEndpoint, Role
    from embedded_aws.services.sagemaker.provider import Context
    from embedded_aws.services.sagemaker.store import Record
    from embedded_aws.services.sagemaker.training.warm_pools import Pool, WarmPools

log = logging.getLogger(__name__)

_GRACE_SECONDS = 120  # between SIGTERM and SIGKILL, StopTrainingJob's documentation
_NOTICE_SECONDS = 120  # EC2's guide, Spot Instance interruption notices
_CAPACITY_SECONDS = 10


class Run:
    """A job with everything around it; `execute` returns when the job has ended."""

    def __init__(
        self,
        record: Record,
        request: dict[str, Any],
        *,
        context: Context,
        role: Role,
        credentials: CredentialsEndpoint,
        pools: WarmPools,
        pool: Pool | None = None,
    ) -> None:
        """`pool` is the warm pool that the job has taken over."""
        self.record = record
        self._pools, self._pool = pools, pool
        self._request = request
        self._context, self._role, self._credentials = context, role, credentials
        self._progress = Progress(context.store, record)
        self._metrics = MetricScanner(
            request["AlgorithmSpecification"].get("MetricDefinitions", []),
            job=record.name,
            role=role,
            objective=request.get("HyperParameters", {}).get(OBJECTIVE_HYPERPARAMETER),
        )
        self._lock = threading.Lock()
        self._attempt: Attempt | None = None
        self._at_work = False  # the attempt is
        self._interrupted = False  # and it is being
        self._ending = ""  # the secondary status it will end with, once it is to end early
        self._told = threading.Event()  # it is to end early: no wait goes on
        self._trained = 0.0  # seconds

    def stop(self, *, end: str = "Stopped") -> bool:
        """End early, with SIGTERM and time to save; False if the job is past that."""
        with self._lock:
            if self._ending or self._progress.ended:
                return False
            self._ending = end
            self._progress.stopping()
            self._told.set()
            if self._attempt:
                self._attempt.stop(grace=_GRACE_SECONDS)
        return True

    def interrupt(self) -> None:
        """Take the job's spot instances away. Raises ValidationException if it has none at work."""
        with self._lock:
            if not self._request.get("EnableManagedSpotTraining"):
                raise validation_exception(
                    f"The training job {self.record.name} does not run on spot instances, so they can't be interrupted."
                )
            status = self.record.members["SecondaryStatus"]
            if self._interrupted:
                status = "Training, and being interrupted"
            elif status == "Training" and not self._at_work:
                status = "Training, and about to end"
            if self._ending or status != "Training" or self._attempt is None:
                raise validation_exception(
                    f"Only a training job in secondary status Training can be interrupted; {self.record.name} is in "
                    f"{status}."
                )
            self._interrupted = True
            self._attempt.stop(grace=self._context.clock.scaled(_NOTICE_SECONDS), lost=True)

    def kill(self) -> None:
        """End at once, without a trace: the gateway ends."""
        with self._lock:
            self._ending = "Stopped"
            self._told.set()
            if self._attempt:
                self._attempt.kill()

    def execute(self) -> None:
        """Download, train, upload; every end is recorded in the job's record."""
        folder = self._context.job_folder(self.record)
        try:
            with time_limit(validation.max_wait(self._request), lambda: self.stop(end="MaxWaitTimeExceeded")):
                model = self._execute(folder)
            with self._lock:  # it may be stopped until now
                self._end(self._ending or "Completed", ModelArtifacts=model)
        except FailedError as error:
            self._end("Failed", FailureReason=error.reason)
        except Exception as error:
            log.exception("training job %s", self.record.name)
            self._end("Failed", sound=False, FailureReason=faults.reason(error))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if self._pool:
                self._pool.close()

    def _end(self, secondary: str, *, sound: bool = True, **members: Any) -> None:
        """Record how it ended, and leave sound instances in a warm pool if the job is to."""
        leave = self._attempt.leave if sound and self._attempt and self._attempt.launched else None
        self._progress.end(secondary, **members, **self._pools.keep(self.record, leave))
        self._pools.count(self.record)

    def _execute(self, folder: Path) -> dict[str, str] | None:
        """Try until a try is not interrupted; the model, if there is one. Raises FailedError."""
        while not self._try(folder):
            shutil.rmtree(folder, ignore_errors=True)
            if self._told.wait(self._context.clock.scaled(_CAPACITY_SECONDS)):
                return None
        assert self._attempt  # noqa: S101 - there was a try
        if self._ending and not self._attempt.has_model:
            self._attempt.upload_data()
            return None
        self._progress.enter("Uploading", "Uploading generated training model")
        self._attempt.upload_data()
        return {"S3ModelArtifacts": self._attempt.upload_model()}

    def _try(self, folder: Path) -> bool:
        """Whether it came to its end, instead of being interrupted. Raises FailedError."""
        attempt = self._begin()
        attempt.prepare(folder, kept=self._pool.hosts if self._pool else {})
        began = time.monotonic()
        failure = attempt.work(
            seconds=max(validation.max_runtime(self._request) - self._trained, 0),
            late=lambda: self.stop(end="MaxRuntimeExceeded"),
        )
        self._trained += time.monotonic() - began
        with self._lock:
            interrupted, self._interrupted, self._at_work = self._interrupted, False, False
            if interrupted and not self._ending:
                self._progress.interrupted()
                self._attempt = None
                return False
        if failure and not self._ending:
            attempt.upload_data()
            raise attempt.error(failure)
        return True

    def _begin(self) -> Attempt:
        attempt = Attempt(
            self.record,
            self._request,
            context=self._context,
            role=self._role,
            credentials=self._credentials,
            progress=self._progress,
            metrics=self._metrics,
        )
        with self._lock:
            self._attempt, self._at_work = attempt, True
            if self._ending:
                attempt.stop(grace=0)
        self._progress.enter("Starting", "Preparing the instances for training")
        return attempt
