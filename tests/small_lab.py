"""A small lab whose endpoint is changed, on an embedded AWS that asks policies, and whose minutes are six seconds."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Lab

    Up = Callable[..., str]

CHANGED = ("-c", "lab.seed=1")


def begin(lab: Lab, folder: Path, name: str) -> Up:
    """Start the embedded AWS, and return what runs `./lab up` of a lab of that name with further arguments."""
    lab.environment["BRICKLAB_ENFORCE_IAM"] = "1"
    home = lab.home / "aws"
    gateway.start(
        home, cache=paths.cache(), environment=tool_environment(), enforce=True, pace=0.1, port=0, owner=os.getpid()
    )
    rng = np.random.default_rng(0)
    for part, images in (("train", 200), ("test", 20)):
        np.save(folder / f"lego-simple-{part}-images.npy", rng.random((images, 48, 48)))
        np.save(folder / f"lego-simple-{part}-labels.npy", np.arange(images) % 10)
    settings = {"name": name, "seats": 0, "data": folder, "epochs": 1, "rollout": "canary:10%:60"}
    given = [word for key, value in settings.items() for word in ("-c", f"lab.{key}={value}")]
    return lambda *more, code=0: lab("up", *given, *more, code=code)


def described(lab: Lab, endpoint: str) -> dict[str, Any]:
    """Return what SageMaker tells of an endpoint."""
    found: dict[str, Any] = lab.client("sagemaker").describe_endpoint(EndpointName=endpoint)
    return found
