"""The machines that train together, and which of them this one is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PORT = 8890  # the port of SageMaker's TensorFlow toolkit (sagemaker_tensorflow_container 20.4.1, training.py)


@dataclass(frozen=True, kw_only=True)
class Hosts:
    """`addresses` are host:port, the same list on every host; this one's is at `index`."""

    addresses: tuple[str, ...] = ("",)
    index: int = 0

    @property
    def count(self) -> int:
        """How many hosts train together."""
        return len(self.addresses)

    @property
    def chief(self) -> bool:
        """Whether this one writes what the training leaves: the others would write the same."""
        return self.index == 0

    def environment(self) -> dict[str, str]:
        """What TensorFlow reads to find the other hosts; nothing for a host alone."""
        if self.count == 1:
            return {}
        task = {"type": "worker", "index": self.index}
        return {"TF_CONFIG": json.dumps({"cluster": {"worker": self.addresses}, "task": task})}


def read_hosts(environment: Mapping[str, str]) -> Hosts:
    """Read TF_CONFIG, which the toolkit writes if asked to, else the toolkit's SM_HOSTS and SM_CURRENT_HOST."""
    if config := json.loads(environment.get("TF_CONFIG", "{}")):
        return Hosts(addresses=tuple(config["cluster"]["worker"]), index=config["task"]["index"])
    names = json.loads(environment.get("SM_HOSTS", "[]"))
    if not names:
        return Hosts()
    return Hosts(
        addresses=tuple(f"{name}:{_PORT}" for name in names), index=names.index(environment["SM_CURRENT_HOST"])
    )
