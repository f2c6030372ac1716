"""Labeling jobs: checked when they are created, then run, each by a `LabelingRun`.

`The specified Workteam …` is AWS's sentence of CreateFlowDefinition (data-science-on-aws#37). A JobReferenceCode is the
account's number and sixteen letters and digits: answers of DescribeLabelingJob that users published. Not compared with
AWS: that CreateLabelingJob says the same of a team; whether ListLabelingJobsForWorkteam lists jobs that have ended.
"""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING, Any, cast

from embedded_aws.services.sagemaker import listing
from embedded_aws.services.sagemaker.errors import NOT_FOUND, ServiceError, validation_exception
from embedded_aws.services.sagemaker.jobs import Jobs
from embedded_aws.services.sagemaker.labeling import validation
from embedded_aws.services.sagemaker.labeling.answers import Answers
from embedded_aws.services.sagemaker.labeling.assignments import Assignments
from embedded_aws.services.sagemaker.labeling.run import LabelingRun
from embedded_aws.services.sagemaker.resource_types.labeling import LABELING_JOB
from embedded_aws.services.sagemaker.resource_types.resource_type import ENDED
from embedded_aws.services.sagemaker.roles import role_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.services.sagemaker.provider import ServiceContext, Work
    from embedded_aws.services.sagemaker.resource_types import ResourceType
    from embedded_aws.services.sagemaker.store import Record

_CODE_LENGTH = 16
_LETTERS = string.ascii_letters + string.digits
_NONE_YET = dict.fromkeys(("TotalLabeled", "HumanLabeled", "MachineLabeled", "FailedNonRetryableError", "Unlabeled"), 0)


class LabelingJobs(Jobs):
    """The provider of labeling jobs."""

    end_time = "LabelingJobEndTime"  # of which AWS tells nobody

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        self.answers = Answers(context.database)
        self._assignments = Assignments(context.database)

    def described(self, resource_type: ResourceType, request: Mapping[str, Any], name: str) -> dict[str, Any]:
        """Return what Describe and List tell."""
        human = request["HumanTaskConfig"]
        return {
            **super().described(resource_type, request, name),
            "LabelCounters": _NONE_YET,
            "WorkteamArn": human["WorkteamArn"],
            **{name: human[name] for name in ("PreHumanTaskLambdaArn",) if name in human},
            **human.get("AnnotationConsolidationConfig", {}),
        }

    def create(self, record: Record, request: dict[str, Any]) -> Work:
        """Check the role, the team and what is asked for; return what starts the job. Raises ServiceError."""
        validation.check(request, record.account)
        team = request["HumanTaskConfig"]["WorkteamArn"]
        if self.context.store.find_arn(team, account=record.account, region=record.region) is None:
            raise validation_exception(
                f"The specified Workteam '{team}' does not exist or you do not have access to it."
            )
        role = self.role(record, request["RoleArn"])
        code = f"{record.account}{''.join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))}"
        self.context.store.update(record, JobReferenceCode=code)
        return lambda: self.begin(record, LabelingRun(self.job(record, request, role), self.answers, self._assignments))

    def restore(self, record: Record) -> Work | None:
        """Go on with a job that had not ended: its answers are kept."""
        if record.status in ENDED:
            return None
        role = role_of(record, record.members["RoleArn"], endpoint_url=self.context.endpoint_url)
        job = self.job(record, record.members, role)
        run = LabelingRun(job, self.answers, self._assignments, stopping=record.status == "Stopping")
        return lambda: self.begin(record, run)

    def discard(self, record: Record) -> None:
        """Forget a job with its answers, and end it."""
        super().discard(record)
        self.answers.forget(record.arn)
        self._assignments.forget(record.arn)

    def operate(self, verb: str, request: dict[str, Any], *, account: str, region: str) -> dict[str, Any]:
        """Return the jobs of a work team. Raises ServiceError if there is no such team."""
        del verb  # ListLabelingJobsForWorkteam is the only one
        store = self.context.store
        if store.find_arn(request["WorkteamArn"], account=account, region=region) is None:
            raise ServiceError(NOT_FOUND, f"The work team {request['WorkteamArn']} could not be found.")
        jobs = [
            record
            for record in store.all("LabelingJob", account=account, region=region)
            if record.members["WorkteamArn"] == request["WorkteamArn"]
        ]
        filters = {name: value for name, value in request.items() if name != "WorkteamArn"}
        wanted = {"SortOrder": "Ascending", **filters}
        page, token = listing.page(LABELING_JOB, listing.select(LABELING_JOB, jobs, wanted), wanted)
        answer: dict[str, Any] = {"LabelingJobSummaryList": [_summary(record) for record in page]}
        return {**answer, "NextToken": token} if token else answer

    def labeling_run(self, record: Record) -> LabelingRun | None:
        """Return a job's run, None once it has ended."""
        return cast("LabelingRun | None", self.run_of(record))


def _summary(record: Record) -> dict[str, Any]:
    """Return what ListLabelingJobsForWorkteam tells of a job."""
    counters = record.members["LabelCounters"]
    human = record.members["HumanTaskConfig"]
    return {
        "LabelingJobName": record.name,
        "JobReferenceCode": record.members["JobReferenceCode"],
        "WorkRequesterAccountId": record.account,
        "CreationTime": record.members["CreationTime"],
        "LabelCounters": {
            "HumanLabeled": counters["HumanLabeled"],
            "PendingHuman": counters["Unlabeled"],
            "Total": counters["HumanLabeled"] + counters["FailedNonRetryableError"] + counters["Unlabeled"],
        },
        "NumberOfHumanWorkersPerDataObject": human["NumberOfHumanWorkersPerDataObject"],
    }
