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

from emulator.sagemaker import images, objects, trials
from emulator.sagemaker.container import Container
from emulator.sagemaker.folder import HOST, JobFolder
from emulator.sagemaker.logs import LogStream
from emulator.sagemaker.metrics import MetricScanner
from emulator.sagemaker.process import Process
from emulator.sagemaker.progress import Progress
from emulator.sagemaker.relocate import relocate

if TYPE_CHECKING:
    from emulator.sagemaker.behaviour import Context
    from emulator.sagemaker.credentials import Role
    from emulator.sagemaker.metadata import CredentialsEndpoint
    from emulator.sagemaker.store import Record

log = logging.getLogger(__name__)

_LAUNCH = Path(__file__).with_name("launch") / "train.py"
_TOOLKIT_MODULE = "sagemaker_tensorflow_container.training:main"
_GROUP = "/aws/sagemaker/TrainingJobs"
_GRACE_SECONDS = 120  # between SIGTERM and SIGKILL, StopTrainingJob's documentation
_REASON_LENGTH = 1024
_METRICS_SECONDS = 1.0
_MAX_RUNTIME_SECONDS = 86_400  # StoppingCondition's default


class _FailedError(Exception):
    """The job has failed; the message is its FailureReason."""


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
        self._process: Process | None = None
        self._lock = threading.Lock()
        self._stopping = ""  # the secondary status it will end with, once it is to end early

    def stop(self, *, end: str = "Stopped") -> bool:
        """End early, with SIGTERM and time to save; False if the job is past that."""
        with self._lock:
            if self._stopping or self._progress.ended:
                return False
            self._stopping = end
            if self._process:
                self._process.terminate(grace=_GRACE_SECONDS)
            self._progress.stopping()
        return True

    def kill(self) -> None:
        """End at once, without a trace: the gateway ends."""
        with self._lock:
            self._stopping = "Stopped"
            if self._process:
                self._process.kill()

    def execute(self) -> None:
        """Download, train, upload; every end is recorded in the job's record."""
        folder = self._context.state_dir / "jobs" / self.record.arn.rpartition("/")[2] / str(time.time_ns())
        try:
            end, model = self._execute(folder)
            self._progress.end(end, ModelArtifacts=model)
        except _FailedError as error:
            self._progress.end("Failed", FailureReason=str(error)[:_REASON_LENGTH])
        except Exception:
            log.exception("training job %s", self.record.name)
            # AWS's word for a fault that is not the job's; the cause is in the gateway's log.
            self._progress.end(
                "Failed", FailureReason="InternalServerError: We encountered an internal error. Please try again."
            )
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _execute(self, folder: Path) -> tuple[str, dict[str, str] | None]:
        self._progress.enter("Starting", "Preparing the instances for training")
        image = self._pull()
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
            raise _FailedError(_algorithm_error(job.failure, status))
        self._progress.enter("Uploading", "Uploading generated training model")
        self._upload_data(s3, job)
        if self._stopping and not any(job.model.iterdir()):
            return self._stopping, None
        return self._stopping or "Completed", {"S3ModelArtifacts": self._upload(s3, job.model, "model")}

    def _pull(self) -> images.Image:
        directories = {"images_dir": self._context.images_dir}
        try:
            name = images.name_of(self._request["AlgorithmSpecification"]["TrainingImage"], **directories)
            return images.install(name, **directories, cache_dir=self._context.cache_dir)
        except images.ImageError as error:
            raise _FailedError(
                "ClientError: Cannot pull algorithm container. Either the image does not exist or its "
                f"permissions are incorrect. {error}"
            ) from error

    def _download(self, s3: Any, channel: dict[str, Any], job: JobFolder) -> None:
        source = channel["DataSource"]["S3DataSource"]
        download = objects.download_manifest if source["S3DataType"] == "ManifestFile" else objects.download_prefix
        uri = source["S3Uri"]
        cause = ""
        try:
            if download(s3, uri, job.channel(channel["ChannelName"])):
                return
        except (ClientError, BotoCoreError, objects.ArchiveError) as error:
            cause = f" Error message from S3: {error}"
        raise _FailedError(
            f'ClientError: Data download failed:No S3 objects found under S3 URL "{uri}" given in input data source. '
            f"Please ensure that the bucket exists in the selected region ({self.record.region}), that objects exist "
            f'under that S3 prefix, and that the role "{self._role.arn}" has "s3:ListBucket" permissions on bucket '
            f'"{objects.split(uri)[0]}".{cause}'
        )

    def _train(self, container: Container) -> int:
        """Run the container to its end; returns its exit status."""
        network = {} if self._request.get("EnableNetworkIsolation") else self._credentials.environment(self._role)
        with self._lock:
            if self._stopping:
                return 0
            self._process = Process(
                self._command(container), environment=self._environment(container, network), folder=container.ml
            )
        self._progress.enter("Training", "Training image download completed. Training in progress.")
        limit = threading.Timer(_max_runtime(self._request), self.stop, kwargs={"end": "MaxRuntimeExceeded"})
        limit.daemon = True
        limit.start()
        try:
            self._follow(self._process)
            return self._process.wait()
        finally:
            limit.cancel()
            self._process.kill()
            self._credentials.forget(network)

    def _follow(self, process: Process) -> None:
        """Pass the lines on to the log and the metrics until the process ends."""
        stream = LogStream(self._role, group=_GROUP, stream=f"{self.record.name}/{HOST}-{int(time.time())}")
        definitions = self._request["AlgorithmSpecification"].get("MetricDefinitions", [])
        objective = self._request.get("HyperParameters", {}).get(trials.OBJECTIVE)
        metrics = MetricScanner(definitions, role=self._role, host=HOST, objective=objective)
        published = time.monotonic()
        for line in process.lines():
            stream.put(line)
            metrics.scan(line)
            self._progress.judged(metrics.objective_values)
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
        region = self.record.region
        reach = {"AWS_ENDPOINT_URL": self._context.endpoint_url, **network} if network else {"PIP_NO_INDEX": "1"}
        wanted = self._request.get("Environment", {})
        return container.environment(
            os.environ,
            AWS_REGION=region,
            AWS_EC2_METADATA_DISABLED="true",
            CURRENT_HOST=HOST,
            DMLC_INTERFACE="lo",
            TRAINING_JOB_NAME=self.record.name,
            TRAINING_JOB_ARN=self.record.arn,
            SAGEMAKER_BASE_DIR=str(container.ml),
            SAGEMAKER_TRAINING_MODULE=_TOOLKIT_MODULE,
            SM_STUDIO_LOCAL_MODE="true",  # no name server knows algo-1: the toolkit would wait for one to
            **reach,
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
            raise _FailedError(f"ClientError: Artifact upload failed:{error}") from error
        return uri


def _max_runtime(request: dict[str, Any]) -> int:
    return int(request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _MAX_RUNTIME_SECONDS))


def _algorithm_error(failure: str, status: int) -> str:
    """FailureReason of a container that failed: what it wrote to output/failure, cut so that the status stays."""
    end = f", exit code: {status}"
    text = f"AlgorithmError: {failure.strip() or 'See job logs for more information'}"
    return text[: _REASON_LENGTH - len(end)] + end
