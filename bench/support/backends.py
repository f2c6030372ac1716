"""Interpreters that have what a training job installs for a Keras backend."""

from __future__ import annotations

import hashlib
import subprocess
from typing import TYPE_CHECKING

from bench.support.embedded_aws import IMAGE
from cli import paths
from cli.embedded import IMAGES
from embedded_aws.runtime import container, images

if TYPE_CHECKING:
    from pathlib import Path


def python_with(backend: str) -> Path:
    """Return the training image's interpreter, for jax or torch in a layer with the backend that is made once and kept.

    Raises CalledProcessError, with pip's words, when the package index does not give it.
    """
    image = images.install(IMAGE, images_dir=IMAGES, cache_dir=paths.cache())
    if backend == "tensorflow":
        return image.python
    requirements = paths.ROOT / "model_code" / f"requirements-{backend}.txt"
    digest = hashlib.sha256(requirements.read_bytes() + image.digest.encode()).hexdigest()[:16]
    folder = paths.cache() / "backends" / f"{backend}-{digest}"
    complete = folder / ".complete"
    if not complete.exists():
        python = container.make_layer(image, folder)
        subprocess.run(
            [python, "-m", "pip", "install", "-q", "-r", requirements], check=True, capture_output=True, text=True
        )
        complete.touch()
    return folder / "bin" / "python"
