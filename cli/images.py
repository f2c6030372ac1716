"""The embedded AWS's images, installed before they are needed so that a first job does not wait in silence."""

from __future__ import annotations

from cli import paths, screen
from cli.errors import LabError
from embedded_aws.runtime import images

FOLDER = paths.ROOT / "embedded_aws" / "images"


def install() -> None:
    """Install what is missing of them, with a line for each."""
    for name in images.available(FOLDER):
        if images.is_installed(name, images_dir=FOLDER, cache_dir=paths.cache()):
            continue
        with screen.step(f"image {name} installed (once)"):
            try:
                images.install(name, images_dir=FOLDER, cache_dir=paths.cache())
            except images.ImageError as error:
                raise LabError(str(error)) from None
