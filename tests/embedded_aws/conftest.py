"""What the tests of jobs and endpoints share: an account without sandboxes, and SavedModels to serve."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from filelock import FileLock

from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway
from embedded_aws.runtime import sandbox
from tests.embedded_aws.account import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def unsandboxed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account of an embedded AWS whose containers are no sandboxes, as where the kernel allows none."""
    home = tmp_path_factory.mktemp("unsandboxed")
    environment = {**tool_environment(), sandbox.SWITCH: "off"}
    started = gateway.start(home, cache=paths.cache(), environment=environment, pace=0.1, port=0, owner=os.getpid())
    session: Any = boto3.Session("test", "test", region_name=gateway.REGION)
    yield Account(lambda service: session.client(service, endpoint_url=started.url))
    gateway.stop(home)


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[float], dict[str, bytes]]:
    """Returns the files of a SavedModel that multiplies rows of three numbers by a factor and sums them up.

    All processes that run tests have the same ones: only the first to ask imports TensorFlow, which takes seconds.
    """
    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "saved-models"
    with FileLock(f"{shared}.lock"):
        if not shared.exists():
            made = tmp_path_factory.mktemp("saved-models")
            for factor in (0.5, 1.0, 10.0):
                _save(made / str(factor) / "1", factor)
            made.rename(shared)

    def files(factor: float) -> dict[str, bytes]:
        folder = shared / str(factor)
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    return files


def _save(folder: Path, factor: float) -> None:
    import tensorflow as tf

    module = tf.Module()
    module.weights = tf.Variable([[factor]] * 3)

    @tf.function(input_signature=[tf.TensorSpec((None, 3), tf.float32, name="rows")])  # type: ignore[untyped-decorator]
    def total(rows: Any) -> dict[str, Any]:
        return {"total": tf.matmul(rows, module.weights)}

    tf.saved_model.save(module, str(folder), signatures={"serving_default": total})
