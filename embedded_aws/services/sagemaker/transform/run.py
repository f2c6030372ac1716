"""One run of a transform job, from the listing of its input to the last output.

An object that can't be transformed has no output, the others are transformed all the same, and the job has failed in
the end: SageMaker's guide, Troubleshooting of batch transform, and so the logs that users quote. A job that is stopped
stores no output: StopTransformJob's reference; here that holds until it has begun to upload. Names of the log streams:
SageMaker's guide, Log Groups and Streams. Variables of the container: its guide, Use Your Own Inference Code with Batch
Transform. Where a request leaves out how much to send, the container's /execution-parameters says it, if it has them.
Not compared with AWS: the sentence on an input whose objects have gone since CreateTransformJob looked for them; that
variables of the container, which are set before it is asked, tell AWS's defaults then.
"""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.runtime import s3_objects, s3_uris
from embedded_aws.runtime.archives import ArchiveError
from embedded_aws.runtime.logs import LogStream
from embedded_aws.services.sagemaker import job_inputs
from embedded_aws.services.sagemaker.endpoints.hosts import HostError, HostIdentity, ModelHost, PingError
from embedded_aws.services.sagemaker.failure import FailedError, reason_of
from embedded_aws.services.sagemaker.job_inputs import no_objects
from embedded_aws.services.sagemaker.metrics.datum import of_instance
from embedded_aws.services.sagemaker.transform.association import Association
from embedded_aws.services.sagemaker.transform.invocations import (
    ALGORITHM,
    CLIENT,
    DEFAULT_MB,
    ModelClient,
    TransformError,
    execution_parameters,
    payloads,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from embedded_aws.runtime.credentials import CredentialsEndpoint
    from embedded_aws.services.sagemaker.endpoints.hosts import HostedModel
    from embedded_aws.services.sagemaker.provider import ServiceContext
    from embedded_aws.services.sagemaker.store import Record

_GROUP = "/aws/sagemaker/TransformJobs"
_STARTUP_SECONDS = 1800  # a container that does not answer /ping for so long: amazon-sagemaker-examples#815
_SEE_LOGS = "See job logs for more information"
_STRATEGIES = {"MultiRecord": "MULTI_RECORD", "SingleRecord": "SINGLE_RECORD"}


def variant(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the production variant that a host serves for the job."""
    return {
        "VariantName": request["TransformJobName"],
        "InstanceType": request["TransformResources"]["InstanceType"],
        "ContainerStartupHealthCheckTimeoutInSeconds": _STARTUP_SECONDS,
    }


class TransformRun:
    """One run of a transform job: its host and the requests to it."""

    def __init__(
        self,
        record: Record,
        request: dict[str, Any],
        model: HostedModel,
        *,
        context: ServiceContext,
        credentials: CredentialsEndpoint,
    ) -> None:
        self._record, self._request, self._role, self._context = record, request, model.role, context
        self._parallel = request.get("MaxConcurrentTransforms") or 1
        self._association = Association(request)
        self._stopping = threading.Event()
        self._ended = False
        self._lock = threading.Lock()
        instance = f"i-{secrets.token_hex(8)}0"
        stream = f"{record.name}/{instance}-{int(time.time())}"
        self._data_log = LogStream(self._role, group=_GROUP, stream=f"{stream}/data-log")
        self._host = ModelHost(
            record,
            replace(model, container={**model.container, "Environment": self._environment(model)}),
            HostIdentity(
                title=f"transform job {record.name}",
                log_group=_GROUP,
                log_stream=stream,
                metrics_source=of_instance(record, instance),
                disk_metrics=False,
            ),
            context=context,
            credentials=credentials,
        )
        self._client = ModelClient(self._host, request, self._stopping)

    def stop(self) -> bool:
        """Stop the job without output. Return False if it has ended already."""
        with self._lock:
            if self._ended:
                return False
            self._context.store.update(self._record, TransformJobStatus="Stopping")
            self._stopping.set()
        # Requests that wait for an answer end with the host.
        threading.Thread(target=self._host.stop, name=f"stop {self._record.name}", daemon=True).start()
        return True

    def kill(self) -> None:
        """End the job at once, because the gateway ends."""
        self._stopping.set()
        self._host.kill()

    def execute(self) -> None:
        """List, transform and upload; return when the job has ended, however it did. Its record says how."""
        folder = self._context.state_dir / "transform-outputs" / secrets.token_hex(8)
        reason = reason_of(lambda: self._execute(folder), f"transform job {self._record.name}")
        self._host.stop()
        self._data_log.close()
        shutil.rmtree(folder, ignore_errors=True)
        self._end(reason)

    def _execute(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        job_inputs.attach_volumes(self._request["TransformResources"], self._context, self._role)
        s3 = self._role.client("s3")
        inputs = self._inputs(s3)
        self._context.store.update(self._record, TransformStartTime=datetime.now(UTC))
        self._start_host()
        self._request = {**self._request, **execution_parameters(self._host.port, self._request)}
        self._parallel = self._request.get("MaxConcurrentTransforms") or 1
        size = self._request.get("MaxPayloadInMB", DEFAULT_MB)
        self._log(f"MaxConcurrentTransforms={self._parallel}, MaxPayloadInMB={size}, BatchStrategy={self._strategy}")
        faults = self._transform_all(s3, inputs, folder)
        for number, name in enumerate(inputs):
            output = folder / str(number)
            if output.exists() and not self._stopping.is_set():
                self._upload(s3, output, name)
        if any(faults):
            raise FailedError(f"{next(filter(None, faults))}: {_SEE_LOGS}")

    def _inputs(self, s3: Any) -> dict[str, str]:
        """Return the URIs of the input's objects by the names of their outputs, in the order of the listing."""
        source = self._request["TransformInput"]["DataSource"]["S3DataSource"]
        find = s3_objects.list_manifest if source["S3DataType"] == "ManifestFile" else s3_objects.list_prefix
        uri = source["S3Uri"]
        cause = ""
        try:
            if found := find(s3, uri):
                return found
        except (ClientError, BotoCoreError) as error:
            cause = f" Error message from S3: {error}"
        except ArchiveError as error:
            raise FailedError(f"{CLIENT}: {error}") from error
        raise FailedError(f"{CLIENT}: {no_objects(uri, self._role)}{cause}")

    def _start_host(self) -> None:
        try:
            self._host.start()
        except PingError as error:
            raise FailedError(f"{ALGORITHM}: {_SEE_LOGS}") from error
        except HostError as error:
            raise FailedError(f"{CLIENT}: {error}") from error

    def _transform_all(self, s3: Any, inputs: Mapping[str, str], folder: Path) -> list[str]:
        """Transform every object into a file named after its number. Return each one's fault, "" where it succeeded."""
        # Two pools: an object that waits for its payloads must not take the thread that one of them needs.
        with (
            ThreadPoolExecutor(self._parallel) as senders,
            ThreadPoolExecutor(self._parallel) as objects_at_a_time,
        ):
            work = [(uri, folder / str(number)) for number, uri in enumerate(inputs.values())]
            return [*objects_at_a_time.map(lambda item: self._transform(s3, senders, *item), work)]

    def _transform(self, s3: Any, senders: ThreadPoolExecutor, uri: str, output: Path) -> str:
        if self._stopping.is_set():
            return ""
        try:
            content = self._read(s3, uri)
            answers = [*senders.map(self._answer, payloads(content, self._request))]
        except TransformError as error:
            if not self._stopping.is_set():
                for line in error.lines:
                    self._log(f"{uri.removeprefix('s3://')}: {line}")
            return error.fault
        end = b"\n" if self._request["TransformOutput"].get("AssembleWith") == "Line" else b""
        output.write_bytes(b"".join(answer + end for answer in answers))
        return ""

    def _read(self, s3: Any, uri: str) -> bytes:
        try:
            return s3_objects.read(s3, uri)
        except (ClientError, BotoCoreError) as error:
            raise TransformError(CLIENT, f"{CLIENT}: {error}") from error

    def _answer(self, payload: bytes) -> bytes:
        answer = self._client.send(self._association.filter_input(payload))
        return self._association.filter_output(payload, answer)

    def _upload(self, s3: Any, output: Path, name: str) -> None:
        destination = self._request["TransformOutput"]
        uri = f"{s3_uris.plain(destination['S3OutputPath']).rstrip('/')}/{name}.out"
        try:
            s3_objects.upload(s3, output, uri, key_id=destination.get("KmsKeyId"))
        except (ClientError, BotoCoreError, S3UploadFailedError) as error:
            raise FailedError(f"{CLIENT}: Output upload failed: {error}") from error

    def _end(self, reason: str) -> None:
        with self._lock:
            self._ended = True
            status = "Failed" if reason else "Completed"
            if self._stopping.is_set():
                status, reason = "Stopped", ""
            self._context.store.update(
                self._record,
                TransformJobStatus=status,
                TransformEndTime=datetime.now(UTC),
                FailureReason=reason or None,
            )

    def _log(self, line: str) -> None:
        self._data_log.put(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + f":[sagemaker logs]: {line}")

    @property
    def _strategy(self) -> str:
        return _STRATEGIES[self._request.get("BatchStrategy", "MultiRecord")]

    def _environment(self, model: HostedModel) -> dict[str, str]:
        return {
            "SAGEMAKER_BATCH": "true",
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(self._request.get("MaxPayloadInMB", DEFAULT_MB)),
            "SAGEMAKER_BATCH_STRATEGY": self._strategy,
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(self._parallel),
            **model.container.get("Environment", {}),
            **self._request.get("Environment", {}),
        }
