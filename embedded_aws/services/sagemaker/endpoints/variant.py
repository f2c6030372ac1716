"""A production variant: its instances come and go while it serves, and no request is lost.

An instance is its containers, each a process on this machine. How a variant chooses among its instances is its
RoutingConfig's RoutingStrategy; RANDOM is the default (botocore's model of ProductionVariantRoutingConfig).
"""

from __future__ import annotations

import random
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.endpoints.containers import each

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from embedded_aws.services.sagemaker.endpoints.containers import Containers

_BUSY = 4  # requests that an instance answers, before another one loads the same model
_DRAIN_SECONDS = 65  # longer than a request may take


class Instance:
    """Containers that take requests until they are retired: those within are answered, then they end."""

    def __init__(self, host: Containers) -> None:
        self.host = host
        self.requests = 0
        self.retired = False
        self._idle = threading.Condition()

    def enter(self) -> bool:
        """Count a request in; False if the instance is retired and another must take it."""
        with self._idle:
            self.requests += not self.retired
            return not self.retired

    def leave(self) -> None:
        """Count a request out."""
        with self._idle:
            self.requests -= 1
            self._idle.notify()

    def drain(self) -> None:
        """Take no further request, and wait for those within."""
        with self._idle:
            self.retired = True
            self._idle.wait_for(lambda: not self.requests, timeout=_DRAIN_SECONDS)


class Variant:
    """The instances of a production variant. `scale` and `stop` are called by one thread at a time."""

    def __init__(self, members: Mapping[str, Any], make_host: Callable[[], Containers]) -> None:
        """Take the variant as its configuration describes it, and what makes a host for it, not yet up."""
        self.name = str(members["VariantName"])
        self.weight = self.desired_weight = float(members.get("InitialVariantWeight", 1.0))
        self.desired = int(members.get("InitialInstanceCount", 1))
        self.instances: Sequence[Instance] = ()  # replaced as a whole: requests look at it meanwhile
        self._members, self._make_host = members, make_host
        self._least = members.get("RoutingConfig", {}).get("RoutingStrategy") == "LEAST_OUTSTANDING_REQUESTS"
        self._starting: deque[Containers] = deque()
        self._images: list[dict[str, Any]] = []
        self._stopped = False

    @property
    def sharing(self) -> int:
        """Return how many instances share its requests, for InvocationsPerInstance."""
        return len(self.instances) or 1

    def scale(self, count: int) -> None:
        """Bring instances up, or drain and end the youngest, until there are so many. Raises HostError.

        If one does not come up, those that were started with it are stopped.
        """
        here = list(self.instances)
        if missing := count - len(here):
            if missing > 0:
                self.instances = (*here, *self._start(missing))
            else:
                self.instances = tuple(here[:count])
                each(Instance.drain, here[count:])
                each(lambda instance: instance.host.stop(), here[count:])

    def choose(self, target_model: str | None = None) -> Instance | None:
        """Return the instance that a request goes to; None if there is none.

        One for a model of many goes where that is loaded, unless all such instances are busy: SageMaker's guide,
        "How multi-model endpoints work". Not compared with AWS: when they count as busy.
        """
        instances = self.instances
        if target_model is not None and len(instances) > 1:
            loaded = [each for each in instances if each.host.has(target_model) and each.requests < _BUSY]
            instances = loaded or instances
        if len(instances) == 1:
            return instances[0]
        if not instances:
            return None
        chosen = self._choose(instances)
        if not chosen.host.up:  # it is being started again: others take its requests meanwhile, if there are any
            chosen = self._choose([each for each in instances if each.host.up] or instances)
        return chosen

    def _choose(self, instances: Sequence[Instance]) -> Instance:
        if self._least:
            return min(instances, key=lambda instance: instance.requests)
        return random.choice(instances)  # noqa: S311 - traffic, not a secret

    def leave(self, instance: Instance) -> None:
        """Count a request out of one of the instances."""
        instance.leave()

    def wanted(self) -> dict[str, Any]:
        """Return the variant's DesiredWeightAndCapacity."""
        return {"DesiredWeight": self.desired_weight, "DesiredInstanceCount": self.desired}

    def desire(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Take what is wanted, as a DesiredWeightAndCapacity; return the configuration's members that say the same."""
        self.desired = wanted.get("DesiredInstanceCount", self.desired)
        self.desired_weight = wanted.get("DesiredWeight", self.desired_weight)
        return {"InitialInstanceCount": self.desired, "InitialVariantWeight": self.desired_weight}

    def drain(self) -> None:
        """Take no further request, and wait for those within."""
        each(Instance.drain, self.instances)

    def stop(self) -> None:
        """End the instances now, also those that come up."""
        self._stopped = True
        each(lambda host: host.stop(), [*(instance.host for instance in self.instances), *self._starting])

    def kill(self) -> None:
        """End the instances at once, also those that come up."""
        self._stopped = True
        for host in [*(instance.host for instance in self.instances), *self._starting]:
            host.kill()

    def describe(self) -> dict[str, Any]:
        """Return DescribeEndpoint's ProductionVariantSummary, without its VariantStatus."""
        return {
            "VariantName": self.name,
            **({"DeployedImages": self._images} if self._images else {}),
            "CurrentWeight": self.weight,
            "DesiredWeight": self.desired_weight,
            "CurrentInstanceCount": len(self.instances),
            "DesiredInstanceCount": self.desired,
            **({"RoutingConfig": config} if (config := self._members.get("RoutingConfig")) else {}),
        }

    def _start(self, count: int) -> list[Instance]:
        """Return instances that answer /ping. The first of all installs the image, which others would wait for."""
        hosts = [self._make_host() for _ in range(count)]
        self._starting.extend(hosts)
        first = [] if self.instances else hosts[:1]
        try:
            for host in first:
                self._start_host(host)
            each(self._start_host, hosts[len(first) :])
        except BaseException:
            each(lambda host: host.stop(), hosts)
            raise
        finally:
            for host in hosts:
                self._starting.remove(host)
        self._images = self._images or hosts[0].deployed_images()
        return [Instance(host) for host in hosts]

    def _start_host(self, host: Containers) -> None:
        if self._stopped:
            host.kill()  # which makes its start fail
        host.start()
