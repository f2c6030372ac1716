"""The instances of a job: their names, and the addresses at which they reach each other.

In sandboxes several have a network of their own, with the interface that AWS's have. Else they share this machine's: on
Linux every address of 127.0.0.0/8 is the machine's own, so each host gets one that no other has. Where that is not
so (macOS) all share 127.0.0.1. Each has a port too that no other instance has and nothing listens on: TensorFlow's
server listens on all addresses, so hosts of one machine can't all have the toolkit's 8890.
"""

from __future__ import annotations

import ipaddress
import itertools
import json
import os
import random
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embedded_aws import proxies
from embedded_aws.runtime import network

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from embedded_aws.runtime.process_group import HostCommand

HOMOGENEOUS = "homogeneousCluster"  # the group of a job without InstanceGroups, as AWS names it
_SHARED = "127.0.0.1"
_NETWORK = ipaddress.IPv4Address("10.0.0.1")  # no other job is there
_TOOLKIT_PORT = 8890
# Below what Linux and macOS take for outgoing connections, so that a port found free stays so.
_PORTS = range(20_000, 32_000)
_LOCK = threading.Lock()
_ADDRESSES = (str(ipaddress.IPv4Address("127.1.0.0") + number) for number in itertools.count(random.randrange(1 << 22)))  # noqa: S311 - spread, not secret
_NEXT_PORTS = itertools.cycle(random.sample(_PORTS, len(_PORTS)))


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One host of a job."""

    name: str
    instance_type: str
    group: str
    address: str
    port: int
    interface: str

    @property
    def networked(self) -> bool:
        """Return whether its job's instances have a network of their own."""
        return self.interface == network.INTERFACE


def launch(resources: Mapping[str, Any], *, sandboxed: bool) -> list[Instance]:
    """Return the instances that a ResourceConfig or a ClusterConfig asks for, algo-1 first."""
    groups = resources.get("InstanceGroups") or [{"InstanceGroupName": HOMOGENEOUS, **resources}]
    wanted = [group for group in groups for _ in range(group.get("InstanceCount", 1))]
    networked = len(wanted) > 1 and sandboxed and not network.failure()
    return [
        Instance(
            name=f"algo-{number}",
            instance_type=group.get("InstanceType", ""),
            group=group["InstanceGroupName"],
            address=str(_NETWORK + number) if networked else _address() if len(wanted) > 1 else _SHARED,
            port=_TOOLKIT_PORT if networked else _free_port(),
            interface=network.INTERFACE if networked else "lo",
        )
        for number, group in enumerate(wanted, 1)
    ]


def notice(instances: Sequence[Instance], *, sandboxed: bool) -> str:
    """Return why instances that run in sandboxes share this machine's network; empty where they do not."""
    if len(instances) == 1 or not sandboxed or not (reason := network.failure()):
        return ""
    return f"The job's hosts have no network of their own, but share this machine's, and its ports. {reason}"


def groups(instances: Sequence[Instance]) -> Iterator[dict[str, Any]]:
    """Yield the instance groups as resourceconfig.json has them."""
    for group, members in itertools.groupby(instances, key=lambda one: (one.group, one.instance_type)):
        yield {
            "instance_group_name": group[0],
            "instance_type": group[1],
            "hosts": [one.name for one in members],
        }


def addresses(instances: Sequence[Instance]) -> dict[str, str]:
    """Return the instances' addresses by their names."""
    return {one.name: one.address for one in instances}


def variables(instances: Sequence[Instance]) -> dict[str, str]:
    """Return the variables by which a container finds the job's hosts by name; launch/host_names.py reads them.

    In a network of their own the names are enough. No proxy knows them.
    """
    direct = [text for one in instances for text in (one.name, one.address)]
    places = {one.name: f"{one.address}:{one.port}" for one in instances if not one.networked}
    return {
        **({"SAGEMAKER_JOB_HOSTS": json.dumps(places)} if places else {}),
        **proxies.reached_directly(os.environ, *direct),
    }


@contextmanager
def connected(
    hosts: Sequence[HostCommand], instances: Sequence[Instance], *, isolated: bool
) -> Iterator[Sequence[HostCommand]]:
    """Give the commands that run the instances' containers in their network, while that is there: for the block.

    Raises NetworkError.
    """
    if not any(one.networked for one in instances):
        yield hosts
        return
    with network.joined(hosts, addresses(instances), isolated=isolated) as joined:
        yield joined


def _address() -> str:
    with _LOCK:
        address = next(_ADDRESSES)
    return address if _can_bind(address, 0) else _SHARED


def _free_port() -> int:
    with _LOCK:
        return next(port for port in _NEXT_PORTS if _can_bind("0.0.0.0", port))  # noqa: S104 - as TensorFlow will


def _can_bind(address: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True
