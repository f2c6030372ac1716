"""One run of a tuning job: its training jobs launched, watched and stopped, until it is enough.

Not compared with AWS: that a tuning job which reaches its target, its longest time or the end of its patience stops
what runs and ends Completed.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker import tags
from embedded_aws.services.sagemaker.errors import LIMIT, UNAVAILABLE, ServiceError
from embedded_aws.services.sagemaker.orchestration import Orchestration
from embedded_aws.services.sagemaker.resource_types.resource_type import ENDED
from embedded_aws.services.sagemaker.tuning import strategies, training_jobs, warm_start
from embedded_aws.services.sagemaker.tuning.ranges import Proposal
from embedded_aws.services.sagemaker.tuning.training_jobs import Results

if TYPE_CHECKING:
    from collections.abc import Sequence

    from embedded_aws.services.sagemaker.provider import ControlPlane, ServiceContext
    from embedded_aws.services.sagemaker.store import Record
    from embedded_aws.services.sagemaker.tuning.strategies import Strategy

_POLL_SECONDS = 0.02


@dataclass(eq=False)
class _Trial:
    """One training job of the tuning job."""

    proposal: Proposal
    record: Record
    epochs: int = 0  # those whose objective was judged
    ended: bool = False


class TuningRun(Orchestration):
    """A tuning job with its training jobs; `execute` returns when it has ended."""

    def __init__(
        self,
        record: Record,
        request: dict[str, Any],
        *,
        end_time: str,
        context: ServiceContext,
        service: ControlPlane,
        earlier: Sequence[Record] = (),
        done: Sequence[Record] = (),
    ) -> None:
        """Go on behind the training jobs in `done`, which have ended; `earlier` are others that it learns from."""
        super().__init__(record, end_time=end_time, context=context, service=service)
        self._earlier = earlier
        self._compares_with_earlier = request.get("WarmStartConfig", {}).get("WarmStartType") == warm_start.IDENTICAL
        self._config = request["HyperParameterTuningJobConfig"]
        self._definition = request["TrainingJobDefinition"]
        self._tags = tags.write(tags.read(request.get("Tags", ())))
        self._limits = self._config["ResourceLimits"]
        self._metric = self._config["HyperParameterTuningJobObjective"]
        self._minimize = self._metric["Type"] == "Minimize"
        self._trials = [_Trial(Proposal(job.members["TunedHyperParameters"]), job, ended=True) for job in done]
        self._ended = sorted(self._trials, key=lambda trial: trial.record.members["TrainingEndTime"])
        self._next_proposal: Proposal | None = None  # what is to be tried next, once there is room
        self._exhausted = False

    def _members(self, reason: str) -> dict[str, Any]:
        del reason
        return self._consumed_resources()

    def _execute(self) -> tuple[str, str]:
        """Launch, watch and stop training jobs to the end; return the status, and the reason if it failed."""
        self._strategy = self._make_strategy()
        status, reason = "", ""
        while not self._killed:
            for trial in self._running():
                self._watch(trial)
            results = self._record_results()
            if not status:
                status, reason = self._outcome(results)
            if not status:
                reason = self._launch()
                status = "Failed" if reason else ""
            if status and not self._running():
                return status, reason
            if status:
                for trial in self._running():
                    self._stop(trial)
            self._wake.wait(_POLL_SECONDS)
        return "Stopped", ""

    def _make_strategy(self) -> Strategy:
        """Make the strategy, which knows of all training jobs that there were."""
        static = self._definition.get("StaticHyperParameters", {})
        strategy = strategies.make(self._config, static, minimize=self._minimize)
        for job in self._earlier:
            if (value := training_jobs.final_objective(job)) is not None:
                strategy.warm_start(job.members["HyperParameters"], value)
        for trial in self._trials:
            strategy.take_up(trial.proposal.values, training_jobs.final_objective(trial.record))
        return strategy

    def _running(self) -> list[_Trial]:
        return [trial for trial in self._trials if not trial.ended]

    def _watch(self, trial: _Trial) -> None:
        """Take in what a trial has come to since the last time; stop it if it has fallen behind."""
        record = trial.record
        trial.ended = record.status in ENDED  # asked first: an ended one's objective changes no more
        values = training_jobs.objective_values(record)
        if trial.ended:
            self._ended.append(trial)
            self._strategy.report(trial.proposal, training_jobs.final_objective(record))
        elif record.status == "InProgress" and self._falls_behind(trial, values):
            self._stop(trial)
        objective = training_jobs.objective_members(record, self._metric)
        if any(record.members.get(name) != value for name, value in objective.items()):
            self._context.store.note(record, **objective)

    def _falls_behind(self, trial: _Trial, values: tuple[float, ...]) -> bool:
        before, trial.epochs = trial.epochs, len(values)
        if self._strategy.prunes(trial.proposal, values):
            return True
        if self._config.get("TrainingJobEarlyStoppingType", "Off") == "Off":
            return False
        earlier = [
            training_jobs.objective_values(each.record) for each in self._ended if each.record.status == "Completed"
        ]
        epochs = range(before + 1, len(values) + 1)
        return any(strategies.worse_than_median(values[:epoch], earlier, minimize=self._minimize) for epoch in epochs)

    def _record_results(self) -> Results:
        """Bring the counters and the best training job up to date; return all results."""
        ended = [trial.record for trial in self._ended]
        results = Results([trial.record for trial in self._trials], ended, minimize=self._minimize)
        members = results.members()
        if self._compares_with_earlier:
            members |= results.overall_best(self._earlier)
        if any(self._record.members.get(name) != value for name, value in members.items()):
            self._context.store.note(self._record, **members, **self._consumed_resources())
        return results

    def _outcome(self, results: Results) -> tuple[str, str]:
        """Return how it is to end, and why if it fails; nothing while it is to go on."""
        if self._stopping:
            return "Stopped", ""
        last = self._launched_all() and not self._running()
        if reason := results.failure(last=last):
            return "Failed", reason
        criteria = self._config.get("TuningJobCompletionCriteria", {})
        patience = criteria.get("BestObjectiveNotImproving", {}).get("MaxNumberOfTrainingJobsNotImproving")
        enough = (
            last
            or results.reached(criteria.get("TargetObjectiveMetricValue"))
            or (patience is not None and results.not_improving() >= patience)
            or self._seconds() >= self._limits.get("MaxRuntimeInSeconds", float("inf"))
        )
        return ("Completed", "") if enough else ("", "")

    def _launched_all(self) -> bool:
        return self._exhausted or len(self._trials) >= self._limits.get("MaxNumberOfTrainingJobs", float("inf"))

    def _launch(self) -> str:
        """Start as many training jobs as may run at once; return why the tuning job fails, if one is refused."""
        while not self._launched_all() and len(self._running()) < self._limits["MaxParallelTrainingJobs"]:
            self._next_proposal = self._next_proposal or self._strategy.propose()
            if self._next_proposal is None:
                self._exhausted = True
                break
            try:
                self._create(self._next_proposal)
            except ServiceError as error:
                # Another job has taken the room that there was, or the disk is full: this one's turn comes later.
                return "" if error.code in (LIMIT, UNAVAILABLE) else error.message
            self._next_proposal = None
        return ""

    def _create(self, proposal: Proposal) -> None:
        account, region = self._record.account, self._record.region
        name = training_jobs.name(self._record.name, len(self._trials) + 1)
        wanted = training_jobs.request(
            name, self._definition, proposal.values, objective=self._metric["MetricName"], tags=self._tags
        )
        # From its first moment on, for by these it is found again if all ends in the next.
        members = {
            "TuningJobArn": self._record.arn,
            "TuningJobName": self._record.name,
            "TunedHyperParameters": proposal.values,
            "ObjectiveStatus": "Pending",
        }
        if "DefinitionName" in self._definition:
            members["TrainingJobDefinitionName"] = self._definition["DefinitionName"]
        self._service.call("CreateTrainingJob", wanted, account=account, region=region, system_members=members)
        record = self._context.store.get("TrainingJob", name, account=account, region=region)
        self._trials.append(_Trial(proposal, record))

    def _stop(self, trial: _Trial) -> None:
        if trial.record.status != "InProgress":
            return
        with contextlib.suppress(ServiceError):  # it has ended meanwhile
            self._service.call(
                "StopTrainingJob",
                {"TrainingJobName": trial.record.name},
                account=self._record.account,
                region=self._record.region,
            )

    def _seconds(self) -> float:
        created = self._record.members["CreationTime"]
        return float((self._context.clock.now() - created).total_seconds())

    def _consumed_resources(self) -> dict[str, Any]:
        return {"ConsumedResources": {"RuntimeInSeconds": int(self._seconds())}}
