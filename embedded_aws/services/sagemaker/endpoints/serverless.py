"""Serverless variants: containers that come up with a request, take one at a time, and end when they are idle.

Sources: SageMaker's guide, "Deploy models with Amazon SageMaker Serverless Inference" (memory, concurrency, cold
starts, provisioned concurrency, what is excluded, and that a real-time endpoint can't become serverless), "Invoke a
serverless endpoint" (4 MB; a container has 3 minutes to answer /ping, and one for an invocation); botocore's model of
ProductionVariantServerlessConfig. Describe's members: an answer that a user published in June 2024, of an endpoint that
took almost three minutes to be created: the container is tried once then. The error of a throttled request has a status
of 400 and null for its message: aws/amazon-kinesis-video-streams-parser-library#187 and opensearch-project/ml-commons
#2429, of instances. On this machine there are no more containers of a variant than `AT_MOST`; more requests than that
share them. Not compared with AWS: how long a container stays when it is idle; what is answered if it does not come up;
every sentence that refuses a serverless configuration.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.endpoints.containers import each
from embedded_aws.services.sagemaker.endpoints.variant import Instance
from embedded_aws.services.sagemaker.errors import validation_exception
from embedded_aws.services.sagemaker.metrics.serverless import ProvisionedUse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from embedded_aws.services.sagemaker.clock import Clock
    from embedded_aws.services.sagemaker.endpoints.containers import Containers
    from embedded_aws.services.sagemaker.metrics.serverless import ServerlessMetrics

    Response = tuple[int, dict[str, str], bytes]

BODY_BYTES = 4 * 1024 * 1024
AT_MOST = max(4, os.cpu_count() or 1)
CONFIG = "ServerlessConfig"
_UPDATE = "ServerlessUpdateConfig"
_IDLE_SECONDS = 300
_MEGABYTES = 1024
_OF_INSTANCES = (
    "InitialInstanceCount",
    "InstanceType",
    "VolumeSizeInGB",
    "ModelDataDownloadTimeoutInSeconds",
    "ContainerStartupHealthCheckTimeoutInSeconds",
    "RoutingConfig",
    "InferenceAmiVersion",
)
_OF_REAL_TIME = ("AsyncInferenceConfig", "ShadowProductionVariants", "VpcConfig")
_PROVISIONED = "ProvisionedConcurrency"


def throttled() -> Response:
    """Return the answer to a request beyond MaxConcurrency."""
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": "ThrottlingException"}
    return HTTPStatus.BAD_REQUEST, headers, b'{"message":null}'


class Environment(Instance):
    """A container that comes up with its first request; used on the event loop only."""

    def __init__(self, host: Containers, *, provisioned: bool) -> None:
        super().__init__(host)
        self.provisioned = provisioned
        self.coming: asyncio.Future[float] | None = None  # the seconds that it takes to come up
        self.idle_since = time.monotonic()
        self.watched = False  # somebody looks, after a while, whether it is idle

    async def ready(self) -> None:
        """Wait until it is up. Raises HostError."""
        if self.coming:
            await asyncio.shield(self.coming)


class ServerlessVariant:
    """A production variant whose containers come and go by themselves.

    `scale`, `stop`, `drain` and `kill` are for threads, one at a time; all about requests is for the event loop.
    """

    def __init__(
        self,
        members: Mapping[str, Any],
        make_host: Callable[[], Containers],
        clock: Clock,
        metrics: ServerlessMetrics,
        *,
        images: Sequence[dict[str, Any]] = (),
    ) -> None:
        """Take the variant as its configuration describes it, and what makes a host for it, not yet up.

        `images` are its DeployedImages if it has come up before.
        """
        self.name = str(members["VariantName"])
        self.weight = self.desired_weight = float(members.get("InitialVariantWeight", 1.0))
        self.desired = 1
        self.config = self._current = dict(members[CONFIG])
        self.requests = 0
        self.retired = False
        self._make_host, self._clock, self._metrics = make_host, clock, metrics
        self._lock = threading.Lock()  # held while the containers become others
        self._environments: tuple[Environment, ...] = ()
        self._images = list(images)
        self._starters = ThreadPoolExecutor(AT_MOST, thread_name_prefix=f"serverless {self.name}")

    @property
    def sharing(self) -> int:
        """Return that there are no instances, and no InvocationsPerInstance."""
        return 0

    @property
    def instances(self) -> Sequence[Instance]:
        """Return the containers that there are."""
        return self._environments

    def scale(self, count: int) -> None:
        """Try the container if it never came up; bring up, or end, what is provisioned. Raises HostError."""
        del count  # there are no instances to count
        wanted = min(self.config.get(_PROVISIONED, 0), AT_MOST)
        here = [environment for environment in self._environments if environment.provisioned]
        new = [self._make_host() for _ in range(wanted - len(here))]
        trial = [] if new or self._images else [self._make_host()]
        try:
            for host in (*trial, *new):
                host.start()
                self._images = self._images or host.deployed_images()
        except BaseException:
            each(lambda host: host.stop(), new)
            raise
        each(lambda host: host.stop(), trial)
        self._change(add=[Environment(host, provisioned=True) for host in new], remove=here[wanted:])
        each(_end, here[wanted:])
        self._current = self.config

    def enter(self) -> Environment | None:
        """Return a container that takes a request, which may still have to come up; None: the request is throttled."""
        limit = self._current["MaxConcurrency"]
        while self.requests < limit and not self.retired:
            environments = self._environments
            free = [environment for environment in environments if not environment.requests]
            if free:
                chosen = max(free, key=lambda environment: (environment.provisioned, environment.idle_since))
            elif len(environments) < min(limit, AT_MOST):
                chosen = self._begin()
            else:
                chosen = min(environments, key=lambda environment: environment.requests)
            if chosen.enter():
                self.requests += 1
                self._metrics.entered(self.requests / limit, provisioned=self._provisioned(chosen))
                return chosen
        return None

    def leave(self, instance: Instance) -> None:
        """Count a request out of one of the containers."""
        instance.leave()
        self.requests -= 1
        if isinstance(instance, Environment):
            instance.idle_since = time.monotonic()
            if not instance.watched:
                self._watch(instance, self._idle_seconds)

    def drain(self) -> None:
        """Take no further request, and wait for those within."""
        self.retired = True
        each(Instance.drain, self._environments)

    def stop(self) -> None:
        """End the containers now."""
        self.retired = True
        each(lambda environment: environment.host.stop(), self._environments)
        self._starters.shutdown(wait=False, cancel_futures=True)

    def kill(self) -> None:
        """End the containers at once."""
        self.retired = True
        for environment in self._environments:
            environment.host.kill()

    def wanted(self) -> dict[str, Any]:
        """Return the variant's DesiredWeightAndCapacity."""
        return {"DesiredWeight": self.desired_weight, _UPDATE: self.config}

    def desire(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Take what is wanted, as a DesiredWeightAndCapacity; return the configuration's members that say the same."""
        self.desired_weight = wanted.get("DesiredWeight", self.desired_weight)
        self.config = {**self.config, **wanted.get(_UPDATE, {})}
        return {CONFIG: self.config, "InitialVariantWeight": self.desired_weight}

    def describe(self) -> dict[str, Any]:
        """Return DescribeEndpoint's ProductionVariantSummary, without its VariantStatus."""
        return {
            "VariantName": self.name,
            **({"DeployedImages": self._images} if self._images else {}),
            "CurrentWeight": self.weight,
            "DesiredWeight": self.desired_weight,
            "CurrentInstanceCount": 0,
            "CurrentServerlessConfig": self._current,
            **({"DesiredServerlessConfig": self.config} if self.config != self._current else {}),
        }

    @property
    def _idle_seconds(self) -> float:
        return self._clock.scaled(_IDLE_SECONDS)

    def _provisioned(self, chosen: Environment) -> ProvisionedUse | None:
        allocated = self._current.get(_PROVISIONED)
        if not allocated:
            return None
        busy = sum(environment.requests for environment in self._environments if environment.provisioned)
        return ProvisionedUse(executions=busy, allocated=allocated, spillover=not chosen.provisioned)

    def _begin(self) -> Environment:
        environment = Environment(self._make_host(), provisioned=False)
        self._change(add=[environment])
        coming = asyncio.get_running_loop().run_in_executor(self._starters, self._start, environment)
        environment.coming = coming
        coming.add_done_callback(lambda _: self._came(environment, coming))
        return environment

    def _start(self, environment: Environment) -> float:
        began = time.perf_counter()
        if self.retired:
            environment.host.kill()  # which makes its start fail
        environment.host.start()
        self._images = self._images or environment.host.deployed_images()
        return time.perf_counter() - began

    def _came(self, environment: Environment, coming: asyncio.Future[float]) -> None:
        if coming.cancelled() or coming.exception():
            self._change(remove=[environment])
        else:
            environment.coming = None
            self._metrics.set_up(coming.result())

    def _watch(self, environment: Environment, seconds: float) -> None:
        environment.watched = True
        asyncio.get_running_loop().call_later(seconds, self._end_if_idle, environment)

    def _end_if_idle(self, environment: Environment) -> None:
        environment.watched = False
        left = environment.idle_since + self._idle_seconds - time.monotonic()
        if self.retired or environment.provisioned or environment.requests or environment not in self._environments:
            return
        if left > 0:
            self._watch(environment, left)
        else:
            self._change(remove=[environment])
            self._starters.submit(_end, environment)

    def _change(self, *, add: Sequence[Environment] = (), remove: Sequence[Environment] = ()) -> None:
        with self._lock:
            kept = (environment for environment in self._environments if environment not in remove)
            self._environments = (*kept, *add)


def _end(environment: Environment) -> None:
    environment.drain()
    environment.host.stop()


def check_config(request: Mapping[str, Any], models: Sequence[Mapping[str, Any]]) -> None:
    """Raise ValidationException for a CreateEndpointConfig that asks for what a serverless variant can't have.

    `models` are the members of the variants' models.
    """
    for variant in request["ProductionVariants"]:
        if CONFIG in variant:
            size = variant[CONFIG]["MemorySizeInMB"]
            if size % _MEGABYTES:
                raise validation_exception(
                    f"MemorySizeInMB {size} of variant {variant['VariantName']} is invalid: valid values are in 1 GB "
                    "increments: 1024, 2048, 3072, 4096, 5120 and 6144."
                )
            _check_concurrency(variant["VariantName"], variant[CONFIG])
            if excluded := [*_excluded(request, variant), *(each for model in models for each in _of_model(model))]:
                named = ", ".join(dict.fromkeys(excluded))
                raise validation_exception(f"Not supported when specifying a ServerlessConfig: {named}.")


def check_update(variant: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raise ValidationException unless a variant of a configuration can have this DesiredWeightAndCapacity."""
    name, update = wanted["VariantName"], wanted.get(_UPDATE)
    if CONFIG not in variant:
        if update is not None:
            raise validation_exception(f"{_UPDATE} is for serverless variants only: {name} has instances.")
    elif "DesiredInstanceCount" in wanted:
        raise validation_exception(f"DesiredInstanceCount is for variants with instances only: {name} is serverless.")
    elif update is not None:
        _check_concurrency(name, {**variant[CONFIG], **update})


def check_conversion(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> None:
    """Raise ValidationException for the update of an endpoint with instances to a serverless one."""
    if CONFIG in after[0] and CONFIG not in before[0]:
        raise validation_exception("An instance-based endpoint can't be updated to a serverless one: create a new one.")


def _check_concurrency(name: str, serverless: Mapping[str, Any]) -> None:
    provisioned, most = serverless.get(_PROVISIONED, 0), serverless["MaxConcurrency"]
    if provisioned > most:
        raise validation_exception(
            f"{_PROVISIONED} {provisioned} of variant {name} must be less than or equal to its MaxConcurrency {most}."
        )


def _excluded(request: Mapping[str, Any], variant: Mapping[str, Any]) -> list[str]:
    """Return what a configuration has that a serverless variant can't have."""
    capture = request.get("DataCaptureConfig", {"EnableCapture": False}).get("EnableCapture", True)
    return [
        *(member for member in _OF_INSTANCES if member in variant),
        *(member for member in _OF_REAL_TIME if request.get(member)),
        *(["DataCaptureConfig"] if capture else ()),
        *(["more than one production variant"] if len(request["ProductionVariants"]) > 1 else ()),
    ]


def _of_model(model: Mapping[str, Any]) -> list[str]:
    """Return what a model has that a serverless variant can't serve."""
    containers = model.get("Containers") or [model.get("PrimaryContainer", {})]
    return [
        *(member for member in ("VpcConfig", "EnableNetworkIsolation") if model.get(member)),
        *(["more than one container"] if len(containers) > 1 else ()),
        *(["Mode MultiModel"] if any(container.get("Mode") == "MultiModel" for container in containers) else ()),
    ]
