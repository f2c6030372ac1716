"""One run of a labeling job, from its manifest to its output; after a kill it goes on where it was.

Workers first get a batch of ten objects, then of as many as MaxConcurrentTaskCount, and the next one once all of that
are through (AWS's knowledge center, "How can I troubleshoot Ground Truth labeling errors?"). An object that nobody has
answered in time has failed and is in no request to a function (guide, "Post-annotation Lambda"). A job that meets a
stopping condition "is automatically stopped" (botocore). Not compared with AWS: that an object which a function lets
nobody answer has failed; that a stopping condition's end is Stopped.
"""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from embedded_aws.services.sagemaker.failure import FailedError, reason_of
from embedded_aws.services.sagemaker.labeling import functions, manifest, progress, templates
from embedded_aws.services.sagemaker.labeling.activity import WorkerActivity
from embedded_aws.services.sagemaker.labeling.batch import Batch, Limits
from embedded_aws.services.sagemaker.labeling.functions import Functions
from embedded_aws.services.sagemaker.labeling.labels import Labels
from embedded_aws.services.sagemaker.labeling.output import Output
from embedded_aws.services.sagemaker.labeling.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embedded_aws.services.sagemaker.jobs import Job
    from embedded_aws.services.sagemaker.labeling.answers import Answer, Answers
    from embedded_aws.services.sagemaker.labeling.assignments import Assignments

FIRST_BATCH = 10
MOST_AT_ONCE = 1000
LIFETIME_SECONDS = 30 * 86_400
_PERCENT = 100
_SIGNED = Config(signature_version="s3v4")  # boto3's own choice for links is a signature that AWS has given up


