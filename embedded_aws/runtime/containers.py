"""Containers of every kind of image: which kind one is, is decided here and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from embedded_aws.runtime.container import Container
from embedded_aws.runtime.docker.container import DockerContainer
from embedded_aws.runtime.docker.engine import DockerImage, EngineError
from embedded_aws.runtime.docker.networks import Networks
from embedded_aws.runtime.images import Image

if TYPE_CHECKING:
    from pathlib import Path

    from embedded_aws.runtime.docker.engine import Engine
    from embedded_aws.runtime.sandbox import Bubblewrap

AnyImage: TypeAlias = Image | DockerImage
AnyContainer: TypeAlias = Container | DockerContainer


class Docker:
    """The container engine that the user has allowed, with what its containers share."""

    def __init__(self, engine: Engine) -> None:
        """Start nothing yet."""
        self.engine = engine
        self.networks = Networks(engine)

    def close(self) -> None:
        """Remove all that is left of this embedded AWS. Raises EngineError."""
        try:
            self.engine.remove_containers()
        finally:
            self.networks.close()


def make(
    folder: Path, image: AnyImage, *, bubblewrap: Bubblewrap | None, docker: Docker | None, instance_type: str
) -> AnyContainer:
    """Make a container of an image in a folder that is not there yet, on an instance of this type.

    Raises EngineError if no engine is allowed that could run it.
    """
    if isinstance(image, Image):
        return Container(folder, image, bubblewrap)
    if docker is None:
        raise EngineError(f"{image.name} needs a container engine, and none is allowed.")
    return DockerContainer(folder, image, docker.engine, docker.networks, instance_type)
