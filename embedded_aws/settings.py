"""How one embedded AWS is set: where it listens, where its files lie, how it behaves."""

from __future__ import annotations

import os
import sysconfig
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

if TYPE_CHECKING:
    from collections.abc import Mapping

HOST = "127.0.0.1"
PORT = 4566
ACCOUNT = "000000000000"
REGION = "us-east-1"
IMAGES = Path(__file__).resolve().parent / "images"
_NAME = "embedded-aws"


class Containers(StrEnum):
    """The container engines that may run images of one's own, and none."""

    DOCKER = "docker"
    PODMAN = "podman"
    NONE = "none"

    @property
    def program(self) -> str:
        """Return the engine's program; empty: none."""
        return "" if self is Containers.NONE else self.value


def default_home() -> Path:
    """Return the folder of this user's embedded AWS: `~/.local/state/embedded-aws` on Linux."""
    return Path(os.environ.get("EMBEDDED_AWS_STATE") or platformdirs.user_state_path(_NAME))


def default_cache() -> Path:
    """Return the folder of what outlives it, the installed images: `~/.cache/embedded-aws` on Linux."""
    return Path(os.environ.get("EMBEDDED_AWS_CACHE") or platformdirs.user_cache_path(_NAME))


def tools(environment: Mapping[str, str], node_modules: Path | None = None) -> dict[str, str]:
    """Return an environment in which functions find the programs of this Python's environment, and Node's packages.

    Those are in `node_modules`, where NODE_PATH says, or in a folder `node_modules` here.
    """
    path = os.pathsep.join([sysconfig.get_path("scripts"), environment.get("PATH", os.defpath)])
    found = {"NODE_PATH": str(here)} if (here := Path("node_modules").resolve()).is_dir() else {}
    named = {"NODE_PATH": str(node_modules.resolve())} if node_modules else {}
    return {**found, **environment, **named, "PATH": path}


def certificates(home: Path) -> Path:
    """Return the folder of the files that tls.py names."""
    return home / "certificates"


def admin_token(home: Path) -> Path:
    """Return the file of the token for what only its owner may ask (admin_token.py)."""
    return home / "admin-token"


def state(home: Path) -> Path:
    """Return the folder of all that the account holds; it ends with the embedded AWS."""
    return home / "state"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings that a server is started with."""

    home: Path  # of its log, its certificates, its state
    port: int
    proxy: int  # the port of the proxy for AWS's own names
    cache: Path  # the installed images
    images: Path = IMAGES  # the images' requirements files
    pace: float = 1.0  # how long AWS's waits take here, in parts of normal
    enforce: bool = False  # speak https, and ask policies before every call
    owner: int = 0  # the process that it ends with; 0: none
    containers: str = ""  # the engine that may run images of one's own, `docker` or `podman`; empty: none

    @property
    def url(self) -> str:
        """The endpoint of every service."""
        return f"{'https' if self.enforce else 'http'}://{HOST}:{self.port}"

    @property
    def state(self) -> Path:
        """The folder of all that the account holds."""
        return state(self.home)

    @property
    def certificates(self) -> Path:
        """The folder of the files that tls.py names."""
        return certificates(self.home)

    @property
    def admin_token(self) -> Path:
        """The file of the token for what only its owner may ask."""
        return admin_token(self.home)

    @property
    def arguments(self) -> list[str]:
        """The options of `python -m embedded_aws.background`, which starts a server with these settings."""
        named = {
            "state": self.home,
            "port": self.port,
            "proxy": self.proxy,
            "cache": self.cache,
            "images": self.images,
            "pace": self.pace,
            "owner": self.owner,
            **({"containers": self.containers} if self.containers else {}),
        }
        options = [f"--{name}={value}" for name, value in named.items()]
        return [*options, *["--enforce-iam"] * self.enforce]
