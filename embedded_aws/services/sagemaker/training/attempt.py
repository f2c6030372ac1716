"""One attempt of a training job, on instances of its own: a job on spot instances may need several."""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.runtime import archives, instances, memory, s3_objects, s3_uris
from embedded_aws.runtime.logs import LogStream
from embedded_aws.runtime.mirror import MirrorError, Mirrors
from embedded_aws.runtime.process_group import HostCommand, ProcessGroup
from embedded_aws.services.sagemaker import built_in_algorithms, job_inputs
from embedded_aws.services.sagemaker.failure import FailedError, algorithm_error, engine_errors
from embedded_aws.services.sagemaker.training import streams
from embedded_aws.services.sagemaker.training.host import TrainingHost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from embedded_aws.runtime.instances import Instance
    from embedded_aws.runtime.mirror import Mirror
    from embedded_aws.runtime.pipes import Pipe
    from embedded_aws.runtime.process_group import HostFailure
    from embedded_aws.services.sagemaker.jobs import Job
    from embedded_aws.services.sagemaker.training.metrics import MetricScanner
    from embedded_aws.services.sagemaker.training.status import TrainingStatus
    from embedded_aws.services.sagemaker.training.warm_pools import RetainedHost

_LOG_GROUP = "/aws/sagemaker/TrainingJobs"
_METRICS_SECONDS = 1.0
# Users' logs: `[0]#011train-rmse:8.09` of XGBoost, also in script mode, and `ETA: 0s#010#010…` and `#015` of Keras.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Attempt:
    """The hosts of an attempt: prepared, at work, and what is kept of them."""

    def __init__(self, job: Job, *, status: TrainingStatus, metrics: MetricScanner) -> None:
        self._job, self._request = job, job.request
        self._status, self._metrics = status, metrics
        self._s3 = job.role.client("s3")
        self._processes = ProcessGroup(job.context.host_watcher(job.record))
        self._stopping = threading.Event()
        self._instances_lost_at = float("inf")  # time.monotonic()
        self._instances: list[Instance] = []
        self._hosts: list[TrainingHost] = []
        self._mirrors: list[Mirror] = []
        self._pipes: list[Pipe] = []
        self._notices: list[str] = []

    def prepare(self, folder: Path, *, retained: Mapping[str, RetainedHost]) -> None:
        """Get instances, image and data; less of them once it is stopped. Raises FailedError.

        `retained` is what the hosts of a warm pool have, by their names.
        """
        job, resources = self._job, self._request["ResourceConfig"]
        image = job_inputs.pull(self._request["AlgorithmSpecification"]["TrainingImage"], job.context, job.role)
        job_inputs.attach_volumes(resources, job.context, job.role)
        sandboxed = job.context.sandboxes(image)
        launched = self._instances = instances.launch(resources, sandboxed=sandboxed)
        self._notices = [image.notice, instances.notice(launched, sandboxed=sandboxed)]
        self._hosts = [
            TrainingHost(job, one, launched, folder=folder / one.name, image=image, retained=retained.get(one.name))
            for one in launched
        ]
        started = self._status.instances_started()
        if self._stopping.is_set():
            return
        self._status.enter("Downloading", "Downloading input data", at=started)
        for host in self._hosts:
            for channel in self._request.get("InputDataConfig", []):
                if not self._stopping.is_set() and (pipe := host.bring(self._s3, channel)):
                    self._pipes.append(pipe)
            self._mirrors += self._fill_mirrors(host)
            host.rewrite_programs()

    def run(self, *, seconds: float, on_timeout: Callable[[], object]) -> HostFailure | None:
        """Let the hosts work to their end and return the first failure; call `on_timeout` after `seconds` of it.

        Raises FailedError if what is to be kept of them in S3 can't be.
        """
        mirrors = Mirrors(self._mirrors)
        isolated = bool(self._request.get("EnableNetworkIsolation"))
        with (
            engine_errors(),
            self._job.aws_access(isolated=isolated) as network,
            instances.connected(
                [self._command(host, network) for host in self._hosts], self._instances, isolated=isolated
            ) as commands,
        ):
            self._status.enter("Training", "Training image download completed. Training in progress.")
            mirrors.start()
            for pipe in self._pipes:
                pipe.start(on_failure=self._processes.kill)
            try:
                failure = self._processes.run(commands, seconds=seconds, on_timeout=on_timeout)
            finally:
                broken = [*filter(None, (pipe.stop() for pipe in self._pipes))]
                self._end(mirrors)
        if broken:
            raise FailedError(f"{streams.FAILURE}{broken[0]}") from broken[0]
        return failure

    def stop(self, *, grace: float, lost: bool = False) -> None:
        """Send SIGTERM to all hosts now, SIGKILL after `grace` seconds; `lost`: their disks are gone then too."""
        if lost:
            self._instances_lost_at = time.monotonic() + grace
        self._stopping.set()
        self._processes.stop(grace=grace)

    def kill(self) -> None:
        """End all hosts at once."""
        self._stopping.set()
        self._processes.kill()

    @property
    def launched(self) -> bool:
        """Return whether its instances were there."""
        return bool(self._hosts)

    def retain(self, folder: Path) -> dict[str, RetainedHost]:
        """Leave, in a folder that is not there yet, what the next job of a warm pool finds on each host."""
        return {host.name: host.retain(folder / host.name) for host in self._hosts}

    def error(self, failure: HostFailure) -> FailedError:
        """Return why the job has failed, in the words of the host that did."""
        if failure.out_of_memory:
            return FailedError(memory.EXCEEDED)
        host = next(host for host in self._hosts if host.name == failure.host)
        written = host.folder.failure.strip() or "See job logs for more information"
        hint = host.misses_opt_ml if "/opt/ml" in written else ""
        algorithm = built_in_algorithms.of(self._request["AlgorithmSpecification"].get("TrainingImage", ""))
        closed = algorithm is not None and algorithm.closed
        return algorithm_error(" ".join(filter(None, (hint, written))), failure.status, closed=closed)

    def check_model(self) -> None:
        """Raise FailedError if no host has left a model, and one's script wrote to an /opt/ml that is not its job's."""
        hint = "" if self.has_model else next(filter(None, (host.misses_opt_ml for host in self._hosts)), "")
        if hint:
            raise FailedError(f"AlgorithmError: There is no model. {hint}")

    def upload_data(self) -> None:
        """Upload output.tar.gz, which exists only if a host left something in output/data. Raises FailedError."""
        folders = [host.folder.output_data for host in self._hosts]
        if _hold_anything(folders):
            self._upload(folders, "output")

    def upload_model(self) -> str:
        """Upload the model.tar.gz of all hosts and return its URI. Raises FailedError."""
        return self._upload([host.folder.model for host in self._hosts], "model")

    @property
    def has_model(self) -> bool:
        """Return whether a host left anything in model."""
        return _hold_anything([host.folder.model for host in self._hosts])

    def _fill_mirrors(self, host: TrainingHost) -> list[Mirror]:
        try:
            return host.mirrors(self._s3)
        except MirrorError as error:
            raise FailedError(f"ClientError: Data download failed:{error}") from error

    def _command(self, host: TrainingHost, network: Mapping[str, str]) -> HostCommand:
        record = self._job.record
        return HostCommand(
            name=host.name,
            command=host.command(),
            environment=host.environment(network, TRAINING_JOB_NAME=record.name, TRAINING_JOB_ARN=record.arn),
            folder=host.container.ml,
            follow=lambda lines: self._follow(host.name, lines),
            memory=host.memory,
            prepared=host.warm_host,
            launch=host.container.launch,
        )

    def _follow(self, host: str, lines: Iterator[str]) -> None:
        """Pass a host's lines on to its log and the job's metrics."""
        log = LogStream(self._job.role, group=_LOG_GROUP, stream=f"{self._job.record.name}/{host}-{int(time.time())}")
        for notice in filter(None, self._notices):
            log.put(notice)
        published = time.monotonic()
        for line in map(_escaped, lines):
            log.put(line)
            self._metrics.scan(line)
            self._status.record_objective(self._metrics.objective_values)
            if time.monotonic() - published > _METRICS_SECONDS:
                self._publish()
                published = time.monotonic()
        self._publish()
        log.close()

    def _publish(self) -> None:
        self._status.record_metrics(self._metrics.final)
        self._metrics.publish()

    def _end(self, mirrors: Mirrors) -> None:
        try:
            mirrors.stop(last=time.monotonic() < self._instances_lost_at)
        except MirrorError as error:
            raise FailedError(f"ClientError: Artifact upload failed:{error}") from error

    def _upload(self, folders: Sequence[Path], name: str) -> str:
        """Put what the folders hold as `<name>.tar.gz` where SageMaker puts it; return its URI."""
        output = self._request["OutputDataConfig"]
        uri = f"{s3_uris.plain(output['S3OutputPath']).rstrip('/')}/{self._job.record.name}/output/{name}.tar.gz"
        archive = folders[0].parent / f".{name}.tar.gz"
        archives.pack(folders, archive)
        try:
            s3_objects.upload(self._s3, archive, uri, key_id=output.get("KmsKeyId"))
        except (ClientError, BotoCoreError, S3UploadFailedError) as error:
            raise FailedError(f"ClientError: Artifact upload failed:{error}") from error
        return uri


def _escaped(line: str) -> str:
    """Return a line as SageMaker writes it into the log: control characters as rsyslog has them, a tab as `#011`."""
    return _CONTROL.sub(lambda match: f"#{ord(match[0]):03o}", line)


def _hold_anything(folders: Sequence[Path]) -> bool:
    return any(any(folder.iterdir()) for folder in folders)
