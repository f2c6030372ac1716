"""A host: the container that serves one model, of an endpoint or of a job, kept running until it is stopped."""

from __future__ import annotations

import http.client
import logging
import os
import secrets
import shutil
import socket
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.runtime import archives, images, memory, s3_objects
from embedded_aws.runtime.docker.engine import EngineError
from embedded_aws.runtime.logs import LogStream
from embedded_aws.services.sagemaker import image_pull
from embedded_aws.services.sagemaker.errors import ServiceError
from embedded_aws.services.sagemaker.metrics.instances import memory_of

if TYPE_CHECKING:
    from pathlib import Path

    from embedded_aws.runtime.containers import AnyContainer, AnyImage
    from embedded_aws.runtime.credentials import CredentialsEndpoint, Role
    from embedded_aws.runtime.image_families import Program
    from embedded_aws.runtime.process import Process
    from embedded_aws.services.sagemaker.metrics.datum import MetricSource
    from embedded_aws.services.sagemaker.provider import ServiceContext
    from embedded_aws.services.sagemaker.store import Record

log = logging.getLogger(__name__)

GROUP = "/aws/sagemaker/Endpoints"
_HOST = "model.aws.local"  # which hosts call themselves: a user's log, aws-neuron/aws-neuron-sdk#426
_STARTUP_SECONDS = 480  # ContainerStartupHealthCheckTimeoutInSeconds' default
_SERVERLESS_STARTUP_SECONDS = 180  # SageMaker's guide, "Invoke a serverless endpoint"
_PING_SECONDS = 0.05
_RESTART_SECONDS = 1.0
_GRACE_SECONDS = 5
_NEVER_RAN = (125, 126, 127)  # `docker run` ends so where a container did not come to run its program


class HostError(Exception):
    """A host did not come up; the message is an endpoint's FailureReason."""


class PingError(HostError):
    """A host's container never answered /ping, though its image and its model data are there."""


@dataclass(frozen=True)
class HostedModel:
    """A model as a host serves it: its container definition, and the production variant that it is served as."""

    container: dict[str, Any]
    variant: dict[str, Any]
    role: Role
    network: bool

    @property
    def variant_name(self) -> str:
        """Return the production variant's name."""
        return str(self.variant["VariantName"])

    @property
    def memory(self) -> int:
        """Return how many bytes of memory its container may have."""
        return self.serverless_memory or memory.limit(self.variant.get("InstanceType", ""))

    @property
    def serverless_memory(self) -> int | None:
        """Return how many bytes a serverless variant's container has; None for one on an instance."""
        serverless = self.variant.get("ServerlessConfig")
        return memory.at_most(serverless["MemorySizeInMB"] * 1024**2) if serverless else None

    @property
    def startup_seconds(self) -> float:
        """Return how long its container may take to answer /ping."""
        default = _SERVERLESS_STARTUP_SECONDS if "ServerlessConfig" in self.variant else _STARTUP_SECONDS
        return float(self.variant.get("ContainerStartupHealthCheckTimeoutInSeconds", default))

    @property
    def multi_model(self) -> bool:
        """Return whether its container has many models, each loaded when it is first asked."""
        return self.container.get("Mode") == "MultiModel"


@dataclass(frozen=True)
class HostIdentity:
    """A host by its names: in failure reasons, its log stream, and the source of its metrics.

    `instance` names what it shares with an instance's other containers; `container_source` is of it alone.
    """

    title: str
    log_group: str
    log_stream: str
    metrics_source: MetricSource
    disk_metrics: bool = True  # its use of the disk is one of them
    container: str = "primary"
    instance: str = ""
    container_source: MetricSource | None = None


