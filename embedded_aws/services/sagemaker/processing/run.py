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

from embedded_aws.runtime import instances
from embedded_aws.runtime.credentials import aws_access
from embedded_aws.runtime.mirror import Mirror, MirrorError, Mirrors
from embedded_aws.runtime.process_group import HostFailure, ProcessGroup
from embedded_aws.services.sagemaker import job_inputs
from embedded_aws.services.sagemaker.failure import FailedError, algorithm_error, reason_of
from embedded_aws.services.sagemaker.processing.host import ProcessingHost

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from embedded_aws.runtime.credentials import CredentialsEndpoint, Role
    from embedded_aws.services.sagemaker.processing.host import ProcessingFolder
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
        self._processes = ProcessGroup(context.host_watcher(record))
        self._lock = threading.Lock()
        self._stopping = self._ended = False
        self._message = ""

    def stop(self) -> bool:
        """End early, with SIGTERM and time to save; False if the job is past that."""
        with self._lock:
            if self._stopping or self._ended:
                return False
            self._stopping = True
            self._processes.stop(grace=_GRACE_SECONDS)
            self._context.store.update(self._record, ProcessingJobStatus="Stopping")
        return True

    def kill(self) -> None:
        """End at once, without a trace: the gateway ends."""
        self._stopping = True
        self._processes.kill()

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
        image = job_inputs.pull(self._request["AppSpecification"]["ImageUri"], self._context, self._role)
        cluster = self._request["ProcessingResources"]["ClusterConfig"]
        job_inputs.attach_volumes(cluster, self._context, self._role)
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

    def _process(self, hosts: Sequence[ProcessingHost]) -> HostFailure | None:
        url = self._context.endpoint_url
        isolated = self._request.get("NetworkConfig", {}).get("EnableNetworkIsolation", False)
        with aws_access(self._credentials, self._role, endpoint_url=url, isolated=isolated) as network:
            return self._processes.run(
                [host.at_work(network) for host in hosts],
                seconds=self._request["StoppingCondition"]["MaxRuntimeInSeconds"],
                on_timeout=self.stop,
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


class Outputs:
    """All outputs of all hosts; hosts that write a file of the same name overwrite each other's, as in any bucket."""

    def __init__(self, s3: Any, request: Mapping[str, Any], machines: Iterable[ProcessingFolder]) -> None:
        key_id = request.get("ProcessingOutputConfig", {}).get("KmsKeyId")
        self._outputs = [
            (each, Mirror(s3, folder, each["S3Output"]["S3Uri"], key_id=key_id))
            for machine in machines
            for each, folder in machine.outputs
        ]
        self._during = Mirrors([mirror for each, mirror in self._outputs if _continuous(each)])

    def start(self) -> None:
        """Put those that go continuously from now on."""
        self._during.start()

    def stop(self) -> None:
        """Nothing writes to them any more."""
        self._during.stop(last=False)

    def finish(self, *, completed: bool) -> None:
        """Put what is left: of a job that has not completed only what goes continuously. Raises FailedError."""
        for each, mirror in self._outputs:
            if completed or _continuous(each):
                try:
                    mirror.keep(last=True)
                except MirrorError as error:
                    raise FailedError(f"ClientError: Failed to upload output {each['OutputName']}. {error}") from error


def _continuous(output: Mapping[str, Any]) -> bool:
    return bool(output["S3Output"]["S3UploadMode"] == "Continuous")
