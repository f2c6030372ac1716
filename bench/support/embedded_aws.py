"""An embedded AWS of a benchmark's own, gone when it ends."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway
from infra.containers import INFERENCE, TRAINING
from infra.regions import ACCEPTED

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION = gateway.REGION
IMAGE, INFERENCE_IMAGE = "-".join(TRAINING), "-".join(INFERENCE)
IMAGE_URI, INFERENCE_URI = (
    f"{ACCEPTED[REGION].registry}.dkr.ecr.{REGION}.amazonaws.com/{':'.join(image)}" for image in (TRAINING, INFERENCE)
)
_MAY = ["s3:*", "logs:*", "cloudwatch:PutMetricData"]


class EmbeddedAws:
    """Its address and process, its proxy's port, the variables that point tools at it, and clients for it."""

    def __init__(self, running: gateway.Gateway) -> None:
        self.url, self.port, self.proxy, self.pid = running.url, running.port, running.proxy, running.pid
        self.environment = running.environment()
        self._session = boto3.Session("test", "test", region_name=REGION)

    def client(self, service: str, **options: Any) -> Any:
        """Return a client with all rights; the options are boto3's."""
        return self._session.client(service, endpoint_url=self.url, **options)  # type: ignore[call-overload]  # any service's name

    def role(self, name: str) -> str:
        """Make a role that jobs can act as; return its ARN."""
        iam = self.client("iam")
        trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        may = {"Effect": "Allow", "Action": _MAY, "Resource": "*"}
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))["Role"]
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=_policy(may))
        return str(made["Arn"])


@contextmanager
def embedded_aws(*, pace: float = 1.0, home: Path | None = None) -> Iterator[EmbeddedAws]:
    """Run one while the block runs; `pace` is how long its waits are, 0 for none. `home`: its folder is to be there."""
    with tempfile.TemporaryDirectory() as folder:
        home = home or Path(folder)
        running = gateway.start(home, cache=paths.cache(), environment=tool_environment(), pace=pace, port=0)
        try:
            yield EmbeddedAws(running)
        finally:
            gateway.stop(home)


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
