"""What SageMaker itself tells CloudWatch of the workers of a labeling job: metrics, and a log of what they submit.

Sources: SageMaker's guide, "Track Worker Performance Metrics" (the log group, an event and all of its members, the
namespace) and "CloudWatch Logs for Amazon SageMaker AI" (the stream's name); "SageMaker Ground Truth metrics" (names,
units, that a worker is active who submits); a dashboard that users published, for the dimensions CognitoUserPool,
LabelingJob and WorkerId, of which the last is a UUID. The guide names metrics of a team too, without their dimensions:
there are none here, nor TasksDeclined, for the portal lets nobody decline. Not compared with AWS: that a task which is
released ("Release task", guide) is one of TasksReturned, and that its event differs in what has been returned alone;
that WorkerId is the user's sub, LabelingJob the job's name; what the stream's timestamp is of; that TimeSpent has the
whole time from acceptance to submission.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from embedded_aws.runtime.logs import LogStream
from embedded_aws.services.root_clients import RootClients
from embedded_aws.services.sagemaker.metrics.datum import MetricSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.services.sagemaker.jobs import Job
    from embedded_aws.services.sagemaker.labeling.worker import Worker

GROUP = "/aws/sagemaker/groundtruth/WorkerActivity"
_NAMESPACE = "AWS/SageMaker/Workteam"
_TIME = "%a %b %d %H:%M:%S UTC %Y"


@dataclass(frozen=True)
class _Service:
    """SageMaker as it writes into an account by a right that the account's first work team has given it."""

    clients: RootClients
    account: str
    region: str

    def client(self, service: str) -> Any:
        """Return the client for a service."""
        return self.clients.client(service, self.account, self.region)


class WorkerActivity:
    """The activity of one job's workers. Nothing of it waits for the network."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._log: LogStream | None = None

    def accepted(self, worker: Worker) -> None:
        """Tell that a worker has a task before them."""
        self._count(worker, "TasksAccepted")

    def submitted(self, worker: Worker, answer: Mapping[str, Any]) -> None:
        """Tell that a worker has answered a task."""
        self._count(worker, "TasksSubmitted")
        self._count(worker, "ActiveWorkers")
        self._count(worker, "TimeSpent", answer["timeSpentInSeconds"], "Seconds")
        accepted, submitted = (datetime.fromisoformat(answer[name]) for name in ("acceptanceTime", "submissionTime"))
        self._tell(worker, "TasksSubmitted", accepted, submitted, task_submitted_time=f"{submitted:{_TIME}}")

    def returned(self, worker: Worker, *, accepted: datetime, returned: datetime) -> None:
        """Tell that a worker has released a task."""
        self._count(worker, "TasksReturned")
        self._tell(worker, "TasksReturned", accepted, returned, task_returned_time=f"{returned:{_TIME}}")

    def close(self) -> None:
        """Write what is left."""
        if self._log:
            self._log.close()

    def _stream(self) -> LogStream:
        if self._log is None:
            record = self._job.record
            sagemaker = _Service(RootClients(self._job.context.endpoint_url), record.account, record.region)
            whose = f"aws/sagemaker/groundtruth/worker-activity/{record.account}-{record.region}"
            self._log = LogStream(sagemaker, group=GROUP, stream=f"{whose}/{int(time.time())}")
        return self._log

    def _count(self, worker: Worker, metric: str, value: float = 1, unit: str = "None") -> None:
        record = self._job.record
        source = MetricSource(
            account=record.account,
            region=record.region,
            namespace=_NAMESPACE,
            dimensions=(
                ("CognitoUserPool", worker.user_pool),
                ("LabelingJob", record.name),
                ("WorkerId", worker.sub),
            ),
        )
        self._job.context.metrics.samples.add(source, metric, value, unit)

    def _tell(self, worker: Worker, event: str, accepted: datetime, moment: datetime, **times: str) -> None:
        """Write a line to the log."""
        record = self._job.record
        members = {
            "worker_id": worker.id.rpartition(".")[2],
            "cognito_user_pool_id": worker.user_pool,
            "cognito_sub_id": worker.sub,
            "task_accepted_time": f"{accepted:{_TIME}}",
            "task_submitted_time": "",
            "task_returned_time": "",
            "task_declined_time": "",
            "workteam_arn": self._job.request["HumanTaskConfig"]["WorkteamArn"],
            "labeling_job_arn": record.arn,
            "work_requester_account_id": record.account,
            "job_reference_code": record.members["JobReferenceCode"],
            "job_type": "Private",
            "event_type": event,
            "event_timestamp": str(int(moment.timestamp())),
        }
        self._stream().put(json.dumps({**members, **times}))
