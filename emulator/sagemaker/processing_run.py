"""One run of a processing job, from the pull of its image to its last output.

`AlgorithmError: …, exit code: …`: SageMaker's guide, Troubleshooting of the Python SDK. `Failed to download data`: a
user's log (aws-samples/sagemaker-run-notebook#32). What ExitMessage holds: SageMaker's guide, Save and Access Metadata.
Not compared with AWS: that a job that fails or is stopped puts no output that is to come at its end, what becomes of a
job that takes longer than MaxRuntimeInSeconds (here it is Stopped), and the sentences on outputs and on a message that
is no text.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

from emulator.sagemaker import ingest, objects
from emulator.sagemaker.container import Container
from emulator.sagemaker.crew import Crew, Failure, Host
from emulator.sagemaker.failure import INTERNAL, FailedError, algorithm_error
from emulator.sagemaker.logs import LogStream
from emulator.sagemaker.processing_folder import ProcessingFolder
from emulator.sagemaker.reach import reach
from emulator.sagemaker.relocate import relocate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from emulator.sagemaker.behaviour import Context
    from emulator.sagemaker.credentials import Role
    from emulator.sagemaker.images import Image
    from emulator.sagemaker.metadata import CredentialsEndpoint
    from emulator.sagemaker.store import Record

log = logging.getLogger(__name__)

_GROUP = "/aws/sagemaker/ProcessingJobs"
_GRACE_SECONDS = 120  # between SIGTERM and SIGKILL, as a training job has it
_MESSAGE_BYTES = 1024


class ProcessingRun:
    """A job's containers with everything around them; `execute` returns when the job has ended."""

    def __init__(
        self,
        record: Record,
        request: dict[str, Any],
        *,
        context: Context,
        role: Role,
        credentials: CredentialsEndpoint,
    ) -> None:
        self._record, self._request = record, {**record.kind.defaults, **request}
        self._context, self._role, self._credentials = context, role, credentials
        self._names = [f"algo-{number}" for number in range(1, self._cluster.get("InstanceCount", 1) + 1)]
        self._crew = Crew()
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
        folder = self._context.state_dir / "jobs" / self._record.arn.rpartition("/")[2] / str(time.time_ns())
        reason = ""
        try:
            self._execute(folder)
        except FailedError as error:
            reason = error.reason
        except Exception:
            log.exception("processing job %s", self._record.name)
            reason = INTERNAL
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        self._end(reason)

    def _execute(self, folder: Path) -> None:
        image = ingest.pull(self._request["AppSpecification"]["ImageUri"], self._context)
        self._context.store.update(self._record, ProcessingStartTime=datetime.now(UTC))
        s3 = self._role.client("s3")
        machines = [self._machine(s3, image, folder / name, number) for number, name in enumerate(self._names)]
        failure = self._process(machines)
        self._message = _text(b"".join(machine.message() for _, machine in machines))
        if failure and not self._stopping:
            raise algorithm_error(self._message, failure.status)
        for _, machine in machines:
            self._upload(s3, machine)

    def _machine(self, s3: Any, image: Image, folder: Path, number: int) -> tuple[Container, ProcessingFolder]:
        """A host's container with its data in it."""
        container = Container(folder, image)
        machine = ProcessingFolder(container, self._request)
        machine.configure(self._record.arn, self._names[number], self._names)
        for each, place in machine.inputs:
            if self._stopping:
                break
            shard = ingest.Shard(number, len(self._names))
            failure = "ClientError: Failed to download data. "
            ingest.download(s3, each["S3Input"], place, role=self._role, failure=failure, shard=shard)
        machine.relocate_programs()
        return container, machine

    def _process(self, machines: list[tuple[Container, ProcessingFolder]]) -> Failure | None:
        url = self._context.endpoint_url
        isolated = self._request.get("NetworkConfig", {}).get("EnableNetworkIsolation", False)
        with reach(self._credentials, self._role, endpoint_url=url, isolated=isolated) as network:
            hosts = [
                self._host(name, container, network) for name, (container, _) in zip(self._names, machines, strict=True)
            ]
            seconds = self._request["StoppingCondition"]["MaxRuntimeInSeconds"]
            return self._crew.work(hosts, seconds=seconds, late=self.stop)

    def _host(self, name: str, container: Container, network: dict[str, str]) -> Host:
        program = self._request["AppSpecification"]
        words = [*program["ContainerEntrypoint"], *program.get("ContainerArguments", [])]
        wanted = {
            variable: relocate(value, container.places)
            for variable, value in self._request.get("Environment", {}).items()
        }
        return Host(
            name=name,
            command=[relocate(word, container.places) for word in words],
            environment=container.environment(os.environ, **network, **wanted),
            folder=container.ml,
            follow=lambda lines: self._follow(name, lines),
        )

    def _follow(self, name: str, lines: Iterator[str]) -> None:
        """Pass the lines on to the host's log stream until the container ends."""
        stream = LogStream(self._role, group=_GROUP, stream=f"{self._record.name}/{name}-{int(time.time())}")
        for line in lines:
            stream.put(line)
        stream.close()

    def _upload(self, s3: Any, machine: ProcessingFolder) -> None:
        key_id = self._request.get("ProcessingOutputConfig", {}).get("KmsKeyId")
        for each, folder in machine.outputs:
            for path in sorted(folder.rglob("*")):
                if self._stopping or not path.is_file():
                    continue
                uri = f"{each['S3Output']['S3Uri'].rstrip('/')}/{path.relative_to(folder)}"
                try:
                    objects.upload(s3, path, uri, key_id=key_id)
                except (ClientError, BotoCoreError, S3UploadFailedError) as error:
                    raise FailedError(f"ClientError: Failed to upload output {each['OutputName']}: {error}") from error

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

    @property
    def _cluster(self) -> dict[str, Any]:
        return dict(self._request["ProcessingResources"]["ClusterConfig"])


def _text(message: bytes) -> str:
    """ExitMessage of what the containers wrote. Raises FailedError if that is no text."""
    try:
        message.decode()
    except UnicodeDecodeError as error:
        raise FailedError("ClientError: /opt/ml/output/message is not encoded in UTF-8.") from error
    return message[:_MESSAGE_BYTES].decode(errors="ignore")
