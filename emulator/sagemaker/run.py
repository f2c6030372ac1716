"""One run of a training job, from Starting to its end."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

from emulator.sagemaker import ingest, objects
from emulator.sagemaker.container import Container
from emulator.sagemaker.crew import Crew, Host
from emulator.sagemaker.failure import INTERNAL, FailedError, algorithm_error
from emulator.sagemaker.folder import HOST, JobFolder
from emulator.sagemaker.logs import LogStream
from emulator.sagemaker.metrics import MetricScanner
from emulator.sagemaker.progress import Progress
from emulator.sagemaker.reach import reach
from emulator.sagemaker.relocate import relocate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.sagemaker.behaviour import Context
    from emulator.sagemaker.credentials import Role
    from emulator.sagemaker.metadata import CredentialsEndpoint
    from emulator.sagemaker.store import Record

log = logging.getLogger(__name__)

_LAUNCH = Path(__file__).with_name("launch") / "train.py"
_TOOLKIT_MODULE = "sagemaker_tensorflow_container.training:main"
_GROUP = "/aws/sagemaker/TrainingJobs"
_GRACE_SECONDS = 120  # between SIGTERM and SIGKILL, StopTrainingJob's documentation
_METRICS_SECONDS = 1.0
_MAX_RUNTIME_SECONDS = 86_400  # StoppingCondition's default


class Run:
    """A job's container with everything around it; `execute` returns when the job has ended."""

    def __init__(
        self,
        record: Record,
        request: dict[str, Any],
        *,
        context: Context,
        role: Role,
        credentials: CredentialsEndpoint,
    ) -> None:
        self.record = record
        self._request = request
        self._context, self._role, self._credentials = context, role, credentials
        self._progress = Progress(context.store, record)
        self._crew = Crew()
        self._lock = threading.Lock()
        self._stopping = ""  # the secondary status it will end with, once it is to end early

    def stop(self, *, end: str = "Stopped") -> bool:
        """End early, with SIGTERM and time to save; False if the job is past that."""
        with self._lock:
            if self._stopping or self._progress.ended:
                return False
            self._stopping = end
            self._crew.stop(grace=_GRACE_SECONDS)
            self._progress.stopping()
        return True

    def kill(self) -> None:
        """End at once, without a trace: the gateway ends."""
        with self._lock:
            self._stopping = "Stopped"
            self._crew.kill()

    def execute(self) -> None:
        """Download, train, upload; every end is recorded in the job's record."""
        folder = self._context.state_dir / "jobs" / self.record.arn.rpartition("/")[2] / str(time.time_ns())
        try:
            end, model = self._execute(folder)
            self._progress.end(end, ModelArtifacts=model)
        except FailedError as error:
            self._progress.end("Failed", FailureReason=error.reason)
        except Exception:
            log.exception("training job %s", self.record.name)
            self._progress.end("Failed", FailureReason=INTERNAL)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _execute(self, folder: Path) -> tuple[str, dict[str, str] | None]:
        self._progress.enter("Starting", "Preparing the instances for training")
        image = ingest.pull(self._request["AlgorithmSpecification"]["TrainingImage"], self._context)
        container = Container(folder, image)
        job = JobFolder(container.ml)
        job.configure(self._request)
        s3 = self._role.client("s3")
        self._progress.start()
        self._progress.enter("Downloading", "Downloading input data")
        for channel in self._request.get("InputDataConfig", []):
            self._download(s3, channel, job)
        job.relocate_programs(container.places)
        status = self._train(container)
        if status and not self._stopping:
            self._upload_data(s3, job)
            raise algorithm_error(job.failure.strip() or "See job logs for more information", status)
        self._progress.enter("Uploading", "Uploading generated training model")
        self._upload_data(s3, job)
        if self._stopping and not any(job.model.iterdir()):
            return self._stopping, None
        return self._stopping or "Completed", {"S3ModelArtifacts": self._upload(s3, job.model, "model")}

    def _download(self, s3: Any, channel: dict[str, Any], job: JobFolder) -> None:
        ingest.download(
            s3,
            channel["DataSource"]["S3DataSource"],
            job.channel(channel["ChannelName"]),
            role=self._role,
            failure="ClientError: Data download failed:",
            shard=ingest.Shard(),
        )

    def _train(self, container: Container) -> int:
        """Run the container to its end; returns its exit status."""
        isolated = bool(self._request.get("EnableNetworkIsolation"))
        with reach(
            self._credentials, self._role, endpoint_url=self._context.endpoint_url, isolated=isolated
        ) as network:
            host = Host(
                name=HOST,
                command=self._command(container),
                environment=self._environment(container, network),
                folder=container.ml,
                follow=self._follow,
            )
            if not self._stopping:
                self._progress.enter("Training", "Training image download completed. Training in progress.")
            failure = self._crew.work(
                [host], seconds=_max_runtime(self._request), late=lambda: self.stop(end="MaxRuntimeExceeded")
            )
        return failure.status if failure else 0

    def _follow(self, lines: Iterator[str]) -> None:
        """Pass the lines on to the log and the metrics until the process ends."""
        stream = LogStream(self._role, group=_GROUP, stream=f"{self.record.name}/{HOST}-{int(time.time())}")
        definitions = self._request["AlgorithmSpecification"].get("MetricDefinitions", [])
        metrics = MetricScanner(definitions, role=self._role, host=HOST)
        published = time.monotonic()
        for line in lines:
            stream.put(line)
            metrics.scan(line)
            if time.monotonic() - published > _METRICS_SECONDS:
                self._progress.measured(metrics.final)
                metrics.publish()
                published = time.monotonic()
        self._progress.measured(metrics.final)
        metrics.publish()
        stream.close()

    def _command(self, container: Container) -> list[str | Path]:
        algorithm = self._request["AlgorithmSpecification"]
        arguments = [relocate(each, container.places) for each in algorithm.get("ContainerArguments", [])]
        if "ContainerEntrypoint" in algorithm:
            return [*(relocate(each, container.places) for each in algorithm["ContainerEntrypoint"]), *arguments]
        return [container.python, "-P", _LAUNCH, *arguments]

    def _environment(self, container: Container, network: dict[str, str]) -> dict[str, str]:
        wanted = self._request.get("Environment", {})
        return container.environment(
            os.environ,
            CURRENT_HOST=HOST,
            DMLC_INTERFACE="lo",
            TRAINING_JOB_NAME=self.record.name,
            TRAINING_JOB_ARN=self.record.arn,
            SAGEMAKER_BASE_DIR=str(container.ml),
            SAGEMAKER_TRAINING_MODULE=_TOOLKIT_MODULE,
            SM_STUDIO_LOCAL_MODE="true",  # no name server knows algo-1: the toolkit would wait for one to
            **network,
            **{name: relocate(value, container.places) for name, value in wanted.items()},
        )

    def _upload_data(self, s3: Any, job: JobFolder) -> None:
        """output.tar.gz, which exists only if the job left something in output/data."""
        if any(job.output_data.iterdir()):
            self._upload(s3, job.output_data, "output")

    def _upload(self, s3: Any, folder: Path, name: str) -> str:
        """Put a folder as `<name>.tar.gz` where SageMaker puts it; returns its URI."""
        output = self._request["OutputDataConfig"]
        uri = f"{output['S3OutputPath'].rstrip('/')}/{self.record.name}/output/{name}.tar.gz"
        archive = folder.parent / f".{name}.tar.gz"
        objects.pack(folder, archive)
        try:
            objects.upload(s3, archive, uri, key_id=output.get("KmsKeyId"))
        except (ClientError, BotoCoreError, S3UploadFailedError) as error:
            raise FailedError(f"ClientError: Artifact upload failed:{error}") from error
        return uri


def _max_runtime(request: dict[str, Any]) -> int:
    return int(request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _MAX_RUNTIME_SECONDS))
