"""A way to run the closed algorithms' training jobs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.embedded_aws.algorithms.closed import containers

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def train(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> containers.Train:
    """Return what runs a job: algorithm, hyperparameters, channels' data, and more of containers.train by name."""
    return partial(containers.train, tmp_path, capsys)
