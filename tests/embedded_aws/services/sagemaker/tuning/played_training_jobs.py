"""Training jobs of tuning jobs as the tests play them: what each prints is worked out from its hyperparameters."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, ClassVar

from embedded_aws.runtime.credentials import Role
from embedded_aws.services.sagemaker.failure import INSTANCE_LOST
from embedded_aws.services.sagemaker.provider import Provider
from embedded_aws.services.sagemaker.training.metrics import OBJECTIVE_VALUES
from embedded_aws.services.sagemaker.tuning.provider import TuningJobs
from embedded_aws.services.sagemaker.tuning.training_jobs import OBJECTIVE_VALUE

if TYPE_CHECKING:
    from collections.abc import Callable

    from embedded_aws.services.sagemaker.provider import ServiceContext
    from embedded_aws.services.sagemaker.store import Record

    # Its objective after each epoch, all values different; None at the end: it goes on until it is stopped.
    Curve = Callable[[dict[str, str]], list[float | None]]


class Tunings(TuningJobs):
    """Tuning jobs whose role nobody is asked about: no IAM is there."""

    def role(self, record: Record, arn: str) -> Role:
        """Every role will do."""
        return Role(arn, account=record.account, region=record.region, endpoint_url=self.context.endpoint_url)


class Trainings(Provider):
    """Training jobs that follow `curve`, each epoch once the tuning job has judged the one before."""

    curve: ClassVar[Curve]
    epochs: ClassVar[dict[str, int]]  # of each job
    most: ClassVar[int]  # jobs at a time
    running: ClassVar[set[str]]

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        self._records: list[Record] = []

    @classmethod
    def follow(cls, curve: Curve) -> None:
        """Begin anew, with this curve. A curve that raises fails the job."""
        cls.curve = staticmethod(curve)
        cls.epochs, cls.most, cls.running = defaultdict(int), 0, set()

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Start."""
        uri = f"{request['OutputDataConfig']['S3OutputPath']}/{record.name}/output/model.tar.gz"
        self.context.store.update(record, SecondaryStatus="Starting", ModelArtifacts={"S3ModelArtifacts": uri})
        self._records.append(record)
        Trainings.running.add(record.name)
        Trainings.most = max(Trainings.most, len(Trainings.running))
        threading.Thread(target=self._run, args=(record, request["HyperParameters"]), daemon=True).start()

    def restore(self, record: Record) -> None:
        """Fail what ran in an earlier embedded AWS."""
        if record.status == "InProgress":
            self._end(record, "Failed", INSTANCE_LOST)

    def stop(self, record: Record) -> None:
        """Stop as soon as it notices."""
        self.context.store.update(record, TrainingJobStatus="Stopping", SecondaryStatus="Stopping")

    def close(self) -> None:
        """End what still runs."""
        for record in self._records:
            self.stop(record)

    def _run(self, record: Record, hyperparameters: dict[str, str]) -> None:
        try:
            end = self._epochs(record, Trainings.curve(hyperparameters))
            reason = None
        except ValueError as error:
            end, reason = "Failed", f"AlgorithmError: {error}"
        Trainings.running.discard(record.name)
        self._end(record, end, reason)

    def _end(self, record: Record, end: str, reason: str | None) -> None:
        members = {"SecondaryStatus": end, "FailureReason": reason, "TrainingEndTime": self.context.clock.now()}
        self.context.store.update(record, TrainingJobStatus=end, **members)

    def _epochs(self, record: Record, curve: list[float | None]) -> str:
        values: tuple[float, ...] = ()
        for value in curve:
            if value is not None:
                Trainings.epochs[record.name] += 1
                values = (*values, value)
                self.context.store.update(record, **{OBJECTIVE_VALUES: values})
            while record.status == "InProgress" and record.members.get(OBJECTIVE_VALUE) != value:
                time.sleep(0.005)
            if record.status != "InProgress":
                return "Stopped"
        return "Completed"
