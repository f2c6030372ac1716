"""A fleet: the hosts of one endpoint configuration, brought up together, routed among, and retired together."""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embedded_aws.services.sagemaker.endpoints.data_capture import DataCapture
    from embedded_aws.services.sagemaker.endpoints.hosts import ModelHost

_DRAIN_SECONDS = 65  # longer than a request may take


class Fleet:
    """Hosts by production variant. Requests enter and leave it, so that it can be retired without losing one."""

    def __init__(self, deployment: Mapping[str, Any], hosts: Sequence[ModelHost], capture: DataCapture | None) -> None:
        """Take hosts that are not yet up; `deployment` is what they were made of."""
        self.deployment = deployment
        self.capture = capture
        self._hosts = {host.model.variant_name: host for host in hosts}
        self._weights = [float(host.model.variant.get("InitialVariantWeight", 1.0)) for host in hosts]
        self._requests = 0
        self._retired = False
        self._idle = threading.Condition()

    def start(self) -> None:
        """Bring all hosts up, one after the other. Raises HostError, with all of them stopped."""
        try:
            for host in self._hosts.values():
                host.start()
            if self.capture:
                self.capture.start()
        except BaseException:
            self.stop()
            raise

    def enter(self) -> bool:
        """Count a request in; False if the fleet is retired and another must take it."""
        with self._idle:
            self._requests += not self._retired
            return not self._retired

    def leave(self) -> None:
        """Count a request out."""
        with self._idle:
            self._requests -= 1
            self._idle.notify()

    def choose(self, target: str | None) -> ModelHost | None:
        """Return the host of the target variant, or one at random by the variants' weights; None if there is none."""
        if target is not None:
            return self._hosts.get(target)
        if not any(self._weights):
            return None
        return random.choices(list(self._hosts.values()), self._weights)[0]  # noqa: S311 - traffic, not a secret

    def retire(self) -> None:
        """Take no further request, wait for those within, end the hosts."""
        with self._idle:
            self._retired = True
            self._idle.wait_for(lambda: not self._requests, timeout=_DRAIN_SECONDS)
        self.stop()

    def stop(self) -> None:
        """End the hosts now."""
        for host in self._hosts.values():
            host.stop()
        if self.capture:
            self.capture.close()

    def kill(self) -> None:
        """End the hosts at once."""
        for host in self._hosts.values():
            host.kill()

    def describe(self) -> list[dict[str, Any]]:
        """Return DescribeEndpoint's ProductionVariants."""
        return [
            {
                "VariantName": name,
                "DeployedImages": [_deployed(host)],
                "CurrentWeight": weight,
                "DesiredWeight": weight,
                "CurrentInstanceCount": host.model.variant.get("InitialInstanceCount", 1),
                "DesiredInstanceCount": host.model.variant.get("InitialInstanceCount", 1),
            }
            for (name, host), weight in zip(self._hosts.items(), self._weights, strict=True)
        ]


def _deployed(host: ModelHost) -> dict[str, Any]:
    specified = host.model.container["Image"]
    digest = host.image.digest if host.image else ""
    return {
        "SpecifiedImage": specified,
        "ResolvedImage": f"{specified.rpartition(':')[0]}@sha256:{digest}",
        "ResolutionTime": datetime.now(UTC),
    }
