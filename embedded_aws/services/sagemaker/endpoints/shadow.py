"""Copy requests to shadow variants: what these answer is dropped, and nobody waits for it.

Sources: SageMaker's guide, "Testing models with shadow variants" and "Create a shadow test": a part of the requests is
replicated, no answer comes back, both are captured if the endpoint captures; botocore's model of
ShadowProductionVariants for one production and one shadow variant. Not compared with AWS: that the part is the shadow's
weight by the production variant's, all of them if it is greater; that a copy is dropped while the shadow variant has as
many as it can hold; that UpdateEndpointWeightsAndCapacities changes shadow variants, too.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.endpoints.invocation import Measured
from embedded_aws.services.sagemaker.errors import validation_exception
from embedded_aws.services.sagemaker.runtime_api import TARGET_MODEL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.services.sagemaker.endpoints.fleet import AnyVariant, Fleet
    from embedded_aws.services.sagemaker.endpoints.invocation import Forwarder, Invocation
    from embedded_aws.services.sagemaker.endpoints.variant import Instance, Variant
    from embedded_aws.services.sagemaker.metrics.invocations import Invocations

log = logging.getLogger(__name__)

_AT_ONCE = 128  # copies that an instance may have, each of 6 MB at most


def check(config: Mapping[str, Any]) -> None:
    """Raise ValidationException unless a configuration's variants go together."""
    variants, shadows = config["ProductionVariants"], config.get("ShadowProductionVariants", ())
    names = [each["VariantName"] for each in (*variants, *shadows)]
    if len(set(names)) != len(names):
        raise validation_exception("VariantName must be unique among the variants of an endpoint configuration.")
    if shadows and (len(variants), len(shadows)) != (1, 1):
        raise validation_exception(
            "With ShadowProductionVariants you can only specify one variant for ProductionVariants and one variant for "
            "ShadowProductionVariants."
        )


class Shadowing:
    """Sends copies of requests to the shadow variants of fleets. Used on the event loop only."""

    def __init__(self, forwarder: Forwarder, metrics: Invocations) -> None:
        self._forwarder, self._metrics = forwarder, metrics
        self._copies: set[asyncio.Task[None]] = set()

    def copy(self, fleet: Fleet, production: AnyVariant, invocation: Invocation, *, captured: bool) -> None:
        """Send a copy of what the production variant gets to the fleet's shadow variants, by their weights."""
        for shadow in fleet.shadows:
            if random.random() * production.weight >= shadow.weight:  # noqa: S311 - a sample, not a secret
                continue
            instance = shadow.choose(invocation.headers.get(TARGET_MODEL))
            if instance and instance.requests < _AT_ONCE and instance.enter():
                copy = asyncio.get_running_loop().create_task(
                    self._send(fleet, shadow, instance, invocation, captured=captured)
                )
                self._copies.add(copy)
                copy.add_done_callback(self._copies.discard)

    async def _send(
        self, fleet: Fleet, shadow: Variant, instance: Instance, invocation: Invocation, *, captured: bool
    ) -> None:
        began, measured = time.perf_counter(), Measured()
        try:
            _, answered, content = await instance.host.invoke(self._forwarder, invocation, measured)
        except Exception:
            log.exception("a copy for shadow variant %s of endpoint %s", shadow.name, invocation.endpoint.name)
            return
        finally:
            instance.leave()
        if measured.refused:
            return
        if captured and fleet.capture and "x-amzn-ErrorType" not in answered:
            fleet.capture.put(shadow.name, invocation, answered, content)
        fleet.count(self._metrics, invocation.endpoint, shadow, measured, began)
