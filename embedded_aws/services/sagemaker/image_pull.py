"""The image that a URI speaks of: one of the embedded AWS, or one of the user's own that their engine runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embedded_aws.runtime import images, registries
from embedded_aws.runtime.docker import engine
from embedded_aws.services.sagemaker import authorization

if TYPE_CHECKING:
    from embedded_aws.runtime.containers import AnyImage
    from embedded_aws.services.sagemaker.provider import ServiceContext

_LEAVE = "`embedded-aws start --containers docker`, or podman, lets an engine of yours run an image of your own."


def pull(uri: str, context: ServiceContext, role: str) -> AnyImage:
    """Install or pull an image, if the role, by its ARN, may pull it. Raises ImageError and ServiceError."""
    by_engine = run_by_engine(uri, context)
    name = "" if by_engine else _name_of(uri, context)
    authorization.check(context.principal_of(role), authorization.permissions_to_pull(uri))
    if by_engine and context.docker:
        return context.docker.engine.image(uri)
    return images.install(name, images_dir=context.images_dir, cache_dir=context.cache_dir)


def _name_of(uri: str, context: ServiceContext) -> str:
    """Return the name of an image that the embedded AWS has. Raises ImageError, which says who could run another."""
    try:
        return images.name_of(uri, images_dir=context.images_dir)
    except images.ImageError as error:
        found = images.parse(uri)
        if found and not registries.is_aws(found.account):
            raise images.ImageError(f"{error} {_LEAVE}") from error
        raise


def run_by_engine(uri: str, context: ServiceContext) -> bool:
    """Return whether the user's engine runs the image: it is allowed, and the embedded AWS has no such image."""
    if context.docker is None or not engine.is_private(uri):
        return False
    try:
        images.name_of(uri, images_dir=context.images_dir)
    except images.ImageError:
        return True
    return False