class ModelHost:
    """One container of an endpoint or a job. `port` changes when it had to be restarted."""

    def __init__(
        self,
        record: Record,
        model: HostedModel,
        identity: HostIdentity,
        *,
        context: ServiceContext,
        credentials: CredentialsEndpoint,
    ) -> None:
        self.model = model
        self.port = 0
        self.image: AnyImage | None = None
        self._record, self._identity, self._context, self._credentials = record, identity, context, credentials
        self._folder = context.state_dir / f"{record.resource_type.arn_type}s" / record.name / secrets.token_hex(8)
        self._stopping = threading.Event()
        self._process: Process | None = None
        self._watcher: threading.Thread | None = None
        self._lock = threading.Lock()
        self._network: dict[str, str] = {}
        self._container: AnyContainer | None = None
        self.up = False  # answers requests, as far as anybody knows

    @property
    def container_name(self) -> str:
        """Return its container's name, as errors have it."""
        return self._identity.container

    @property
    def models_folder(self) -> Path:
        """Return where a multi-model container finds its models: there once it is up."""
        assert self._container  # noqa: S101 - it is up
        return self._container.ml / "models"

    def inside(self, path: Path) -> str:
        """Return the path by which its programs know one of its files, once it is up."""
        assert self._container  # noqa: S101 - it is up
        return self._container.inside(path)

    def memory_used(self) -> float:
        """Return the part of its instance's memory that it uses."""
        with self._lock:
            process = self._process
        used = memory_of(process) if process and process.running else 0
        return used / self.model.memory

    @property
    def log_stream(self) -> tuple[str, str]:
        """Return the group and the name of its log stream."""
        return self._identity.log_group, self._identity.log_stream

    def start(self) -> None:
        """Bring it up; returns when it answers /ping. Raises HostError, after which nothing of it is left."""
        try:
            container = self._container = self._context.container(
                self._folder, self._pull(), instance_type=self.model.variant.get("InstanceType", "")
            )
            self._fetch(container)
            if self.model.network:
                self._network = self._credentials.environment(self.model.role)
            process = self._launch_first(container)
            self._watcher = threading.Thread(target=self._watch, args=(container, process), name=str(self._folder))
            self._watcher.daemon = True
            self._watcher.start()
            self._wait_for_ping(process)
            self.up = True
        except BaseException:
            self.stop()
            raise

    def _launch_first(self, container: AnyContainer) -> Process:
        try:
            return self._launch(container)
        except EngineError as error:
            raise HostError(str(error)) from error

    def stop(self) -> None:
        """End it: requests in progress have a few seconds. Returns when it has ended and its log is written."""
        self._stopping.set()
        with self._lock:
            process = self._process
        if process:
            process.terminate(grace=_GRACE_SECONDS)
            process.wait()
        if self._watcher:
            self._watcher.join()
        self._credentials.forget(self._network)
        shutil.rmtree(self._folder, ignore_errors=True)

    def kill(self) -> None:
        """End it at once."""
        self._stopping.set()
        with self._lock:
            if self._process:
                self._process.kill()

    def _pull(self) -> AnyImage:
        uri, role = self.model.container["Image"], self.model.role.arn
        try:
            self.image = image_pull.pull(uri, self._context, role)
        except ServiceError as error:  # AWS's sentence: aws/sagemaker-tensorflow-serving-container#182
            raise HostError(
                f"The role '{role}' does not have BatchGetImage permission for the image: '{uri}'."
            ) from error
        except images.ImageError as error:  # AWS's sentence: aws/sagemaker-python-sdk#1835
            raise HostError(
                f"Please make sure all images included in the model for the {self._identity.title} exist, and that the "
                f"execution role used to create the model has permissions to access them. {error}"
            ) from error
        return self.image

    def _fetch(self, container: AnyContainer) -> None:
        """Bring the model artifact and take it apart below /opt/ml/model; of many models none yet."""
        if self.model.multi_model:
            self.models_folder.mkdir()
            return
        folder = container.ml / "model"
        folder.mkdir()
        uri = self.model.container.get("ModelDataUrl")
        if not uri:
            return
        archive = self._folder / "model.tar.gz"
        try:
            s3_objects.download(self.model.role.client("s3"), uri, archive)
            archives.unpack(archive, folder)
        except (ClientError, BotoCoreError) as error:
            raise HostError(  # AWS's sentence: aws-samples/cvat-on-aws-china#3
                f'Failed to download model data for container "{self._label}" from URL: "{uri}". Please ensure that '
                "there is an object located at the URL and that the role passed to CreateModel has permissions to "
                f"download the object. {error}"
            ) from error
        except archives.ArchiveError as error:
            raise HostError(
                f'Failed to extract model data archive from URL "{uri}". Please ensure that the object located at the '
                f"URL is a valid tar.gz archive. {error}"
            ) from error
        archive.unlink()

    @property
    def _label(self) -> str:
        """Return its container's name as AWS has it in what it says of model data."""
        return "container_1" if self.container_name == "primary" else self.container_name

    def _launch(self, container: AnyContainer) -> Process:
        with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening, self._lock:
            if self._stopping.is_set():
                raise HostError("It was told to stop while its hosts came up.")
            self.port = listening.getsockname()[1]
            self._process = container.launch(
                container.command(
                    container.server(self._server(), listening),
                    host=_HOST,
                    addresses={_HOST: "127.0.0.1"},
                    network=self.model.network,
                ),
                environment=self._environment(container),
                folder=container.ml,
                listen=listening,
                memory=self.model.memory,
            )
            self._context.metrics.instances.watch(
                self._identity.metrics_source,
                self._process,
                container.ml if self._identity.disk_metrics else None,
                memory_limit=self.model.serverless_memory,
                instance=self._identity.instance,
                container=self._identity.container_source,
            )
            return self._process

    def _server(self) -> Program:
        """Return what its image serves this model with. Raises HostError if it serves nothing."""
        assert self.image  # noqa: S101 - it was pulled
        if program := self.image.family.serves_with(self.model.container.get("Environment", {})):
            return program
        raise HostError(
            f"The {self.container_name} container for {self._identity.title} has no program `serve`: "
            f"{self.image.name} is an image that trains only."
        )

    def _environment(self, container: AnyContainer) -> dict[str, str]:
        network = {"PIP_NO_INDEX": "1"}
        if self.model.network:
            network = {"AWS_ENDPOINT_URL": self._context.endpoint_url, **self._network}
        wanted = self.model.container.get("Environment", {})
        return container.environment(
            os.environ,
            AWS_REGION=self._record.region,
            AWS_EC2_METADATA_DISABLED="true",
            **network,
            **({"SAGEMAKER_MULTI_MODEL": "true"} if self.model.multi_model else {}),
            **{name: container.rewrite(value) for name, value in wanted.items()},
        )

    def _wait_for_ping(self, process: Process) -> None:
        deadline = time.monotonic() + self.model.startup_seconds
        while time.monotonic() < deadline and process.running:
            if _answers(self.port, deadline - time.monotonic()):
                return
            time.sleep(_PING_SECONDS)
        if not process.running and process.wait() in _NEVER_RAN:
            raise PingError(  # AWS's sentence: aws-samples/comfyui-on-amazon-sagemaker#2
                f"CannotStartContainerError. Please ensure the model container for variant {self.model.variant_name} "
                "starts correctly when invoked with 'docker run <image> serve'"
            )
        raise PingError(
            f"The {self.container_name} container for {self._identity.title} did not pass the ping health check. "
            "Please check CloudWatch logs for this endpoint."
        )

    def _watch(self, container: AnyContainer, process: Process) -> None:
        """Write its log while it runs; start it again when it ends by itself."""
        stream = LogStream(self.model.role, group=self._identity.log_group, stream=self._identity.log_stream)
        for notice in (self.image.notice if self.image else "", container.notice):
            if notice:
                stream.put(notice)
        while True:
            for line in process.lines():
                stream.put(line)
            status = process.wait()
            self.up = False
            if self._stopping.wait(_RESTART_SECONDS):
                break
            log.warning("host of %s ended with status %d; starting it again", self._record.arn, status)
            try:
                process = self._launch_again(container)
            except HostError:
                break
            threading.Thread(target=self._come_up_again, args=(process,), name=str(self._folder), daemon=True).start()
        stream.close()

    def _launch_again(self, container: AnyContainer) -> Process:
        """Start it again, however long its container engine can't. Raises HostError once it is told to stop."""
        while True:
            try:
                return self._launch(container)
            except EngineError as error:
                log.warning("host of %s: %s", self._record.arn, error)
            self._stopping.wait(_RESTART_SECONDS)

    def _come_up_again(self, process: Process) -> None:
        try:
            self._wait_for_ping(process)
        except PingError as error:
            log.warning("host of %s: %s", self._record.arn, error)
        else:
            self.up = process.running


def _answers(port: int, seconds: float) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=max(seconds, 0.001))
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
