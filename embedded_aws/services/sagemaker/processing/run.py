"""One run of a processing job, from the pull of its image to its last output.

`AlgorithmError: …, exit code: …`: SageMaker's guide, Troubleshooting of the Python SDK. `Failed to download data`: a
user's log (aws-samples/sagemaker-run-notebook#32). What ExitMessage holds: SageMaker's guide, Save and Access Metadata.
A job that takes longer than MaxRuntimeInSeconds "is stopped": botocore, of ProcessingStoppingCondition.
Not compared with AWS: that a job that fails or is stopped puts no output that is to come at its end; the sentences on
outputs and on a message that is no text.
"""

from __future__ import annotations

import shutil
import threading
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from embedded_aws.runtime import ingest, instances
from embedded_aws.runtime.network import reach
from embedded_aws.runtime.process_group import Crew, Failure
from embedded_aws.services.sagemaker.failure import FailedError, algorithm_error, reason_of
from embedded_aws.services.sagemaker.processing.host import ProcessingHost
from embedded_aws.services.sagemaker.processing.outputs import Outputs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from embedded_aws.runtime.credentials import Role
    from embedded_aws.runtime.metadata import CredentialsEndpoint
    from embedded_aws.services.sagemaker.provider import Context
    from embedded_aws.services.sagemaker.store import Record

_GRACE_SECONDS = 120  # between SIGTERM and SIGKILL, as a training job has it
_MESSAGE_BYTES = 1024


class ProcessingRun:
    """A job's hosts with everything around them; `execute` returns when the job has ended."""

    def __init__(
        self,
        record: Record,
        request: dict[str, Any],
        *,
        context: Context,
        role: Role,
        credentials: CredentialsEndpoint,
    ) -> None:
        self._record, self._request = record, {**record.resource_type.defaults, **request}
        self._context, self._role, self._credentials = context, role, credentials
        self._crew = Crew(context.host_watcher(record))
        self._lock = threading.Lock()
        self._stopping = self._ended = False
        self._message = ""

    def stop(self) -> bool:
        """End early, with SIGTERM and time to save; False if the job is past that."""
        with self._lock:
            if self._stopping or self._ended:
                return False
            self._stopping = True
            self._crew.stop(grace=_GRACE_SECONDS)
            self._context.store.update(self._record, ProcessingJobStatus="Stopping")
        return True

    def kill(self) -> None:
        """End at once, without a trace: the gateway ends."""
        self._stopping = True
        self._crew.kill()

    def execute(self) -> None:
        """Download, process, upload; every end is recorded in the job's record."""
        folder = self._context.job_folder(self._record)
        reason = reason_of(lambda: self._execute(folder), f"processing job {self._record.name}")
        shutil.rmtree(folder, ignore_errors=True)
        self._end(reason)

    def _execute(self, folder: Path) -> None:
        s3 = self._role.client("s3")
        hosts = self._hosts(folder)
        for host in hosts:
            if self._stopping:
                return
            host.download(s3)
        outputs = Outputs(s3, self._request, [host.folder for host in hosts])
        outputs.start()
        try:
            failure = self._process(hosts)
        finally:
            outputs.stop()
        self._message = _text(b"".join(host.folder.message() for host in hosts))
        if failure and not self._stopping:
            with suppress(FailedError):  # the reason is that it failed
                outputs.finish(completed=False)
            raise algorithm_error(self._message, failure.status)
        outputs.finish(completed=not self._stopping)

    def _hosts(self, folder: Path) -> list[ProcessingHost]:
        image = ingest.pull(self._request["AppSpecification"]["ImageUri"], self._context, self._role)
        cluster = self._request["ProcessingResources"]["ClusterConfig"]
        ingest.attach_volumes(cluster, self._context, self._role)
        self._context.store.update(self._record, ProcessingStartTime=datetime.now(UTC))
        launched = instances.launch(cluster)
        host = partial(
            ProcessingHost,
            instances=launched,
            record=self._record,
            request=self._request,
            image=image,
            folder=folder,
            role=self._role,
        )
        return [host(number) for number in range(len(launched))]

    def _process(self, hosts: Sequence[ProcessingHost]) -> Failure | None:
        url = self._context.endpoint_url
        isolated = self._request.get("NetworkConfig", {}).get("EnableNetworkIsolation", False)
        with reach(self._credentials, self._role, endpoint_url=url, isolated=isolated) as network:
            return self._crew.work(
                [host.at_work(network) for host in hosts],
                seconds=self._request["StoppingCondition"]["MaxRuntimeInSeconds"],
                late=self.stop,
            )

    def _end(self, reason: str) -> None:
        with self._lock:
            self._ended = True
            status = "Failed" if reason else "Completed"
            if self._stopping:
                status, reason = "Stopped", ""
            self._context.store.update(
                self._record,
                ProcessingJobStatus=status,
                ProcessingEndTime=datetime.now(UTC),
                ExitMessage=self._message or None,
                FailureReason=reason or None,
            )


def _text(message: bytes) -> str:
    """ExitMessage of what the containers wrote. Raises FailedError if that is no text."""
    try:
        message.decode()
    except UnicodeDecodeError as error:
        raise FailedError("ClientError: /opt/ml/output/message is not encoded in UTF-8.") from error
    return message[:_MESSAGE_BYTES].decode(errors="ignore")
