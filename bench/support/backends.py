"""Interpreters that have what a training job installs for a Keras backend."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from bench.support.embedded_aws import IMAGE
from cli import paths
from cli.embedded import IMAGES
from embedded_aws.runtime import container, images
from embedded_aws.runtime.images import Image


def python_with(backend: str) -> Path:
    """Return the training image's interpreter; for jax or torch the lab's own, in a layer that is made once and kept.

    It is kept in the lab's environment, over which it lies and with which it goes.

    Raises CalledProcessError, with pip's words, when the package index does not give the backend.
    """
    if backend == "tensorflow":
        return images.install(IMAGE, images_dir=IMAGES, cache_dir=paths.cache()).python
    requirements = paths.ROOT / "model_code" / f"requirements-{backend}.txt"
    # The lab's environment has all that model_code/ needs, and what is downloaded for it is for one Python alone.
    own = hashlib.sha256((paths.ROOT / "requirements.txt").read_bytes()).hexdigest()
    image = Image("lab", Path(sys.executable), own)
    digest = hashlib.sha256(requirements.read_bytes() + f"{own} {sys.version}".encode()).hexdigest()[:16]
    folder = Path(sys.prefix) / "backends" / f"{backend}-{digest}"
    complete = folder / ".complete"
    if not complete.exists():
        python = container.make_layer(image, folder)
        subprocess.run(
            [python, "-m", "pip", "install", "-q", "-r", requirements], check=True, capture_output=True, text=True
        )
        complete.touch()
    return folder / "bin" / "python"
