"""The containers of an instance: one, an inference pipeline of several, or several that are asked by their names.

Sources: SageMaker's guide, "Inference pipelines", "Invoke a multi-container endpoint with direct invocation" (when a
TargetContainerHostname is refused, and that there are 15 containers at most), "Troubleshoot inference pipelines" (that
an error names its container; the sentence and limit of what one container hands to the next); botocore's model of
InferenceExecutionConfig and ContainerHostname; aws/sagemaker-sparkml-serving-container, whose README says that only the
last container of a pipeline gets the caller's Accept. That a multi-model endpoint misses its header:
aws/sagemaker-tensorflow-serving-container#166; that one of one model has none: aws/amazon-sagemaker-examples#1026 and,
with its ErrorCode, #1216. Not compared with AWS: the other sentences; that custom attributes come to every container of
a pipeline, and are answered if the last one answers them; the names of containers without one.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.endpoints.invocation import SECONDS, Invocation, console_of, model_error
from embedded_aws.services.sagemaker.runtime_api import TARGET_CONTAINER, TARGET_MODEL, refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from embedded_aws.services.sagemaker.endpoints.hosts import ModelHost
    from embedded_aws.services.sagemaker.endpoints.invocation import Forwarder, Measured, Response
    from embedded_aws.services.sagemaker.store import Record

DIRECT, SERIAL = "Direct", "Serial"
TARGETS = frozenset((TARGET_MODEL, TARGET_CONTAINER))
_AT_A_TIME = 4  # hosts that come up together: more would only take the processor from each other
_BETWEEN_BYTES = 5 * 1024 * 1024


class SingleModelContainer:
    """A container that serves the one model it came up with."""

    multi_model = False

    def __init__(self, host: ModelHost) -> None:
        self.host, self.name = host, host.container_name

    def start(self) -> None:
        """Bring it up; returns when it answers /ping. Raises HostError."""
        self.host.start()

    def stop(self) -> None:
        """End it: requests in progress have a few seconds."""
        self.host.stop()

    def kill(self) -> None:
        """End it at once."""
        self.host.kill()

    def ask(
        self,
        forwarder: Forwarder,
        invocation: Invocation,
        measured: Measured,
        seconds: float = SECONDS,
    ) -> Awaitable[Response]:
        """Return its answer to an invocation, or ModelError."""
        return forwarder.send(invocation, self.host.port, measured, container=self.name, seconds=seconds)


class Containers:
    """An instance's containers, which come up together and end together.

    How an invocation goes through them is `mode`, as the model's InferenceExecutionConfig says it.
    """

    def __init__(self, containers: Sequence[SingleModelContainer], mode: str = SERIAL) -> None:
        self._containers = containers
        self._by_name = {container.name: container for container in containers}
        self._direct = mode == DIRECT
        self._multi_model = any(container.multi_model for container in containers)

    def start(self) -> None:
        """Bring them up. Raises HostError, with all of them stopped."""
        try:
            # The first one installs the image, which others would wait for.
            self._containers[0].start()
            each(lambda container: container.start(), self._containers[1:])
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End them: requests in progress have a few seconds. Returns when they have ended."""
        each(lambda container: container.stop(), self._containers)

    def kill(self) -> None:
        """End them at once."""
        for container in self._containers:
            container.kill()

    @property
    def plain(self) -> bool:
        """Return whether there is one container, of one model."""
        return len(self._containers) == 1 and not self._multi_model and not self._direct

    @property
    def first(self) -> ModelHost:
        """Return the first container's host, the only one of a model of one container."""
        return self._containers[0].host

    @property
    def up(self) -> bool:
        """Return whether they answer, as far as anybody knows."""
        return all(container.host.up for container in self._containers)

    def deployed_images(self) -> list[dict[str, Any]]:
        """Return DescribeEndpoint's DeployedImages, once they are up."""
        return [_deployed(container.host) for container in self._containers]

    def has(self, target_model: str) -> bool:
        """Return whether a model of a multi-model container is loaded."""
        return any(container.multi_model and container.has(target_model) for container in self._containers)  # type: ignore[attr-defined]

    def invoke(self, forwarder: Forwarder, invocation: Invocation, measured: Measured) -> Awaitable[Response]:
        """Return the answer to an invocation, ModelError, or a refusal."""
        single = len(self._containers) == 1
        if not (single and not self._multi_model and TARGETS.isdisjoint(invocation.headers)):
            if refused := self._refusal(invocation.endpoint, invocation.headers):
                measured.refused = True
                return _immediately(refused)
            if self._direct:
                return self._ask_one(invocation.headers[TARGET_CONTAINER], forwarder, invocation, measured)
            if not single:
                return self._pass_through(forwarder, invocation, measured)
        return self._containers[0].ask(forwarder, invocation, measured)

    def _refusal(self, endpoint: Record, headers: Mapping[str, str]) -> Response | None:
        """Return the refusal of an invocation that aims at what is not there, or at nothing."""
        target = headers.get(TARGET_CONTAINER)
        if target is None and self._direct:
            return refusal(
                f"Endpoint {endpoint.name} is configured for direct invocation: TargetContainerHostname must be one of "
                f"{', '.join(self._by_name)}."
            )
        if target is not None and not self._direct:
            return refusal(
                f"Endpoint {endpoint.name} is not configured for direct invocation and does not support "
                "TargetContainerHostname."
            )
        if target is not None and target not in self._by_name:
            return refusal(
                f"TargetContainerHostname {target} does not exist in endpoint {endpoint.name}; it has "
                f"{', '.join(self._by_name)}."
            )
        multi_model = self._multi_model if target is None else self._by_name[target].multi_model
        if multi_model and TARGET_MODEL not in headers:
            return refusal(f"Request {uuid.uuid4()} is missing a target model header.")
        if not multi_model and TARGET_MODEL in headers:
            return refusal(
                f"Endpoint {endpoint.name} is not a multi-model endpoint and does not support target model header.",
                ErrorCode="TARGET_MODEL_HEADER_NOT_SUPPORTED",
            )
        return None

    async def _ask_one(self, name: str, forwarder: Forwarder, invocation: Invocation, measured: Measured) -> Response:
        answer = await self._by_name[name].ask(forwarder, invocation, measured)
        measured.direct = True
        measured.containers[name] = (measured.status, measured.seconds)
        return answer

    async def _pass_through(self, forwarder: Forwarder, invocation: Invocation, measured: Measured) -> Response:
        """Ask each container with the answer of the one before; the first that fails ends it."""
        deadline = time.monotonic() + SECONDS
        headers = dict(invocation.headers)
        accept = headers.pop("accept", None)
        answer: Response = (HTTPStatus.OK, {}, invocation.body)
        total = 0.0
        for position, container in enumerate(self._containers):
            last = position == len(self._containers) - 1
            if last and accept is not None:
                headers["accept"] = accept
            left = max(deadline - time.monotonic(), 0.001)
            step = Invocation(invocation.endpoint, answer[2], headers)
            answer = await container.ask(forwarder, step, measured, left)
            measured.containers[container.name] = (measured.status, measured.seconds)
            total += measured.seconds
            if measured.refused or "x-amzn-ErrorType" in answer[1]:
                break
            if not last:
                if len(answer[2]) > _BETWEEN_BYTES:
                    answer = self._too_large(invocation.endpoint, position, len(answer[2]), measured.status)
                    break
                headers["content-type"] = answer[1].get("Content-Type", "")
        measured.seconds = total
        return answer

    def _too_large(self, endpoint: Record, position: int, size: int, status: int) -> Response:
        this, following = (container.name for container in self._containers[position : position + 2])
        status_code, headers, content = model_error(endpoint, status, "", container=this)
        document = json.loads(content)
        document["Message"] = (
            f"Received response from {this} with status code {status}. However, the request payload from {this} to "
            f"{following} is {size} bytes, which has exceeded the maximum limit of 5 MB. {console_of(endpoint)}"
        )
        return status_code, headers, json.dumps(document).encode()


async def _immediately(answer: Response) -> Response:
    return answer


def each(action: Callable[[Any], object], items: Sequence[Any]) -> None:
    """Do something with each, a few at a time; the first error is raised once all are done."""
    if len(items) == 1:
        action(items[0])
    elif items:
        with ThreadPoolExecutor(_AT_A_TIME) as workers:
            list(workers.map(action, items))


def _deployed(host: ModelHost) -> dict[str, Any]:
    specified = host.model.container["Image"]
    digest = host.image.digest if host.image else ""
    return {
        "SpecifiedImage": specified,
        "ResolvedImage": f"{re.split('[:@]', specified, maxsplit=1)[0]}@sha256:{digest}",
        "ResolutionTime": datetime.now(UTC),
    }
