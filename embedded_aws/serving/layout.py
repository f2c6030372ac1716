"""What the container makes of a model's code/ folder and of its environment, before anything of either is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCRIPT, REQUIREMENTS, LIBRARY = "inference.py", "requirements.txt", "lib"
_MULTI_MODEL = "SAGEMAKER_MULTI_MODEL"
_UNIVERSAL = ("SAGEMAKER_MULTI_MODEL_UNIVERSAL_BUCKET", "SAGEMAKER_MULTI_MODEL_UNIVERSAL_PREFIX")


def wants_python_service(code: Path) -> bool:
    """Return whether the container starts its Python service for this code/: it need not have an inference.py."""
    return any((code / name).exists() for name in (SCRIPT, REQUIREMENTS, LIBRARY))


def is_multi_model(environment: Mapping[str, str]) -> bool:
    """Return whether the container has many models. SageMaker sets the variable, by the container's Mode."""
    return environment.get(_MULTI_MODEL, "false").lower() == "true"


def check(environment: Mapping[str, str]) -> None:
    """Raise ValueError for what the container refuses, in its words, and for what only the embedded AWS does not do."""
    for name in (_MULTI_MODEL, "SAGEMAKER_TFS_ENABLE_BATCHING"):
        if environment.get(name, "false").lower() not in ("true", "false"):
            raise ValueError(f"{name} must be 'true' or 'false'")
    if all(environment.get(name) for name in _UNIVERSAL):
        raise ValueError(f"{_UNIVERSAL[0]} is not offered by the embedded AWS; put code/ into model.tar.gz.")
