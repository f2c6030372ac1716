"""Interpreters for what is measured beside the lab: of an image, or in a layer over one that is made once and kept.

Some lie over the lab's environment, so each environment has layers of its own: another one's may be gone.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from bench.support.embedded_aws import IMAGE, INFERENCE_IMAGE
from cli import paths
from cli.embedded import IMAGES
from embedded_aws.runtime import container, images
from embedded_aws.runtime.images import Image

if TYPE_CHECKING:
    from collections.abc import Sequence


def python_with(backend: str) -> Path:
    """Return the interpreter of the training image; for the backend jax or torch the lab's own, with that installed.

    Raises CalledProcessError, with pip's words, when the package index does not give the backend.
    """
    if backend == "tensorflow":
        return _installed(IMAGE).python
    requirements = paths.ROOT / "model_code" / f"requirements-{backend}.txt"
    # The lab's environment has all that model_code/ needs, and what is downloaded for it is for one Python alone.
    own = hashlib.sha256((paths.ROOT / "requirements.txt").read_bytes()).hexdigest()
    return _layer(
        Image("lab", Path(sys.executable), own), ["-r", str(requirements)], requirements.read_text(), name=backend
    )


def python_of_endpoint(*packages: str) -> Path:
    """Return the interpreter of the inference image, with packages of the lab's added. Raises CalledProcessError."""
    wanted = [f"{name}=={metadata.version(name)}" for name in packages]
    return _layer(_installed(INFERENCE_IMAGE), wanted, str(wanted), name="-".join(packages))


def _installed(image: str) -> Image:
    return images.install(image, images_dir=IMAGES, cache_dir=paths.cache())


def _layer(image: Image, wanted: Sequence[str], requirements: str, *, name: str) -> Path:
    """Return the interpreter of a layer in which pip was told to install what is `wanted`, with these requirements."""
    made_of = f"{requirements} {image.digest} {image.python} {sys.version}"
    folder = paths.cache() / "layers" / f"{name}-{hashlib.sha256(made_of.encode()).hexdigest()[:16]}"
    complete = folder / ".complete"
    if not complete.exists():
        command = [str(container.make_layer(image, folder)), "-m", "pip", "install", "-q", "--no-compile", *wanted]
        subprocess.run(command, check=True, capture_output=True, text=True)
        complete.touch()
    return folder / "bin" / "python"
