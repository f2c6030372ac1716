"""A job of SageMaker as a resource of a stack.

Properties: Lab; Identity, whatever decides the outcome of the job; Request, the input of CreateTrainingJob or
CreateProcessingJob without the name; DeadlineSeconds, how long after its creation a job is stopped, whatever it does or
waits for; StopSeconds, how long it may take to end then. The physical id, `<lab>-<mark>`, is the same for the life of
the resource: an Update never ends in a Delete. The resource's type tells the type of job, which tells the attributes.

`on_event` only reads, and stops: were it to end without an answer after it has started a job, CDK's provider framework
would swallow the Delete that follows a failed Create, and the job would run on (aws-cdk#5524, #28996). `is_complete`
starts the job that it does not find. Whatever happens to it, a Delete comes, which finds the jobs by their names.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.handlers.job import errors
from infra.handlers.job.processing import ProcessingJobs
from infra.handlers.job.request import identity, resource_mark
from infra.handlers.job.training import TrainingJobs
from teardown import clients, refusals

if TYPE_CHECKING:
    from infra.handlers.job.jobs import Jobs

# A call waits for so long, and looks so often; the framework asks again. The function's timeout is five minutes.
POLL_SECONDS = 45.0
POLL_INTERVAL = 1.0
# How long SageMaker may take to take a job, for a new role that is not known everywhere, say; and how often to ask.
_START_SECONDS = 120.0
_START_INTERVAL = 5.0
_DEADLINE_SECONDS, _STOP_SECONDS = 3180, 120  # where the properties, an earlier release's, do not tell
_JOB_TYPES = {"Custom::TrainingJob": TrainingJobs, "Custom::ProcessingJob": ProcessingJobs}

Event = dict[str, Any]
Answer = dict[str, Any]


class JobResource:
    """The custom resource of one job after the other."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def on_event(self, event: Event) -> Answer:
        """Choose the job; leave its start, and everything of a Delete, to `is_complete`, which can be asked again."""
        if event["RequestType"] == "Delete":
            return {"PhysicalResourceId": event["PhysicalResourceId"], "Since": self._jobs.now()}
        properties, mark = event["ResourceProperties"], resource_mark(event)
        prefix = f"{properties['Lab']}-{mark}"
        name = f"{prefix}-{identity(properties)}"
        request = properties["Request"]
        try:
            self._stop_others(mark, name)
            chosen = self._jobs.choose(name, request)
        except ClientError as error:
            instance_type = self._jobs.instance_type(request)
            raise errors.refused(error, self._jobs.type, instance_type=instance_type) from error
        return {"PhysicalResourceId": prefix, self._jobs.type.member("Name"): chosen, "Since": self._jobs.now()}

    def is_complete(self, event: Event) -> Answer:
        """Wait for the job's end, or for the end of all jobs on a Delete, as long as one call may."""
        deadline = self._jobs.now() + POLL_SECONDS
        while True:
            answer = self._look(event)
            if answer["IsComplete"] or self._jobs.now() > deadline:
                return answer
            self._jobs.sleep(POLL_INTERVAL)

    def _look(self, event: Event) -> Answer:
        try:
            if event["RequestType"] == "Delete":
                return {"IsComplete": self._is_gone(resource_mark(event), event)}
            job = self._jobs.find(self._jobs.name(event))
            if job is None:
                self._start(event)
                return {"IsComplete": False}
            return self._outcome(job, event["ResourceProperties"])
        except (BotoCoreError, ClientError) as error:
            if refusals.is_passing(error):
                return {"IsComplete": False}
            raise errors.JobError(f"The {self._jobs.type} could not be watched ({error}).") from error

    def _start(self, event: Event) -> None:
        """Start the job, or try to; not long after the request, when it is not there for it has been deleted."""
        name, request = self._jobs.name(event), event["ResourceProperties"]["Request"]
        waited = self._jobs.now() - event.get("Since", 0)
        if waited > _START_SECONDS + POLL_SECONDS:
            raise errors.gone(name, self._jobs.type)
        try:
            self._jobs.start(name, request)
        except ClientError as error:
            passing = errors.is_role_not_ready(error) or refusals.is_passing(error)
            if not passing or waited > _START_SECONDS:
                instance_type = self._jobs.instance_type(request)
                raise errors.refused(error, self._jobs.type, instance_type=instance_type) from error
            self._jobs.sleep(_START_INTERVAL - POLL_INTERVAL)

    def _outcome(self, job: dict[str, Any], properties: dict[str, Any]) -> Answer:
        """Tell how it ended; stop it at its deadline, and give it up when it has not ended soon after."""
        deadline = int(properties.get("DeadlineSeconds", _DEADLINE_SECONDS))
        late = self._jobs.age(job) - deadline
        status = self._jobs.status(job)
        if status in {"Completed", "Failed", "Stopped"}:
            result = self._jobs.result(job)
            if result is not None:
                return {"IsComplete": True, "Data": {**result, **self._jobs.details(job)}}
            raise self._failed(job, deadline if late >= 0 and status == "Stopped" else None)
        if late >= int(properties.get("StopSeconds", _STOP_SECONDS)):
            raise self._failed(job, deadline)
        if late >= 0 and status == "InProgress":
            self._jobs.stop(self._jobs.name(job))
        return {"IsComplete": False}

    def _failed(self, job: dict[str, Any], deadline: int | None) -> errors.JobError:
        """Return why it came to nothing; `deadline` if it was stopped for that."""
        kind, region, instance_type = self._jobs.type, self._jobs.region, self._jobs.instance_type(job)
        if deadline is None or job.get("SecondaryStatus") in {"MaxRuntimeExceeded", "MaxWaitTimeExceeded"}:
            return errors.failed(job, kind, instance_type=instance_type, region=region)
        state = self._jobs.last_state(job)
        return errors.too_late(job, kind, seconds=deadline, state=state, instance_type=instance_type, region=region)

    def _stop_others(self, mark: str, name: str) -> None:
        """Stop the jobs that a deployment left running which timed out or was cancelled."""
        for job in self._jobs.marked(mark):
            other = self._jobs.name(job)
            if self._jobs.status(job) == "InProgress" and not f"{other}-".startswith(f"{name}-"):
                self._jobs.stop(other)

    def _is_gone(self, mark: str, event: Event) -> bool:
        """Stop what runs, forget what has ended; true when nothing is left to wait for.

        A failed job stays on record: a first deployment that fails is rolled back with a Delete, and then its record
        and its log are what the user has to go by. So does every job if the Delete came while the Create was still
        waited for, as its physical id tells, which nobody has given: the Create would start anew what it does not find.
        """
        since = event.get("Since")
        jobs = list(self._jobs.marked(mark))
        unfinished = [job for job in jobs if self._jobs.status(job) in {"InProgress", "Stopping"}]
        for job in unfinished:
            if self._jobs.status(job) == "InProgress":
                self._jobs.stop(self._jobs.name(job))
        if unfinished:
            if since is not None and self._jobs.now() - since > _DEADLINE_SECONDS:
                names = [self._jobs.name(job) for job in unfinished]
                raise errors.lingering(names, self._jobs.type, seconds=_DEADLINE_SECONDS)
            return False
        created = event["PhysicalResourceId"].endswith(f"-{mark}")
        for job in jobs if created else ():
            if self._jobs.status(job) in {"Completed", "Stopped"}:
                self._jobs.forget(self._jobs.name(job))
        return True


@cache
def _resource(kind: str) -> JobResource:
    return JobResource(_JOB_TYPES[kind](clients.client("sagemaker"), clients.client("s3")))


def on_event(event: Event, _context: object) -> Answer:
    """Entry point of the Lambda function that CDK's provider framework calls first."""
    return _resource(event["ResourceType"]).on_event(event)


def is_complete(event: Event, _context: object) -> Answer:
    """Entry point of the Lambda function that CDK's provider framework calls until it answers yes."""
    return _resource(event["ResourceType"]).is_complete(event)
