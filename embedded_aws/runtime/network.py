"""A network of a job's own, in which each host has an address and all ports to itself, as AWS's instances have.

Network namespaces, joined by virtual cables that meet in one more: util-linux and iproute2 make them, in a user
namespace, without root. What a host's environment names at this machine's loopback address (the embedded AWS, the
credentials, the proxy by which all else is reached) is brought to the host's own; nothing else of the machine is there.
Not as on AWS: what heeds no proxy variables does not reach the internet.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from embedded_aws.runtime.process import Process
from embedded_aws.runtime.process_group import HostCommand
from embedded_aws.runtime.streams import pass_on

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

INTERFACE = "eth0"
_LENGTH = 16  # of the network's addresses, the bits that all share
_JOIN = Path(__file__).with_name("launch") / "join_network.py"
_SEARCH_PATH = f"{os.defpath}:/usr/sbin:/sbin"
_HUB = "ip link add hosts type bridge && ip link set hosts up && echo $$ && exec sleep infinity"
_OWN = re.compile(r"(?P<before>://(?:[^/@\s]*@)?)(?:127\.0\.0\.1|localhost):(?P<port>\d+)")
_PORTS = 64  # at most so many of one host


class NetworkError(Exception):
    """A network that could not be made; the message says why."""


@cache
def failure() -> str:
    """Return why this machine gives a job no network of its own; empty if it does."""
    if sys.platform != "linux":
        return "Networks of jobs need Linux's namespaces, which this system has not got."
    if missing := [name for name in ("ip", "nsenter", "unshare") if not shutil.which(name, path=_SEARCH_PATH)]:
        return f"Networks of jobs need {' and '.join(missing)}, of iproute2 and util-linux."
    said: list[str] = []
    trial = HostCommand(
        name="trial", command=["true"], environment=_environment(), folder=Path("/"), follow=said.extend, memory=0
    )
    try:
        with joined([trial], {"trial": "10.0.0.2"}, isolated=True) as [host]:
            process = host.start()
            said.extend(process.lines())
            return "" if process.wait() == 0 else " ".join(said)
    except NetworkError as error:
        return str(error)


def own_ports(environment: Mapping[str, str]) -> set[int]:
    """Return the ports of this machine's loopback address that an environment's URLs name."""
    return {int(found["port"]) for value in environment.values() for found in _OWN.finditer(value)}


def with_loopback(environment: Mapping[str, str], address: str) -> dict[str, str]:
    """Return an environment whose URLs name another address in the place of the loopback address."""
    return {
        name: _OWN.sub(lambda found: f"{found['before']}{address}:{found['port']}", value)
        for name, value in environment.items()
    }


@contextmanager
def joined(
    hosts: Sequence[HostCommand], addresses: Mapping[str, str], *, isolated: bool
) -> Iterator[list[HostCommand]]:
    """Make a network for as long as the block runs; give the commands that run the hosts in it, by their addresses.

    Each begins once all have joined. Hosts that are `isolated` reach each other and nothing else. Raises NetworkError.
    """
    hub, pid = _hub()
    pairs = [socket.socketpair() for _ in hosts]
    ends, end = socket.socketpair()
    channels = [ours for ours, _ in pairs]
    opened = [ends, *channels, *(theirs for _, theirs in pairs)]
    answering = threading.Thread(target=_attend, args=(channels, end), name="job network", daemon=True)
    answering.start()
    try:
        yield [
            replace(host, command=_command(host, addresses[host.name], pid, theirs, isolated=isolated), channel=theirs)
            for host, (_, theirs) in zip(hosts, pairs, strict=True)
        ]
    finally:
        for one in opened:
            with suppress(OSError):  # it has ended
                one.shutdown(socket.SHUT_RDWR)
        answering.join()
        for one in (end, *opened):
            one.close()
        hub.kill()
        hub.wait()


def _hub() -> tuple[Process, str]:
    """Start the process in whose namespace the hosts' cables meet; return it, and the id of that."""
    words = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", _HUB]
    process = Process(words, environment=_environment(), folder=Path("/"))
    said = next(process.lines(), "")
    if not said.isdecimal():
        process.kill()
        raise NetworkError(said or "unshare made no namespace.")
    return process, said


def _environment() -> dict[str, str]:
    return {"PATH": _SEARCH_PATH}


def _command(host: HostCommand, address: str, hub: str, channel: socket.socket, *, isolated: bool) -> list[str]:
    ports = [] if isolated else map(str, sorted(own_ports(host.environment))[:_PORTS])
    nsenter, unshare = (shutil.which(name, path=_SEARCH_PATH) or name for name in ("nsenter", "unshare"))
    return [
        *(nsenter, "--user", "--target", hub, "--preserve-credentials", unshare, "--net"),
        *(sys.executable, "-I", "-S", str(_JOIN), hub, f"{address}/{_LENGTH}", str(channel.fileno()), *ports, "--"),
        *map(str, host.command),
    ]


def _attend(channels: Sequence[socket.socket], end: socket.socket) -> None:
    """Take the hosts' listening sockets, let all hosts begin, and answer there until the network ends."""
    listening = []
    for channel in channels:
        with suppress(OSError):
            _, descriptors, _, _ = socket.recv_fds(channel, 1, _PORTS)
            listening += [socket.socket(fileno=each) for each in descriptors]
    for channel in channels:
        with suppress(OSError):  # it may have ended
            channel.sendall(b"g")
    asyncio.run(_answer(listening, end))


async def _answer(listening: Sequence[socket.socket], end: socket.socket) -> None:
    servers = [await asyncio.start_server(pass_on, sock=each) for each in listening]
    end.setblocking(False)
    with suppress(OSError):
        await asyncio.get_running_loop().sock_recv(end, 1)
    for server in servers:
        server.close()
