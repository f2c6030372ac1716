"""The scaling of endpoints: what Application Auto Scaling was told to watch goes before the endpoint does."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from teardown.receipt import Resource
from teardown.refusals import note_unlisted, try_to_delete

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from teardown.receipt import Receipt
    from teardown.scope import Scope

KIND = "scalable target"
_NAMESPACE = "sagemaker"
_SCALED = {
    "endpoint": ("list_endpoints", "Endpoints", "Endpoint"),
    "inference-component": ("list_inference_components", "InferenceComponents", "InferenceComponent"),
}


class ScalingSweep:
    """The scalable targets of a lab's or seat's endpoints; with one go its policies and their alarms."""

    def __init__(self, client: Callable[[str], Any], scope: Scope, receipt: Receipt) -> None:
        self._scaling, self._sagemaker = client("application-autoscaling"), client("sagemaker")
        self._scope, self._receipt = scope, receipt

    def step(self) -> list[Resource]:
        """Deregister what there is; return what it was, to be looked for again."""
        try:
            found = list(self._targets())
        except ClientError as error:
            return note_unlisted(self._receipt, KIND, error)
        self._receipt.unseen.pop(KIND, None)
        return [
            resource
            for target, dimension in found
            if try_to_delete(
                self._receipt,
                resource := Resource(KIND, f"{target} ({dimension})"),
                partial(self._deregister, target, dimension),
            )
        ]

    def _targets(self) -> Iterator[tuple[str, str]]:
        pages = self._scaling.get_paginator("describe_scalable_targets").paginate(ServiceNamespace=_NAMESPACE)
        for page in pages:
            for target in page["ScalableTargets"]:
                # endpoint/<name>/variant/<variant>, inference-component/<name>
                kind, name = target["ResourceId"].split("/")[:2]
                if self._scope.has(name, self._tags(kind, name)):
                    yield target["ResourceId"], target["ScalableDimension"]

    def _tags(self, kind: str, name: str) -> dict[str, str]:
        """Return the tags of what is scaled; none if it has gone."""
        operation, summaries, of = _SCALED[kind]
        pages = self._sagemaker.get_paginator(operation).paginate(NameContains=name)
        for each in (each for page in pages for each in page[summaries]):
            if each[f"{of}Name"] == name:
                tags = self._sagemaker.list_tags(ResourceArn=each[f"{of}Arn"])["Tags"]
                return {tag["Key"]: tag["Value"] for tag in tags}
        return {}

    def _deregister(self, resource: str, dimension: str) -> Any:
        return self._scaling.deregister_scalable_target(
            ServiceNamespace=_NAMESPACE, ResourceId=resource, ScalableDimension=dimension
        )
