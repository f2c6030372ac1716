"""An embedded AWS that is killed and comes back."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import boto3
import psutil

from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway

if TYPE_CHECKING:
    from pathlib import Path

    from botocore.config import Config


class Home:
    """One embedded AWS, whatever process it is at the moment."""

    def __init__(self, home: Path, *, pace: float = 1.0) -> None:
        self.home, self.pace = home, pace
        self.begin()

    def begin(self) -> None:
        """Start it, with what it has kept."""
        environment = tool_environment()
        self.running = gateway.start(self.home, cache=paths.cache(), environment=environment, pace=self.pace, port=0)

    def client(self, service: str, account: str = "test", config: Config | None = None) -> Any:
        """A client of a service, as the root of an account."""
        session: Any = boto3.Session(account, "test", region_name=gateway.REGION)
        return session.client(service, endpoint_url=self.running.url, config=config)

    def end(self) -> None:
        """End it as the kernel does."""
        os.kill(self.running.pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(self.running.pid)], timeout=10)

    def kill(self) -> None:
        """End it so, and start it again."""
        self.end()
        self.begin()
