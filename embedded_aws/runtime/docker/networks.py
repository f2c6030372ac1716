"""How the containers of an engine reach the embedded AWS, which listens on this machine's loopback address only.

A job's container shares this machine's network (`--network host`, with Docker Desktop from 4.34 on, where it is to be
switched on: Docker's manual, "Host network driver"), or has none in network isolation. A server's has a network of its
own, for every one listens on port 8080 and is published on a port of the loopback address. There

- Podman, as an ordinary user, brings single ports of the container's loopback address to this machine's:
  `--network pasta:-T,PORT`, podman-run(1);
- else the network's gateway is 169.254.170.2, the address at which AWS's SDKs take credentials from over http besides
  the loopback address (botocore's utils.py; amazon-ecs-local-container-endpoints has its network there, too). This
  machine has that address where the engine runs on it, and what comes there is passed on to the same port of the
  loopback address. Where the engine has a machine of its own (Docker Desktop), the container does without, and its log
  says so.

A network without masquerading lets a published port be reached and nothing out: moby/moby#36174, as `--internal`
publishes no port. Podman's has no default route instead: podman-network-create(1).
"""

from __future__ import annotations

import asyncio
import ipaddress
import threading
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from embedded_aws.runtime.docker.engine import LABEL, EngineError
from embedded_aws.runtime.streams import pass_on

if TYPE_CHECKING:
    from collections.abc import Collection

    from embedded_aws.runtime.docker.engine import Engine

_ADDRESS = "169.254.170.2"
_SUBNET = ipaddress.ip_network("169.254.170.0/24")
_OPEN, _ISOLATED = "embedded-aws", "embedded-aws-isolated"  # one of each on a machine: the subnet is there once
_SUBNET_OPTIONS = ("--subnet", str(_SUBNET), "--gateway", _ADDRESS)
_SEPARATE = ("--opt", "com.docker.network.bridge.enable_icc=false")
_CREATE = {
    ("docker", _OPEN): (*_SUBNET_OPTIONS, *_SEPARATE),
    ("docker", _ISOLATED): ("--opt", "com.docker.network.bridge.enable_ip_masquerade=false", *_SEPARATE),
    ("podman", _OPEN): _SUBNET_OPTIONS,
    ("podman", _ISOLATED): ("--opt", "no_default_route=1"),
}


@dataclass(frozen=True)
class ServerNetwork:
    """The network of a server's container: its options, by which address it finds this machine's loopback, a notice."""

    options: tuple[str, ...]
    loopback: str = "127.0.0.1"
    notice: str = ""


class Networks:
    """The networks of an engine's servers, made when one needs them."""

    def __init__(self, engine: Engine) -> None:
        """Make none yet."""
        self._engine = engine
        self._lock = threading.Lock()
        self._relay: _Relay | None = None

    def of_server(self, ports: Collection[int], *, isolated: bool) -> ServerNetwork:
        """Return the network of a server that is to reach these ports of this machine's loopback address.

        Raises EngineError.
        """
        if isolated:
            return ServerNetwork(("--network", self._made(_ISOLATED)))
        if self._engine.kind == "podman" and self._engine.machine().rootless:
            forwarded = ",".join(f"-T,{port}" for port in sorted(ports))
            return ServerNetwork(("--network", f"pasta:{forwarded}" if forwarded else "pasta"))
        options = ("--network", self._made(_OPEN))
        try:
            with self._lock:
                self._relay = self._relay or _Relay()
                for port in ports:
                    self._relay.listen(port)
        except OSError:
            return ServerNetwork(
                options,
                notice=f"The embedded AWS is not reached from this container: the networks of {self._engine.kind} are "
                "not on this machine, but in one of its own.",
            )
        return ServerNetwork(options, _ADDRESS)

    def close(self) -> None:
        """Pass nothing on any more, and remove the networks that nobody is in."""
        with self._lock:
            relay, self._relay = self._relay, None
        if relay:
            relay.close()
        with suppress(EngineError):
            known = self._engine.call("network", "ls", "--quiet", "--filter", f"label={LABEL}").split()
            for network in known:
                with suppress(EngineError):  # another embedded AWS has containers there
                    self._engine.call("network", "rm", network)

    def _made(self, name: str) -> str:
        engine = self._engine
        try:
            engine.call("network", "inspect", name)
        except EngineError:
            options = _CREATE[engine.kind, name]
            try:
                engine.call("network", "create", "--driver", "bridge", "--label", LABEL, *options, name)
            except EngineError as error:
                if "already exists" not in str(error):
                    raise
        return name


class _Relay:
    """Takes connections that containers make to their network's gateway to the same port of the loopback address."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._servers: dict[int, asyncio.Server] = {}
        self._thread = threading.Thread(target=self._run, name="containers' relay", daemon=True)
        self._thread.start()

    def listen(self, port: int) -> None:
        """Take those to a port. Raises OSError where this machine has not got the address."""
        if port not in self._servers:
            starting = asyncio.start_server(_pass_on, _ADDRESS, port)
            self._servers[port] = asyncio.run_coroutine_threadsafe(starting, self._loop).result()

    def close(self) -> None:
        """Take none any more, and end those that there are."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        with closing(self._loop):
            self._loop.run_forever()
            for server in self._servers.values():
                server.close()
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            if left:  # of none gather would ask for the thread's loop, which is not running any more
                self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Bring a connection to the loopback address, if it comes from the network: other containers can route here."""
    peer, *_ = writer.get_extra_info("peername")
    if ipaddress.ip_address(peer) in _SUBNET:
        await pass_on(reader, writer)
    else:
        writer.close()
