"""Training jobs: checked when they are created, then run, each by a `TrainingRun`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker import job_inputs
from embedded_aws.services.sagemaker.errors import validation_exception
from embedded_aws.services.sagemaker.jobs import Jobs
from embedded_aws.services.sagemaker.resource_types.training import profiling_status
from embedded_aws.services.sagemaker.training import validation
from embedded_aws.services.sagemaker.training.run import TrainingRun
from embedded_aws.services.sagemaker.training.warm_pools import WarmPools

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.provider import ControlPlane, ServiceContext
    from embedded_aws.services.sagemaker.store import Record


class TrainingJobs(Jobs):
    """The provider of training jobs, with the warm pools that they leave."""

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        self._warm_pools = WarmPools(context)

    def bind(self, service: ControlPlane) -> None:
        """Take the service that knows the quotas of warm pools."""
        self._warm_pools.bind(service)

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Check the role and what is asked for, then start.

        Asks IAM about the role: not to be called on the gateway's event loop. Raises ServiceError.
        """
        validation.check(request)
        role = self.role(record, request["RoleArn"])
        job_inputs.check((channel["DataSource"] for channel in request.get("InputDataConfig", ())), role)
        pool = self._warm_pools.claim(record, request)
        self.begin(record, TrainingRun(self.job(record, request, role), warm_pools=self._warm_pools, claimed=pool))

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
