"""What a labeling job tells CloudWatch of itself, as its role: its metrics and its log.

Sources: SageMaker's guide, "SageMaker Ground Truth metrics" (names, without a unit; LabelingJobName is a dimension of
the counts of objects) and "CloudWatch Logs for Amazon SageMaker AI" (the group, and that a stream is called as its
job); AWS's policy AmazonSageMakerGroundTruthExecution, for roles of labeling jobs, has PutMetricData and the log's
actions; the namespace is that of public lists of CloudWatch's metrics. Of the log's events there are those that AWS's
solution Media2Cloud looks for, with the words that it looks for in them. DatasetObjectsAutoAnnotated is not sent: "only
emitted when automated labeling is enabled". Not compared with AWS: how the log's sentences go on; which members and
events there are beside those; that the counts are sent after each batch; that LabelingJobName is the name as given.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.runtime.logs import LogStream
from embedded_aws.services.sagemaker.metrics.datum import SAGEMAKER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.services.sagemaker.jobs import Job

log = logging.getLogger(__name__)

GROUP = "/aws/sagemaker/LabelingJobs"
BATCH, CONDITION, EXPORTED = (
    "BATCH_ANNOTATION_STATUS_EVALUATED",
    "STOPPING_CONDITION_REACHED",
    "EXPORTED_LABELED_MANIFEST",
)
_OF_OBJECTS = {
    "DatasetObjectsHumanAnnotated": "HumanLabeled",
    "DatasetObjectsLabelingFailed": "FailedNonRetryableError",
    "TotalDatasetObjectsLabeled": "TotalLabeled",
}
_OF_JOBS = {"Completed": "JobsSucceeded", "Failed": "JobsFailed", "Stopped": "JobsStopped"}


class Progress:
    """The progress of one job; a role that may not write it loses it, and the job goes on."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._log: LogStream | None = None
        self._cloudwatch: Any = None

    def tell(self, event: str, message: str) -> None:
        """Write an event to the log."""
        if self._log is None:
            self._log = LogStream(self._job.role, group=GROUP, stream=self._job.record.name)
        self._log.put(json.dumps({"event-name": event, "event-log-message": message}))

    def count(self, counters: Mapping[str, int]) -> None:
        """Publish the job's LabelCounters."""
        dimensions = [{"Name": "LabelingJobName", "Value": self._job.record.name}]
        self._publish({name: counters[counter] for name, counter in _OF_OBJECTS.items()}, Dimensions=dimensions)

    def end(self, status: str) -> None:
        """Publish how the job has ended."""
        self._publish({_OF_JOBS[status]: 1})

    def close(self) -> None:
        """Write what is left of the log."""
        if self._log:
            self._log.close()

    def _publish(self, values: Mapping[str, int], **more: Any) -> None:
        data = [{"MetricName": name, "Value": float(value), "Unit": "None", **more} for name, value in values.items()]
        try:
            self._cloudwatch = self._cloudwatch or self._job.role.client("cloudwatch")
            self._cloudwatch.put_metric_data(Namespace=SAGEMAKER, MetricData=data)
        except (ClientError, BotoCoreError) as error:
            log.warning("%d values of metrics were lost: %s", len(data), error)
