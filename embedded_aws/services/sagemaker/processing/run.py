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
from typing import TYPE_CHECKING, Any

from embedded_aws.runtime import instances, memory
from embedded_aws.runtime.mirror import Mirror, MirrorError, Mirrors
from embedded_aws.runtime.process_group import HostFailure, ProcessGroup
from embedded_aws.services.sagemaker import job_inputs
from embedded_aws.services.sagemaker.failure import FailedError, algorithm_error, engine_errors, reason_of
from embedded_aws.services.sagemaker.processing.host import ProcessingHost

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from embedded_aws.runtime.instances import Instance
    from embedded_aws.services.sagemaker.jobs import Job
    from embedded_aws.services.sagemaker.processing.host import ProcessingFolder

_GRACE_SECONDS = 120  # between SIGTERM and SIGKILL, as a training job has it
_MESSAGE_BYTES = 1024


class ProcessingRun:
    """A job's hosts with everything around them; `execute` returns when the job has ended."""

    def __init__(self, job: Job) -> None:
        self._job, self._request = job, job.request
        self._processes = ProcessGroup(job.context.host_watcher(job.record))
        self._instances: list[Instance] = []
        self._lock = threading.Lock()
        self._stopping = self._ended = False
        self._message = ""

    def stop(self) -> bool:
        """End early, with SIGTERM and time to save; return False if the job is past that."""
        with self._lock:
            if self._stopping or self._ended:
                return False
            self._job.update(ProcessingJobStatus="Stopping")
            self._stopping = True
            self._processes.stop(grace=_GRACE_SECONDS)
        return True

    def kill(self) -> None:
        """End at once, without a trace: the gateway ends."""
        self._stopping = True
        self._processes.kill()

    def execute(self) -> None:
        """Download, process, upload; every end is recorded in the job's record."""
        folder = self._job.context.job_folder(self._job.record)
        reason = reason_of(lambda: self._execute(folder), f"processing job {self._job.record.name}")
        shutil.rmtree(folder, ignore_errors=True)
        self._end(reason)

    def _execute(self, folder: Path) -> None:
        s3 = self._job.role.client("s3")
        hosts = self._start_hosts(folder)
        for host in hosts:
            if self._stopping:
                return
            host.download(s3)
        outputs = _Outputs(s3, self._request, [host.folder for host in hosts])
        outputs.start()
        try:
            failure = self._process(hosts)
        finally:
            outputs.stop()
        self._message = _exit_message(b"".join(host.folder.message() for host in hosts))
        if failure and not self._stopping:
            with suppress(FailedError):  # the reason is that it failed
                outputs.finish(completed=False)
            if failure.out_of_memory:
                raise FailedError(memory.EXCEEDED)
            raise algorithm_error(self._message, failure.status)
        outputs.finish(completed=not self._stopping)

    def _start_hosts(self, folder: Path) -> list[ProcessingHost]:
        job = self._job
        image = job_inputs.pull(self._request["AppSpecification"]["ImageUri"], job.context, job.role)
        cluster = self._request["ProcessingResources"]["ClusterConfig"]
        job_inputs.attach_volumes(cluster, job.context, job.role)
        job.update(ProcessingStartTime=datetime.now(UTC))
        launched = self._instances = instances.launch(cluster, sandboxed=job.context.sandboxes(image))
        return [ProcessingHost(job, one, launched, folder=folder / one.name, image=image) for one in launched]

    def _process(self, hosts: Sequence[ProcessingHost]) -> HostFailure | None:
        isolated = self._request.get("NetworkConfig", {}).get("EnableNetworkIsolation", False)
        with (
            engine_errors(),
            self._job.aws_access(isolated=isolated) as network,
            instances.connected(
                [host.command(network) for host in hosts], self._instances, isolated=isolated
            ) as commands,
        ):
            return self._processes.run(
                commands,
                seconds=self._request["StoppingCondition"]["MaxRuntimeInSeconds"],
                on_timeout=self.stop,
            )

    def _end(self, reason: str) -> None:
        with self._lock:
            self._ended = True
            status = "Failed" if reason else "Completed"
            if self._stopping:
                status, reason = "Stopped", ""
            self._job.update(
                ProcessingJobStatus=status,
                ProcessingEndTime=datetime.now(UTC),
                ExitMessage=self._message or None,
                FailureReason=reason or None,
            )


def _exit_message(message: bytes) -> str:
    """Return the ExitMessage of what the containers wrote. Raises FailedError if that is no text."""
    try:
        message.decode()
    except UnicodeDecodeError as error:
        raise FailedError("ClientError: /opt/ml/output/message is not encoded in UTF-8.") from error
    return message[:_MESSAGE_BYTES].decode(errors="ignore")


class _Outputs:
    """All outputs of all hosts; hosts that write a file of the same name overwrite each other's, as in any bucket."""

    def __init__(self, s3: Any, request: Mapping[str, Any], folders: Iterable[ProcessingFolder]) -> None:
        key_id = request.get("ProcessingOutputConfig", {}).get("KmsKeyId")
        self._outputs = [
            (each, Mirror(s3, folder, each["S3Output"]["S3Uri"], key_id=key_id))
            for host in folders
            for each, folder in host.outputs
        ]
        self._during = Mirrors([mirror for each, mirror in self._outputs if _is_continuous(each)])

    def start(self) -> None:
        """Begin to upload those that go continuously."""
        self._during.start()

    def stop(self) -> None:
        """End that, because nothing writes to them any more."""
        self._during.stop(last=False)

    def finish(self, *, completed: bool) -> None:
        """Upload what is left: of a job that has not completed only what goes continuously. Raises FailedError."""
        for each, mirror in self._outputs:
            if completed or _is_continuous(each):
                try:
                    mirror.upload_changes(last=True)
                except MirrorError as error:
                    raise FailedError(f"ClientError: Failed to upload output {each['OutputName']}. {error}") from error


def _is_continuous(output: Mapping[str, Any]) -> bool:
    return bool(output["S3Output"]["S3UploadMode"] == "Continuous")
