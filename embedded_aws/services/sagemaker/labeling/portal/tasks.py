"""The tasks of a portal's jobs: the next one of a worker, an answer to one, and one that is released.

Whoever sends an answer or a release again, since nobody heard what became of it, is told the same once more.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from embedded_aws.database import StateError
from embedded_aws.services.sagemaker.labeling.portal.responses import document, refusal
from embedded_aws.services.sagemaker.labeling.templates import TemplateError
from embedded_aws.services.sagemaker.resource_types.resource_type import ENDED

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.labeling.answers import Answers
    from embedded_aws.services.sagemaker.labeling.portal.responses import Response
    from embedded_aws.services.sagemaker.labeling.portal.sign_in import Session
    from embedded_aws.services.sagemaker.labeling.run import LabelingRun
    from embedded_aws.services.sagemaker.labeling.worker import Worker
    from embedded_aws.services.sagemaker.provider import ServiceContext
    from embedded_aws.services.sagemaker.store import Record

_LONGEST_ANSWER = 1_000_000
_OVER = "This task is not yours any more: its time is over, or its job has ended."
_NOT_NOW = "The job makes its next tasks ready."
_NO_JOB = "This job has ended: thank you."


class LabelingJobs(Protocol):
    """What the portal asks of the labeling jobs' provider."""

    answers: Answers

    def labeling_run(self, record: Record) -> LabelingRun | None:
        """Return a job's run, None once it has ended."""


@dataclass(frozen=True)
class WorkerJob:
    """A job that a worker's team was given, and its run while it has not ended."""

    record: Record
    run: LabelingRun | None

    @property
    def over(self) -> bool:
        """Return whether it has ended."""
        return self.run is None or self.record.status in ENDED

    @property
    def human(self) -> dict[str, Any]:
        """Return the job's HumanTaskConfig."""
        return dict(self.record.members["HumanTaskConfig"])

    def next(self, worker: Worker) -> dict[str, Any]:
        """Return the worker's next task with its HTML, if there is one, and how far they are.

        Raises TemplateError, and StateError if it can't be kept that they have it.
        """
        batch = self.run.batch if self.run else None
        if self.run is None or batch is None:
            return {"task": None, "over": self.over}
        found = batch.accept(worker)
        task = found and {
            "place": f"/jobs/{self.record.members['JobReferenceCode']}/tasks/{found.number}",
            "since": found.since,
            "html": self.run.renderer.render(self.run.template, found.input),
        }
        return {"task": task, "over": False, "progress": batch.progress(worker).document()}


class Tasks:
    """The tasks of all jobs."""

    def __init__(self, context: ServiceContext, jobs: LabelingJobs) -> None:
        self._context, self._jobs = context, jobs

    def jobs(self, workforce: Record, session: Session) -> dict[str, WorkerJob]:
        """Return the jobs of a worker's teams, by their codes."""
        scope = {"account": workforce.account, "region": workforce.region}
        teams = {
            team.arn
            for team in self._context.store.all("Workteam", **scope)
            if any(
                one["CognitoMemberDefinition"]["UserGroup"] in session.groups
                for one in team.members["MemberDefinitions"]
            )
        }
        return {
            record.members["JobReferenceCode"]: WorkerJob(record, self._jobs.labeling_run(record))
            for record in self._context.store.all("LabelingJob", **scope)
            if record.members["WorkteamArn"] in teams
        }

    def next(self, job: WorkerJob | None, worker: Worker) -> Response:
        """Give a worker their next task."""
        if job is None:
            return refusal(HTTPStatus.CONFLICT, _NO_JOB)
        try:
            return document(job.next(worker))
        except TemplateError as error:
            return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, unrendered(error))
        except StateError as error:
            return refusal(HTTPStatus.SERVICE_UNAVAILABLE, str(error))

    def take(self, job: WorkerJob | None, worker: Worker, number: int, body: bytes) -> Response:
        """Take an answer."""
        content = _object(body)
        if not content:
            return refusal(HTTPStatus.BAD_REQUEST, "An answer is a JSON object of what each element of the form says.")
        if job and worker.id in self._jobs.answers.of(job.record.arn, number):
            return document({"taken": True})
        batch = job.run.batch if job and job.run else None
        if batch is None:
            not_now = job is not None and not job.over  # after a kill it may be one of the next tasks
            return refusal(HTTPStatus.SERVICE_UNAVAILABLE, _NOT_NOW) if not_now else refusal(HTTPStatus.CONFLICT, _OVER)
        try:
            batch.submit(worker, number, content)
        except LookupError:
            return refusal(HTTPStatus.CONFLICT, _OVER)
        except StateError as error:
            return refusal(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        return document({"taken": True})

    def release(self, job: WorkerJob | None, worker: Worker, number: int, body: bytes) -> Response:
        """Let others have a task that the worker has had since they say."""
        content = _object(body)
        if content is None or not isinstance(content.get("since"), str):
            return refusal(HTTPStatus.BAD_REQUEST, "A release says since when the worker has had the task.")
        batch = job.run.batch if job and job.run else None
        try:
            return document({"released": bool(batch and batch.release(worker, number, content["since"]))})
        except StateError as error:
            return refusal(HTTPStatus.SERVICE_UNAVAILABLE, str(error))


def unrendered(error: TemplateError) -> str:
    """Say that a task can't be shown, and why."""
    return f"The job's template can't show this task: {error}"


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body) if len(body) <= _LONGEST_ANSWER else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
