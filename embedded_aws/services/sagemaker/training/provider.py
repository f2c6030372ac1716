"""Training jobs: checked when they are created, then run, each by a `TrainingRun`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker import api, built_in_algorithms, container_images, job_inputs
from embedded_aws.services.sagemaker.errors import validation_exception
from embedded_aws.services.sagemaker.failure import INSTANCE_LOST
from embedded_aws.services.sagemaker.jobs import Jobs
from embedded_aws.services.sagemaker.resource_types.resource_type import ENDED
from embedded_aws.services.sagemaker.resource_types.training import profiling_status
from embedded_aws.services.sagemaker.roles import role_of
from embedded_aws.services.sagemaker.training import validation
from embedded_aws.services.sagemaker.training.metrics import OBJECTIVE_HYPERPARAMETER
from embedded_aws.services.sagemaker.training.run import TrainingRun
from embedded_aws.services.sagemaker.training.status import TrainingStatus
from embedded_aws.services.sagemaker.training.warm_pools import WarmPools

if TYPE_CHECKING:
    from embedded_aws.runtime.credentials import Role
    from embedded_aws.services.sagemaker.provider import ControlPlane, ServiceContext, Work
    from embedded_aws.services.sagemaker.store import Record


class TrainingJobs(Jobs):
    """The provider of training jobs, with the warm pools that they leave."""

    end_time = "TrainingEndTime"

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        self._warm_pools = WarmPools(context)

    def bind(self, service: ControlPlane) -> None:
        """Take the service that knows the quotas of warm pools."""
        self._warm_pools.bind(service)

    def create(self, record: Record, request: dict[str, Any]) -> Work:
        """Check the role and what is asked for; return what starts it.

        Asks IAM about the role: not to be called on the gateway's event loop. Raises ServiceError.
        """
        validation.check(request)
        container_images.check(
            request["AlgorithmSpecification"]["TrainingImage"],
            record=record,
            role=request["RoleArn"],
            context=self.context,
            elsewhere=container_images.TRAINING,
        )
        role = self.role(record, request["RoleArn"])
        job_inputs.check((channel["DataSource"] for channel in request.get("InputDataConfig", ())), role)
        specification = built_in_algorithms.described(record.members["AlgorithmSpecification"])
        self.context.store.update(record, AlgorithmSpecification=specification)
        return lambda: self._start(record, request, role)

    def restore(self, record: Record) -> Work | None:
        """Fail a job whose instances are lost; one on spot instances with checkpoints goes on, on others.

        A training job of a tuning job fails with that.
        """
        if record.status in ENDED:
            self._warm_pools.restore(record)
            return None
        members, lost_at = record.members, self.context.lost_at(record)
        status = TrainingStatus(self.context.store, record, lost_at=lost_at)
        spot = members.get("EnableManagedSpotTraining") and "CheckpointConfig" in members
        tuned = OBJECTIVE_HYPERPARAMETER in members.get("HyperParameters", ())
        if record.status == "Stopping" or tuned or not spot:
            secondary = "Stopped" if record.status == "Stopping" else "Failed"
            reason = {"FailureReason": INSTANCE_LOST} if secondary == "Failed" else {}
            status.end(secondary, at=lost_at, **reason, **self._warm_pools.retain(record, None))
            return None
        if members["SecondaryStatus"] != "Interrupted":
            status.interrupted(lost_at)
        # Its members are those of the request, but for its tags.
        request = {name: members[name] for name in api.input_members("CreateTrainingJob") if name in members}
        role = role_of(record, request["RoleArn"], endpoint_url=self.context.endpoint_url)
        run = TrainingRun(self.job(record, request, role), status, warm_pools=self._warm_pools)
        self.take_on(record, run)
        return lambda: self.begin(record, run)

    def _start(self, record: Record, request: dict[str, Any], role: Role) -> None:
        pool = self._warm_pools.claim(record, request)
        status = TrainingStatus(self.context.store, record)
        run = TrainingRun(self.job(record, request, role), status, warm_pools=self._warm_pools, claimed=pool)
        self.begin(record, run)

    def update(self, record: Record, request: dict[str, Any]) -> None:
        """Change for how long an ended job's warm pool is kept, and what its profiler is. Raises ServiceError."""
        if resources := request.get("ResourceConfig"):
            self._warm_pools.update_period(record, resources["KeepAlivePeriodInSeconds"])
        if profiler := request.get("ProfilerConfig"):
            changed = {**record.members.get("ProfilerConfig", {}), **profiler}
            status = profiling_status({"ProfilerConfig": changed})
            self.context.store.update(record, ProfilerConfig=changed, ProfilingStatus=status)

    def delete(self, record: Record) -> None:
        """Remove an ended job. Raises ResourceInUse while it retains a warm pool."""
        self._warm_pools.check_deletion(record)
        super().delete(record)

    def discard(self, record: Record) -> None:
        """Forget a job, kill it, and end its warm pool."""
        super().discard(record)
        self._warm_pools.discard(record)

    def close(self) -> None:
        """Kill every job, and end all warm pools."""
        super().close()
        self._warm_pools.close()

    def interrupt(self, record: Record) -> None:
        """Take a job's spot instances away, as only EC2 can on AWS. Raises ValidationException if it has none."""
        run = self.run_of(record)
        if record.status not in ("InProgress", "Stopping") or not isinstance(run, TrainingRun):
            raise validation_exception(
                f"The training job {record.name} is in status {record.status}: nothing of it runs."
            )
        run.interrupt()
