"""The scaling of endpoints: what Application Auto Scaling was told to watch goes before the endpoint does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from . import refusals
from .receipt import Thing
from .refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .receipt import Receipt
    from .scope import Scope

_KIND = "scalable target"
_NAMESPACE = "sagemaker"


class ScalingSweep:
    """The scalable targets of a lab's or seat's endpoints; with one go its policies and their alarms."""

    def __init__(self, client: Callable[[str], Any], scope: Scope, receipt: Receipt) -> None:
        self._scaling, self._scope, self._receipt = client("application-autoscaling"), scope, receipt

    def step(self) -> list[Thing]:
        """Deregister what there is; what it was, to be looked for again."""
        try:
            found = list(self._targets())
        except ClientError as error:
            if refusals.of(error) is not Refusal.ABSENT:
                self._receipt.unseen[_KIND] = str(error)
            return []
        return [thing for resource, dimension in found if (thing := self._deregister(resource, dimension))]

    def _targets(self) -> Iterator[tuple[str, str]]:
        pages = self._scaling.get_paginator("describe_scalable_targets").paginate(ServiceNamespace=_NAMESPACE)
        for page in pages:
            for target in page["ScalableTargets"]:
                # endpoint/<name>/variant/<variant>, inference-component/<name>
                if self._scope.names(target["ResourceId"].split("/")[1]):
                    yield target["ResourceId"], target["ScalableDimension"]

    def _deregister(self, resource: str, dimension: str) -> Thing | None:
        thing = Thing(_KIND, f"{resource} ({dimension})")
        self._receipt.found.add(thing)
        try:
            self._scaling.deregister_scalable_target(
                ServiceNamespace=_NAMESPACE, ResourceId=resource, ScalableDimension=dimension
            )
        except ClientError as error:
            if refusals.of(error) is Refusal.DENIED:
                self._receipt.keep(thing, str(error))
                return None
        return thing
