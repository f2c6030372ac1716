"""What the container makes of a model's code/ folder and of its environment, before anything of either is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCRIPT, REQUIREMENTS, LIBRARY = "inference.py", "requirements.txt", "lib"
_UNIVERSAL = ("SAGEMAKER_MULTI_MODEL_UNIVERSAL_BUCKET", "SAGEMAKER_MULTI_MODEL_UNIVERSAL_PREFIX")


def wants_python_service(code: Path) -> bool:
    """Return whether the container starts its Python service for this code/: it need not have an inference.py."""
    return any((code / name).exists() for name in (SCRIPT, REQUIREMENTS, LIBRARY))


def check(environment: Mapping[str, str]) -> None:
    """Raise ValueError for what the container refuses, in its words, and for what only the embedded AWS does not do."""
    switches = ("SAGEMAKER_MULTI_MODEL", "SAGEMAKER_TFS_ENABLE_BATCHING")
    for name in switches:
        if environment.get(name, "false").lower() not in ("true", "false"):
            raise ValueError(f"{name} must be 'true' or 'false'")
    if environment.get(switches[0], "false").lower() == "true":
        raise ValueError(
            f"{switches[0]} is not offered by the embedded AWS; deploy each model to a variant of its own."
        )
    if all(environment.get(name) for name in _UNIVERSAL):
        raise ValueError(f"{_UNIVERSAL[0]} is not offered by the embedded AWS; put code/ into model.tar.gz.")
