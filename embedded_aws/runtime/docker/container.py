"""A container that an engine runs: an image of the user's own, with AWS's contract.

`docker run IMAGE train` and `… serve`, SIGTERM and SIGKILL as `docker stop -t` sends them, `--entrypoint` for
ContainerEntrypoint, root as its user, port 8080: SageMaker's guide, "How Amazon SageMaker AI Runs Your Training Image",
"… Processing Runs Your Processing Container Image" and "Custom Inference Code with Hosting Services". Not compared with
AWS: that ContainerArguments without an entrypoint come after `train`; the size of /dev/shm, here half of the memory;
that an instance's processors bound the container's.

What it may not: it has no capability but those with which a root changes owners and users and reads what it was given,
gains none, and is never privileged. What it is given reaches the engine as words and in files, never by a shell. On
Linux root's engine leaves files of root's behind; they are given to the user by the image's own `chown`, if it has one.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from itertools import chain
from typing import TYPE_CHECKING

from embedded_aws.runtime import memory as instance_memory
from embedded_aws.runtime.container import PASSED_ON, Folders, named_files, path_inside
from embedded_aws.runtime.docker.engine import EngineError
from embedded_aws.runtime.docker.process import DockerProcess
from embedded_aws.runtime.network import own_ports, with_loopback

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from embedded_aws.runtime.docker.engine import DockerImage, Engine
    from embedded_aws.runtime.docker.networks import Networks
    from embedded_aws.runtime.image_families import Program

OWN_ENTRYPOINT = ("",)
"""What stands in the place of a program for the image's own entrypoint."""
_PORT = 8080
_KEPT_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID")
_OF_THIS_MACHINE = (*PASSED_ON, "AWS_ENDPOINT_URL", "AWS_CONTAINER_CREDENTIALS_FULL_URI")  # what names its addresses
_NOT_IN_A_FILE = ("\n", "\r", "\0")
_LINE_BYTES = 64_000  # docker/cli's pkg/kvfile reads no longer ones
_ROOTLESS = (
    "What a rootless Docker calls this machine's network is another one, in which the embedded AWS is not reached: "
    "use Docker Engine, Docker Desktop or Podman."
)
_SEVERAL_ISOLATED = (
    "Several hosts in network isolation are not offered for images of one's own: they would reach each other by a "
    "network, and nothing else; train on one host, or on AWS."
)


