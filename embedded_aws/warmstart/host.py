"""A host of a warm pool that waits for its next job: a container, with the toolkit's Python running in it."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

from embedded_aws.runtime.process import Process

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ORDERS = "SAGEMAKER_JOB_ORDERS"
"""The variable by which launch/train.py knows the socket at which its job's environment will come."""


class WarmHost:
    """A command that was started ahead, and waits for its job's environment."""

    def __init__(
        self, command: Sequence[str | Path], *, environment: Mapping[str, str], folder: Path, memory: int
    ) -> None:
        """Start it."""
        self._ours, theirs = socket.socketpair()
        orders = {ORDERS: str(theirs.fileno())}
        try:
            self._process = Process(
                command, environment={**environment, **orders}, folder=folder, listen=theirs, memory=memory
            )
        finally:
            theirs.close()

    def begin(self, environment: Mapping[str, str]) -> Process:
        """Give it its job's environment; the process is its owner's from now on."""
        with self._ours as orders:
            orders.sendall(json.dumps(dict(environment)).encode())
        return self._process

    def close(self) -> None:
        """End it, unless it has a job."""
        self._ours.close()
        self._process.kill()
        self._process.wait()
