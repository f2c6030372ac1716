"""A fleet: the instances of one endpoint configuration, by production variant, and how traffic is shared by fleets."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from embedded_aws.services.sagemaker.endpoints.data_capture import DataCapture
    from embedded_aws.services.sagemaker.endpoints.invocation import Measured
    from embedded_aws.services.sagemaker.endpoints.serverless import ServerlessVariant
    from embedded_aws.services.sagemaker.endpoints.variant import Instance, Variant
    from embedded_aws.services.sagemaker.metrics.invocations import Invocations
    from embedded_aws.services.sagemaker.store import Record

    AnyVariant = Variant | ServerlessVariant


class Fleet:
    """The variants of one endpoint configuration, among which its requests are shared by their weights.

    Its shadow variants get copies of them.
    """

    def __init__(
        self,
        deployment: Mapping[str, Any],
        variants: Sequence[AnyVariant],
        shadows: Sequence[Variant],
        capture: DataCapture | None,
    ) -> None:
        """Take variants without instances; `deployment` is what they were made of."""
        self.deployment = deployment
        self.variants, self.shadows = variants, shadows
        self.capture = capture

    @property
    def all_variants(self) -> list[AnyVariant]:
        """Return its variants and its shadow variants."""
        return [*self.variants, *self.shadows]

    @property
    def config_name(self) -> str:
        """Return the endpoint configuration's name."""
        return str(self.deployment["EndpointConfigName"])

    def start(self) -> None:
        """Bring all instances up, one variant after the other. Raises HostError, with all of them stopped."""
        try:
            self.scale()
            self.start_rest()
        except BaseException:
            self.stop()
            raise

    def desired(self) -> dict[str, dict[str, Any]]:
        """Return each variant's DesiredWeightAndCapacity."""
        return {variant.name: variant.wanted() for variant in self.all_variants}

    def desire(self, wanted: Mapping[str, Mapping[str, Any]]) -> None:
        """Take what is wanted of variants, as their DesiredWeightAndCapacity; `scale` brings it about."""
        self.deployment = {
            **self.deployment,
            **{
                kind: [
                    {**each, **variant.desire(wanted.get(variant.name, {}))}
                    for variant, each in zip(variants, self.deployment[kind], strict=True)
                ]
                for kind, variants in self._kinds()
            },
        }

    def scale(self) -> None:
        """Bring all variants to the instances, then to the weights that are desired. Raises HostError."""
        for variant in self.all_variants:
            variant.scale(variant.desired)
        for variant in self.all_variants:
            variant.weight = variant.desired_weight

    def start_rest(self) -> None:
        """Bring the shadow variants up and begin to capture, if the configuration asks for either."""
        for shadow in self.shadows:
            shadow.scale(shadow.desired)
        if self.capture:
            self.capture.start()

    def choose(self, target: str | None) -> AnyVariant | None:
        """Return the target variant, or one at random by the variants' weights; None if there is none."""
        if target is not None:
            return next((variant for variant in self.variants if variant.name == target), None)
        if len(self.variants) == 1 and self.variants[0].weight:
            return self.variants[0]
        weights = [variant.weight for variant in self.variants]
        if not any(weights):
            return None
        return random.choices(self.variants, weights)[0]  # noqa: S311 - traffic, not a secret

    def count(
        self, metrics: Invocations, endpoint: Record, variant: AnyVariant, measured: Measured, began: float
    ) -> None:
        """Count an invocation of one of the variants, which began then by `time.perf_counter`."""
        metrics.count(
            endpoint,
            variant.name,
            self.config_name,
            status=measured.status,
            model=measured.seconds,
            overhead=time.perf_counter() - began - measured.seconds,
            instances=variant.sharing,
            containers=measured.containers,
            direct=measured.direct,
        )

    def retire(self) -> None:
        """Take no further request, wait for those within, end the instances."""
        for variant in self.all_variants:
            variant.drain()
        self.stop()

    def stop(self) -> None:
        """End the instances now."""
        for variant in self.all_variants:
            variant.stop()
        if self.capture:
            self.capture.close()

    def kill(self) -> None:
        """End the instances at once."""
        for variant in self.all_variants:
            variant.kill()

    def describe(self) -> dict[str, list[dict[str, Any]]]:
        """Return DescribeEndpoint's ProductionVariants and, if there are any, ShadowProductionVariants."""
        return {kind: [variant.describe() for variant in variants] for kind, variants in self._kinds()}

    def _kinds(self) -> Iterator[tuple[str, Sequence[AnyVariant]]]:
        yield "ProductionVariants", self.variants
        if self.shadows:
            yield "ShadowProductionVariants", self.shadows


class Traffic:
    """Which fleets serve each endpoint, and what part of its requests each takes. Readers wait for nobody."""

    def __init__(self) -> None:
        self._shares: dict[Record, tuple[tuple[Fleet, float], ...]] = {}

    def __contains__(self, endpoint: Record) -> bool:
        return endpoint in self._shares

    def route(self, endpoint: Record, *shares: tuple[Fleet, float]) -> None:
        """Share an endpoint's requests by these fleets from now on; the shares add up to 1."""
        self._shares[endpoint] = shares

    def fleets(self, endpoint: Record) -> list[Fleet]:
        """Return the fleets that serve an endpoint."""
        return [fleet for fleet, _ in self._shares.get(endpoint, ())]

    def all(self) -> list[Fleet]:
        """Return all fleets that serve."""
        return [fleet for shares in [*self._shares.values()] for fleet, _ in shares]

    def remove(self, endpoint: Record) -> list[Fleet]:
        """Let an endpoint no longer be served; return the fleets that did."""
        return [fleet for fleet, _ in self._shares.pop(endpoint, ())]

    def choose(self, endpoint: Record) -> Fleet | None:
        """Return the fleet that a request goes to; None if the endpoint has none."""
        shares = self._shares.get(endpoint)
        if not shares:
            return None
        if len(shares) == 1:
            return shares[0][0]
        place = random.random()  # noqa: S311 - traffic, not a secret
        for fleet, share in shares:
            place -= share
            if place < 0:
                return fleet
        return shares[-1][0]


class Admission:
    """A request that is within an instance, until it leaves."""

    __slots__ = ("fleet", "instance", "variant")

    def __init__(self, fleet: Fleet, variant: AnyVariant, instance: Instance) -> None:
        self.fleet, self.variant, self.instance = fleet, variant, instance

    def leave(self) -> None:
        """Count the request out."""
        self.variant.leave(self.instance)