class DockerContainer(Folders):
    """The folders of one container, and how the engine runs it."""

    def __init__(
        self, folder: Path, image: DockerImage, engine: Engine, networks: Networks, instance_type: str
    ) -> None:
        """Make the folders, which must not be there yet."""
        super().__init__(folder)
        self._image, self._engine, self._networks = image, engine, networks
        self._instance_type = instance_type
        self._network = True

    @property
    def rewritten(self) -> Mapping[str, Path]:
        """Return which of its paths mean nothing to its programs: none."""
        return {}

    def inside(self, path: Path) -> str:
        """Return the path by which its programs know a file of the container; of another its own."""
        mounted = any(path.is_relative_to(place) for place in self.mounts.values())
        return path_inside(path, self.mounts) if mounted else str(path)

    def program(self, program: Program) -> list[str]:
        """Return what runs the image's own entrypoint with the word that AWS calls it with."""
        return [*OWN_ENTRYPOINT, *program.words]

    def server(self, program: Program, _listening: socket.socket) -> list[str]:
        """Return what runs the image's own entrypoint as a server: it listens on port 8080 by itself."""
        return self.program(program)

    def command(
        self, words: Sequence[str], *, host: str, addresses: Mapping[str, str], network: bool = True
    ) -> list[str]:
        """Return what `launch` takes: options of `run`, the image, and what it runs.

        Raises EngineError for what only AWS can do.
        """
        if not network and len(addresses) > 1:
            raise EngineError(_SEVERAL_ISOLATED)
        self._network = network
        program, *arguments = words
        named = chain.from_iterable(("--add-host", f"{name}:{address}") for name, address in addresses.items())
        entrypoint = [] if program in OWN_ENTRYPOINT else ["--entrypoint", program]
        return ["--hostname", host, *named, *entrypoint, self._image.name, *arguments]

    def environment(self, machine: Mapping[str, str], **added: str) -> dict[str, str]:
        """Return what its environment has besides the image's own: the way to the package index, and `added`."""
        return {**{name: machine[name] for name in PASSED_ON if name in machine}, **added}

    def launch(
        self,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str],
        folder: Path,
        listen: socket.socket | None = None,
        memory: int = 0,
    ) -> DockerProcess:
        """Run what `command` returned. A server's port 8080 is published where `listen` listens, which is closed.

        Raises EngineError.
        """
        networked, variables = self._networked(environment, listen)
        options = [
            *("--pull", "never", "--label", self._engine.label, "--log-driver", "none", "--stop-signal", "SIGTERM"),
            *("--cap-drop", "ALL", *chain.from_iterable(("--cap-add", each) for each in _KEPT_CAPABILITIES)),
            *("--security-opt", "no-new-privileges"),
            *self._limits(memory),
            *networked,
            *chain.from_iterable(("--volume", each) for each in self._volumes(serves=listen is not None)),
            *self._variables(variables),
        ]
        return DockerProcess(
            self._engine,
            f"embedded-aws-{secrets.token_hex(6)}",
            [*options, *map(str, command)],
            folder=folder,
            environment=self._engine.environment,
            ended=self._take_over,
        )

    def _networked(
        self, environment: Mapping[str, str], listen: socket.socket | None
    ) -> tuple[Sequence[str], Mapping[str, str]]:
        """Return the options of its network, and its environment with the addresses that are there."""
        if listen:
            address, port = listen.getsockname()
            listen.close()
            ours = {name: environment[name] for name in _OF_THIS_MACHINE if name in environment}
            network = self._networks.of_server(own_ports(ours), isolated=not self._network)
            self.notice = network.notice
            published = ("--publish", f"{address}:{port}:{_PORT}")
            return (*network.options, *published), {**environment, **with_loopback(ours, network.loopback)}
        if not self._network:
            return ("--network", "none"), environment
        if self._engine.kind == "docker" and self._engine.machine().rootless:
            raise EngineError(_ROOTLESS)
        return ("--network", "host"), environment

    def _limits(self, memory: int) -> Iterator[str]:
        machine = self._engine.machine()
        if memory:
            most = str(min(memory, machine.memory))
            yield from ("--memory", most, "--memory-swap", most, "--shm-size", str(int(most) // 2))
        if processors := instance_memory.processors(self._instance_type):
            yield from ("--cpus", str(min(processors, machine.processors)))

    def _volumes(self, *, serves: bool) -> Iterator[str]:
        """Yield what is mounted, `z` for hosts with SELinux: a model only to read, and all of a job's /opt/ml."""
        mounts = {**self.mounts}
        if serves:
            ml = mounts.pop("/opt/ml")
            read_only = {f"/opt/ml/{name}": ml / name for name in ("model", "models") if (ml / name).is_dir()}
        else:
            read_only = {}
        for place in mounts.values():
            place.mkdir(parents=True, exist_ok=True)
        for inside, place in sorted({**mounts, **read_only, **self._machine_files()}.items()):
            if any(character in f"{place}{inside}" for character in (":", *_NOT_IN_A_FILE)):
                raise EngineError(
                    f"{inside} can't be mounted: its path, or {place}, has a colon or a line's end in it."
                )
            yield f"{place}:{inside}:{'z' if inside in mounts else 'ro,z'}"

    def _machine_files(self) -> Mapping[str, Path]:
        """Return copies of this machine's files that its environment names, such as whom to trust, by their paths."""
        copies: dict[str, Path] = {}
        for number, (inside, place) in enumerate(named_files(os.environ, PASSED_ON).items()):
            copy = self._folder / "machine" / str(number)
            copy.parent.mkdir(exist_ok=True)
            if place.is_file():
                shutil.copyfile(place, copy)
                copies[inside] = copy
        return copies

    def _variables(self, environment: Mapping[str, str]) -> Iterator[str]:
        """Yield the options for its environment: a file, which nobody else can read, but for what no line holds.

        A value's leading quote might mean something to Podman.
        """
        alone = {name: value for name, value in environment.items() if not _fits_a_line(name, value)}
        file = self._folder / "environment"
        with contextlib.suppress(FileNotFoundError):
            file.unlink()
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as lines:
            lines.writelines(f"{name}={value}\n" for name, value in environment.items() if name not in alone)
        yield from ("--env-file", str(file))
        for name, value in alone.items():
            yield from ("--env", f"{name}={value}")

    def _take_over(self) -> None:
        """Give the user what the container's root has left in the folders that it was given."""
        places = [place for place in self.mounts.values() if _has_others(place)]
        if not places:
            return
        mounted = [f"{place}:/taken/{number}:z" for number, place in enumerate(places)]
        with contextlib.suppress(EngineError):  # an image without `chown`: what can't be read fails the upload
            self._engine.call(
                *("run", "--rm", "--pull", "never", "--label", self._engine.label, "--network", "none"),
                *("--cap-drop", "ALL", "--cap-add", "CHOWN", "--cap-add", "DAC_OVERRIDE", "--user", "0"),
                *("--security-opt", "no-new-privileges"),
                *chain.from_iterable(("--volume", each) for each in mounted),
                *("--entrypoint", "chown", self._image.name, "-R", f"{os.getuid()}:{os.getgid()}", "/taken"),
            )


def _fits_a_line(name: str, value: str) -> bool:
    return (
        not any(each in value for each in _NOT_IN_A_FILE)
        and not value.startswith(('"', "'"))
        and len(f"{name}={value}".encode()) < _LINE_BYTES
    )


def _has_others(folder: Path) -> bool:
    """Tell whether anything below a folder, and the folder itself, is another user's."""
    mine = os.getuid()

    def owners() -> Iterable[int]:
        yield folder.lstat().st_uid
        for place, folders, files in os.walk(folder):
            for name in (*folders, *files):
                with contextlib.suppress(OSError):
                    yield os.lstat(os.path.join(place, name)).st_uid  # noqa: PTH118 - many files

    return folder.exists() and any(owner != mine for owner in owners())
