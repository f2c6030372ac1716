"""A container engine of the user's own, Docker or Podman, asked by its command line program.

Containers run only where the user has allowed it, and only of images in ECR's private registries. An image that is
there is taken as it is; else the engine pulls it with the login that the user has made. Every container has a label
with the folder of its embedded AWS, by which what a killed one has left is found and removed.

Options and answers: docs/reference of docker/cli, August 2026 (container_run, container_stop, container_rm,
container_ls, image_inspect, image_pull, system_info), and docs/source/markdown of containers/podman, which has them all
under the same names. What a rootless Docker calls `host` is not this machine's network: Docker's manual, "Rootless
mode", troubleshooting. Not tried: a real engine; tests have a program in its place.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from embedded_aws.runtime.image_families import Family, Program
from embedded_aws.runtime.images import ImageError

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = ("docker", "podman")
"""The programs that there are."""
LABEL = "embedded-aws"
"""The label of a container, whose value is the home folder of its embedded AWS."""
_PRIVATE = re.compile(r"\d{12}\.dkr[.-]ecr[.-][\w.-]+/[\w./-]+(?::[\w.-]+|@sha256:[0-9a-f]{64})")
_SECONDS = 60  # for what a daemon answers at once
_LAST_WORDS = re.compile(r"^(?:docker: |Error: |ERROR: )*")
_SEE_HELP = re.compile(r"\s*(?:See 'docker run --help'\.|Run 'docker run --help' for more information)\s*$")


class EngineError(ImageError):
    """What an engine could not do; the message has its own words."""


@dataclass(frozen=True)
class DockerImage:
    """An image that an engine has: its URI, by which it is run, and the sha256 of its manifest, or its id's."""

    name: str
    digest: str
    notice: str = ""

    @property
    def family(self) -> Family:
        """Return what it runs: its own entrypoint, with the word that AWS calls it with."""
        return Family(self.name, algorithm=Program("", ("train",)), server=Program("", ("serve",)))


@dataclass(frozen=True)
class Machine:
    """What an engine runs its containers on: processors, bytes of memory, and whether it is not root's."""

    processors: int
    memory: int
    rootless: bool


@dataclass(frozen=True)
class Engine:
    """The engine that the user has allowed: `docker` or `podman`, and the embedded AWS by its home folder.

    `environment` is the one in which its program runs: the user's own, in which it finds its daemon and their login.
    """

    kind: str
    home: str
    environment: Mapping[str, str] = field(repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)
    _known: list[Machine] = field(default_factory=list, repr=False, compare=False)

    @property
    def program(self) -> str:
        """Return its program. Raises EngineError if it is not there."""
        if found := shutil.which(self.kind, path=self.environment.get("PATH")):
            return found
        raise EngineError(missing(self.kind))

    @property
    def label(self) -> str:
        """Return the label that its containers have."""
        return f"{LABEL}={self.home}"

    def call(self, *words: str, seconds: float | None = _SECONDS) -> str:
        """Run a command of it and return what it prints. Raises EngineError, with the last that it said."""
        try:
            done = subprocess.run(
                [self.program, *words],
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EngineError(f"`{self.kind} {words[0]}` gave no answer: {error}") from error
        if done.returncode:
            raise EngineError(last_words(done.stderr) or f"`{self.kind} {words[0]}` ended with {done.returncode}.")
        return done.stdout

    def machine(self) -> Machine:
        """Return what it runs containers on, as it told when it answered first. Raises EngineError."""
        with self._lock:
            if not self._known:
                self._known.append(_machine(json.loads(self.call("info", "--format", "{{json .}}"))))
            return self._known[0]

    def image(self, uri: str) -> DockerImage:
        """Return an image, pulled if it is not there. Raises EngineError, with the engine's words."""
        if not is_private(uri):
            raise EngineError(f"{uri} is no image of a private registry of ECR, and no other is pulled.")
        found = self._local(uri)
        if found is None:
            self.call("pull", "--quiet", uri, seconds=None)
            found = self._local(uri)
        if found is None:
            raise EngineError(f"`{self.kind} pull` brought no image {uri}.")
        return found

    def remove_containers(self) -> None:
        """End and remove all containers of this embedded AWS, as one that was killed has left some."""
        left = self.call("ps", "--all", "--quiet", "--filter", f"label={self.label}").split()
        if left:
            self.call("rm", "--force", "--volumes", *left)

    def _local(self, uri: str) -> DockerImage | None:
        try:
            [described, *_] = json.loads(self.call("image", "inspect", uri))
        except (EngineError, ValueError):  # not there; if nothing answers at all, the pull says so
            return None
        return DockerImage(uri, _digest(described))


def is_private(uri: str) -> bool:
    """Tell whether a URI names an image of one of ECR's private registries."""
    return bool(_PRIVATE.fullmatch(uri))


def missing(kind: str) -> str:
    """Return what to tell where an engine's program is not there, in a sentence."""
    return f"The program `{kind}` was not found on the PATH: install it, or start without `--containers {kind}`."


def last_words(said: str) -> str:
    """Return the last line that an engine's program said of an error, without what its help is for."""
    lines = [_SEE_HELP.sub("", line).strip() for line in said.splitlines()]
    return _LAST_WORDS.sub("", next((line for line in reversed(lines) if line), ""))


def _machine(info: Mapping[str, Any]) -> Machine:
    """Return what `info` tells: Docker's document is flat, Podman's has what there is of the machine under `host`."""
    host = info.get("host")
    if host:
        return Machine(host["cpus"], host["memTotal"], bool(host["security"]["rootless"]))
    if errors := info.get("ServerErrors"):
        raise EngineError(last_words(errors[0]))
    return Machine(info["NCPU"], info["MemTotal"], "name=rootless" in info.get("SecurityOptions", ()))


def _digest(described: Mapping[str, Any]) -> str:
    known = [*described.get("RepoDigests", ()), described.get("Digest") or "", described.get("Id", "")]
    return str(next(filter(None, known))).rpartition(":")[2]
