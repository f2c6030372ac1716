"""One try at a training job, on instances of its own: a job on spot instances may need several."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.runtime import archives, instances, s3_objects, s3_uris
from embedded_aws.runtime.credentials import aws_access
from embedded_aws.runtime.logs import LogStream
from embedded_aws.runtime.mirror import MirrorError, Mirrors
from embedded_aws.runtime.process_group import HostCommand, ProcessGroup
from embedded_aws.services.sagemaker import job_inputs
from embedded_aws.services.sagemaker.failure import FailedError, algorithm_error
from embedded_aws.services.sagemaker.training.host import TrainingHost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from embedded_aws.runtime.credentials import CredentialsEndpoint, Role
    from embedded_aws.runtime.mirror import Mirror
    from embedded_aws.runtime.process_group import HostFailure
    from embedded_aws.services.sagemaker.provider import Context
    from embedded_aws.services.sagemaker.store import Record
    from embedded_aws.services.sagemaker.training.metrics import MetricScanner
    from embedded_aws.services.sagemaker.training.status import Progress
    from embedded_aws.services.sagemaker.training.warm_pools import RetainedHost

_GROUP = "/aws/sagemaker/TrainingJobs"
_METRICS_SECONDS = 1.0


class Attempt:
    """The hosts of a try: prepared, at work, and what is kept of them."""

    def __init__(
        self,
        record: Record,
        request: Mapping[str, Any],
        *,
        context: Context,
        role: Role,
        credentials: CredentialsEndpoint,
        progress: Progress,
        metrics: MetricScanner,
    ) -> None:
        self._record, self._request = record, request
        self._context, self._role, self._credentials = context, role, credentials
        self._progress, self._metrics = progress, metrics
        self._s3 = role.client("s3")
        self._processes = ProcessGroup(context.host_watcher(record))
        self._told = threading.Event()
        self._lost_at = float("inf")  # when its instances will be gone
        self._hosts: list[TrainingHost] = []
        self._mirrors: list[Mirror] = []

    def prepare(self, folder: Path, *, kept: Mapping[str, RetainedHost]) -> None:
        """Get instances, image and data; less of them once it was told to stop. Raises FailedError.

        `kept` is what the hosts of a warm pool have, by their names.
        """
        image = job_inputs.pull(self._request["AlgorithmSpecification"]["TrainingImage"], self._context, self._role)
        job_inputs.attach_volumes(self._request["ResourceConfig"], self._context, self._role)
        launched = instances.launch(self._request["ResourceConfig"])
        self._hosts = [
            TrainingHost(one, launched, self._request, folder=folder / one.name, image=image, kept=kept.get(one.name))
            for one in launched
        ]
        self._progress.start()
        if self._told.is_set():
            return
        self._progress.enter("Downloading", "Downloading input data")
        for host in self._hosts:
            for channel in self._request.get("InputDataConfig", []):
                if not self._told.is_set():
                    host.download(self._s3, channel, role=self._role)
            self._mirrors += self._mirrors_of(host)
            host.job.rewrite_programs(host.container.mounts)

    def work(self, *, seconds: float, late: Callable[[], object]) -> HostFailure | None:
        """Let the hosts work to their end; `late` is called once they have for that long. Returns the first failure.

        Raises FailedError if what is to be kept of them in S3 can't be.
        """
        isolated = bool(self._request.get("EnableNetworkIsolation"))
        mirrors = Mirrors(self._mirrors)
        with aws_access(
            self._credentials, self._role, endpoint_url=self._context.endpoint_url, isolated=isolated
        ) as network:
            hosts = [self._told_to(host, network) for host in self._hosts]
            self._progress.enter("Training", "Training image download completed. Training in progress.")
            mirrors.start()
            try:
                failure = self._processes.run(hosts, seconds=seconds, on_timeout=late)
            finally:
                self._end(mirrors)
        return failure

    def stop(self, *, grace: float, lost: bool = False) -> None:
        """SIGTERM to all hosts now, SIGKILL after `grace` seconds; `lost`: their disks are gone then too."""
        if lost:
            self._lost_at = time.monotonic() + grace
        self._told.set()
        self._processes.stop(grace=grace)

    def kill(self) -> None:
        """End all hosts at once."""
        self._told.set()
        self._processes.kill()

    @property
    def launched(self) -> bool:
        """Whether its instances were there."""
        return bool(self._hosts)

    def leave(self, folder: Path) -> dict[str, RetainedHost]:
        """Leave, in a folder that is not there yet, what the next job of a warm pool finds on each host."""
        return {host.name: host.leave(folder / host.name) for host in self._hosts}

    def error(self, failure: HostFailure) -> FailedError:
        """Why the job has failed, in the words of the host that did."""
        written = next(host.job.failure for host in self._hosts if host.name == failure.host)
        return algorithm_error(written.strip() or "See job logs for more information", failure.status)

    def upload_data(self) -> None:
        """output.tar.gz, which exists only if a host left something in output/data. Raises FailedError."""
        folders = [host.job.output_data for host in self._hosts]
        if _hold_anything(folders):
            self._upload(folders, "output")

    def upload_model(self) -> str:
        """model.tar.gz of all hosts; its URI. Raises FailedError."""
        return self._upload([host.job.model for host in self._hosts], "model")

    @property
    def has_model(self) -> bool:
        """Whether a host left anything in model."""
        return _hold_anything([host.job.model for host in self._hosts])

    def _mirrors_of(self, host: TrainingHost) -> list[Mirror]:
        try:
            return host.mirrors(self._s3, self._record.name)
        except MirrorError as error:
            raise FailedError(f"ClientError: Data download failed:{error}") from error

    def _told_to(self, host: TrainingHost, network: Mapping[str, str]) -> HostCommand:
        return HostCommand(
            name=host.name,
            command=host.command(),
            environment=host.environment(
                network, TRAINING_JOB_NAME=self._record.name, TRAINING_JOB_ARN=self._record.arn
            ),
            folder=host.container.ml,
            follow=lambda lines: self._follow(host.name, lines),
            prepared=host.waiting,
        )

    def _follow(self, host: str, lines: Iterator[str]) -> None:
        """Pass a host's lines on to its log and the job's metrics."""
        stream = LogStream(self._role, group=_GROUP, stream=f"{self._record.name}/{host}-{int(time.time())}")
        published = time.monotonic()
        for line in lines:
            stream.put(line)
            self._metrics.scan(line)
            self._progress.judged(self._metrics.objective_values)
            if time.monotonic() - published > _METRICS_SECONDS:
                self._publish()
                published = time.monotonic()
        self._publish()
        stream.close()

    def _publish(self) -> None:
        self._progress.measured(self._metrics.final)
        self._metrics.publish()

    def _end(self, mirrors: Mirrors) -> None:
        try:
            mirrors.stop(last=time.monotonic() < self._lost_at)
        except MirrorError as error:
            raise FailedError(f"ClientError: Artifact upload failed:{error}") from error

    def _upload(self, folders: Sequence[Path], name: str) -> str:
        """Put what the folders hold as `<name>.tar.gz` where SageMaker puts it; returns its URI."""
        output = self._request["OutputDataConfig"]
        uri = f"{s3_uris.plain(output['S3OutputPath']).rstrip('/')}/{self._record.name}/output/{name}.tar.gz"
        archive = folders[0].parent / f".{name}.tar.gz"
        archives.pack(folders, archive)
        try:
            s3_objects.upload(self._s3, archive, uri, key_id=output.get("KmsKeyId"))
        except (ClientError, BotoCoreError, S3UploadFailedError) as error:
            raise FailedError(f"ClientError: Artifact upload failed:{error}") from error
        return uri


def _hold_anything(folders: Sequence[Path]) -> bool:
    return any(any(folder.iterdir()) for folder in folders)
