"""Hyperparameter tuning jobs: checked when they are created, then run, each by a `TuningRun`.

After a start a tuning job goes on: it is no instance's. Its training jobs whose instances were lost have failed, and
count. Not compared with AWS: that a tuning job whose training jobs find no room in the quotas waits until they do.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker import built_in_algorithms, container_images, listing, tags
from embedded_aws.services.sagemaker.errors import ServiceError
from embedded_aws.services.sagemaker.jobs import Jobs
from embedded_aws.services.sagemaker.resource_types.resource_type import ENDED
from embedded_aws.services.sagemaker.resource_types.tuning import training_resources
from embedded_aws.services.sagemaker.training.metrics import OBJECTIVE_HYPERPARAMETER
from embedded_aws.services.sagemaker.tuning import training_jobs, validation, warm_start
from embedded_aws.services.sagemaker.tuning.run import TuningRun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embedded_aws.services.sagemaker.provider import ControlPlane, Work
    from embedded_aws.services.sagemaker.store import Record


class TuningJobs(Jobs):
    """The provider of tuning jobs, with the list of their training jobs."""

    end_time = "HyperParameterTuningEndTime"

    def bind(self, service: ControlPlane) -> None:
        """Take the service whose own operations create and stop the training jobs."""
        self._service = service

    def create(self, record: Record, request: dict[str, Any]) -> Work:
        """Check the role and what is asked for; return what starts it.

        Asks IAM about the role: not to be called on the gateway's event loop. Raises ServiceError.
        """
        validation.check(request)
        container_images.check(
            request["TrainingJobDefinition"]["AlgorithmSpecification"]["TrainingImage"],
            record=record,
            role=request["TrainingJobDefinition"]["RoleArn"],
            context=self.context,
            elsewhere=container_images.TRAINING,
        )
        earlier = warm_start.jobs(request, self.context.store, account=record.account, region=record.region)
        self.role(record, request["TrainingJobDefinition"]["RoleArn"])
        config = request["HyperParameterTuningJobConfig"]
        self.context.store.update(
            record,
            Strategy=config["Strategy"],
            ResourceLimits=config["ResourceLimits"],
            TrainingJobDefinition=_described(record.members["TrainingJobDefinition"], config),
        )
        return lambda: self.begin(record, self._run_for(record, request, earlier=earlier))

    def restore(self, record: Record) -> Work | None:
        """Record what its training jobs had come to, and go on with others; one that was to stop has stopped."""
        if record.status in ENDED:
            return None
        metric = record.members["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
        jobs = self.context.store.all("TrainingJob", account=record.account, region=record.region)
        mine = training_jobs.of(record, jobs)
        for job in mine:
            objective = training_jobs.objective_members(job, metric)
            if any(job.members.get(name) != value for name, value in objective.items()):
                self.context.store.update(job, **objective)
        if record.status == "Stopping":
            results = training_jobs.Results(mine, mine, minimize=metric["Type"] == "Minimize")
            self.lose(record, **results.members())
            return None
        # Its members are those of the request, but for its tags.
        request = {**record.members, "Tags": tags.write(tags.own(record.tags))}
        earlier: Sequence[Record] = ()
        with contextlib.suppress(ServiceError):  # what it learnt from is gone
            earlier = warm_start.jobs(request, self.context.store, account=record.account, region=record.region)
        run = self._run_for(record, request, earlier=earlier, done=mine)
        self.take_on(record, run)
        return lambda: self.begin(record, run)

    def _run_for(
        self, record: Record, request: dict[str, Any], *, earlier: Sequence[Record], done: Sequence[Record] = ()
    ) -> TuningRun:
        return TuningRun(
            record,
            request,
            end_time=self.end_time,
            context=self.context,
            service=self._service,
            earlier=earlier,
            done=done,
        )

    def perform(self, verb: str, record: Record, request: dict[str, Any]) -> dict[str, Any]:
        """Return a page of the training jobs; by their objective, only those that have told one."""
        del verb  # there is one
        jobs = self.context.store.all("TrainingJob", account=record.account, region=record.region)
        mine = training_jobs.of(record, jobs)
        asked = {"SortBy": "Name", **request}
        if asked["SortBy"] == training_jobs.OBJECTIVE_VALUE:
            mine = [job for job in mine if training_jobs.OBJECTIVE_VALUE in job.members]
        filters = {name: value for name, value in asked.items() if name != record.resource_type.name_member}
        if not mine:
            return {"TrainingJobSummaries": []}
        page, token = listing.page(mine[0].resource_type, listing.select(mine[0].resource_type, mine, filters), asked)
        answer: dict[str, Any] = {"TrainingJobSummaries": [job.members for job in page]}
        return {**answer, "NextToken": token} if token else answer


def _described(definition: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition as Describe tells it.

    What each training job is told to be tuned by is among its hyperparameters, and there is a ResourceConfig where the
    request said it otherwise: the SDK's `HyperparameterTuner.attach`, which its authors test against AWS, reads both.
    Not compared with AWS: that it is so with InstanceConfigs too.
    """
    objective = {OBJECTIVE_HYPERPARAMETER: config["HyperParameterTuningJobObjective"]["MetricName"]}
    return {
        **definition,
        "AlgorithmSpecification": built_in_algorithms.described(definition["AlgorithmSpecification"]),
        "StaticHyperParameters": {**definition.get("StaticHyperParameters", {}), **objective},
        "ResourceConfig": training_resources(definition),
    }