class LabelingRun:
    """A job's work; `execute` returns when the job has ended. `batch` is what workers have before them, if anything."""

    def __init__(self, job: Job, answers: Answers, assignments: Assignments, *, stopping: bool = False) -> None:
        self._job, self._request, self._answers, self._assignments = job, job.request, answers, assignments
        self._human: Mapping[str, Any] = job.request["HumanTaskConfig"]
        self._progress, self._activity = Progress(job), WorkerActivity(job)
        self._lock = threading.Lock()
        self._stopping, self._killed, self._ended = stopping, False, False
        self._objects: list[dict[str, Any]] = []
        self._categories: list[str] = []
        self.batch: Batch | None = None
        self.template = ""

    @cached_property
    def renderer(self) -> templates.Templates:
        """Return what renders the job's template, as the job's role."""
        return templates.Templates(self._job.role.client("s3", config=_SIGNED))

    def stop(self) -> bool:
        """End early; what there is of labels is put out. Return False if it has ended."""
        with self._lock:
            if self._stopping or self._ended:
                return False
            self._job.update(LabelingJobStatus="Stopping")
            self._stopping = True
        self._close()
        return True

    def kill(self) -> None:
        """End at once, without a trace: the gateway ends."""
        self._killed = True
        self._close()

    def execute(self) -> None:
        """Let all be labeled; every end is recorded in the job's record."""
        reason = reason_of(self._execute, f"labeling job {self._job.record.name}")
        if not self._killed:
            self._end(reason)
        self._activity.close()
        self._progress.close()

    def _execute(self) -> None:
        s3 = self._job.role.client("s3")
        self._objects = manifest.read(s3, self._request["InputConfig"]["DataSource"]["S3DataSource"]["ManifestS3Uri"])
        if uri := self._request.get("LabelCategoryConfigS3Uri"):
            self._categories = manifest.read_categories(s3, uri)
        self.template = manifest.read_text(s3, self._human["UiConfig"]["UiTemplateS3Uri"])
        self._check_template()
        self._output = Output(s3, self._request["OutputConfig"], self._job.record.name)
        self._functions = Functions(self._job.role)
        self._labels = Labels(
            self._job,
            self._answers,
            output=self._output,
            functions=self._functions,
            objects=self._objects,
            categories=self._categories,
        )
        with self._lock:
            if not self._stopping:
                self._job.update(LabelingJobStatus="InProgress")
        self._count()
        while not self._over() and (numbers := self._next()):
            self._work_on(numbers)
            if self._killed:
                return
            self._count()
            self._output.put_manifest(self._objects, self._outcomes)
        self._output.put_manifest(self._objects, self._outcomes)
        if not self._killed:
            self._progress.tell(progress.EXPORTED, f"The output manifest is {self._output.manifest}.")

    @property
    def _outcomes(self) -> dict[int, Answer]:
        return self._answers.outcomes(self._job.record.arn)

    def _over(self) -> bool:
        return self._stopping or self._killed

    def _check_template(self) -> None:
        """Raise FailedError for a template that can't be shown."""
        try:
            templates.check(self.template)
        except templates.TemplateError as error:
            uri = self._human["UiConfig"]["UiTemplateS3Uri"]
            raise FailedError(f"ClientError: The template {uri} can't be rendered. {error}") from error

    def _next(self) -> list[int]:
        """Return the numbers of the next batch's objects; stop the job once it has as many labels as it may."""
        outcomes = self._outcomes
        left = [number for number in range(len(self._objects)) if number not in outcomes]
        labeled = sum(map(bool, outcomes.values()))
        conditions = self._request.get("StoppingConditions", {})
        allowed = min(
            conditions.get("MaxHumanLabeledObjectCount", len(self._objects)),
            len(self._objects) * conditions.get("MaxPercentageOfInputDatasetLabeled", _PERCENT) // _PERCENT,
        )
        if left and labeled >= allowed:
            self._progress.tell(progress.CONDITION, f"StoppingConditions let {labeled} objects be labeled, no more.")
            self.stop()
            return []
        size = min(self._human.get("MaxConcurrentTaskCount", MOST_AT_ONCE), len(left), allowed - labeled)
        return left[: size if outcomes else min(size, FIRST_BATCH)]

    def _work_on(self, numbers: Sequence[int]) -> None:
        """Have a batch answered, and make labels of the answers."""
        tasks = {}
        for number in numbers:
            task_input, wanted = self._input(self._objects[number])
            if wanted:
                tasks[number] = task_input
            else:
                self._answers.settle(self._job.record.arn, {number: {}})
        scaled = self._job.context.clock.scaled
        limits = Limits(
            workers=self._human["NumberOfHumanWorkersPerDataObject"],
            task_seconds=scaled(self._human["TaskTimeLimitInSeconds"]),
            batch_seconds=scaled(self._human.get("TaskAvailabilityLifetimeInSeconds", LIFETIME_SECONDS)),
        )
        batch = Batch(self._job.record.arn, tasks, limits, (self._answers, self._assignments), self._activity)
        self._tell_batch("SUBMITTED", tasks)
        with self._lock:
            self.batch = batch
        if self._over():
            batch.close()
        files = {number: self._put_answers(number) for number in batch.finished()}
        batch.close()
        with self._lock:
            self.batch = None
        if not self._killed:
            self._settle(tasks, files)
            self._tell_batch("STOPPED" if self._stopping else "COMPLETED", tasks)

    def _tell_batch(self, status: str, tasks: Mapping[int, Any]) -> None:
        if tasks:
            self._progress.tell(progress.BATCH, f"The batch of {len(tasks)} objects is {status}.")

    def _put_answers(self, number: int) -> str:
        return self._output.put_answers(number, [*self._answers.of(self._job.record.arn, number).values()])

    def _settle(self, tasks: Mapping[int, Any], files: dict[int, str]) -> None:
        """Make labels of what was answered; of the rest what time has run out for has failed."""
        for number in tasks:
            if number not in files and self._answers.of(self._job.record.arn, number):
                files[number] = self._put_answers(number)
        if self._stopping:  # what is still to be answered is not labeled, and has not failed
            wanted = self._human["NumberOfHumanWorkersPerDataObject"]
            files = {n: file for n, file in files.items() if len(self._answers.of(self._job.record.arn, n)) >= wanted}
        failed: dict[int, Answer] = {} if self._stopping else {number: {} for number in tasks if number not in files}
        self._answers.settle(self._job.record.arn, {**failed, **(self._labels.of(files) if files else {})})

    def _input(self, data_object: Mapping[str, Any]) -> tuple[Any, bool]:
        """Return an object's task input, and whether somebody must answer it."""
        arn = self._human.get("PreHumanTaskLambdaArn")
        if arn is None:
            return data_object, True
        if functions.built_in(arn, self._job.record.account):
            source = next(data_object[name] for name in manifest.SOURCES if name in data_object)
            return {"taskObject": source, "labels": self._categories}, True
        return self._functions.before(arn, self._job.record.arn, data_object)

    def _count(self) -> None:
        outcomes = self._outcomes
        labeled = sum(map(bool, outcomes.values()))
        counters = {
            "TotalLabeled": labeled,
            "HumanLabeled": labeled,
            "MachineLabeled": 0,
            "FailedNonRetryableError": len(outcomes) - labeled,
            "Unlabeled": len(self._objects) - len(outcomes),
        }
        self._job.update(LabelCounters=counters)
        self._progress.count(counters)

    def _close(self) -> None:
        with self._lock:
            batch = self.batch
        if batch:
            batch.close()

    def _end(self, reason: str) -> None:
        with self._lock:
            self._ended = True
            status = "Failed" if reason else "Stopped" if self._stopping else "Completed"
            output = None if reason else {"OutputDatasetS3Uri": self._output.manifest}
            self._job.update(LabelingJobStatus=status, FailureReason=reason or None, LabelingJobOutput=output)
        self._progress.end(status)
