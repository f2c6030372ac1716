"""A session on a target of `./lab`: the embedded AWS, or AWS with the user's own credentials, by one interface."""

from __future__ import annotations

import os
import re
import threading
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cli import embedded
from cli.programs import tool_environment
from cli.ui.errors import LabError
from embedded_aws import gateway

if TYPE_CHECKING:
    from collections.abc import Mapping


_CONSOLE = re.compile(r" or (at )?https://\S+\.console\.aws\.amazon\.com/\S+")

_SECONDS, _ATTEMPTS = 60, 8  # for an answer, and at most

# Clients may be used by many threads, but a session makes one at a time. Source: boto3's guide, "Multithreading".
_CREATING_CLIENT = threading.Lock()


class Target(StrEnum):
    """A target of commands, as `--target` names it."""

    EMBEDDED = "embedded"
    AWS = "aws"


@dataclass(frozen=True)
class Session:
    """An account and region where commands act; AWS's tools, the CDK CLI and boto3 read its environment variables."""

    target: Target
    variables: Mapping[str, str]  # those that point a tool there; empty for AWS, whose user has set them
    account: str
    region: str
    attempts: int = field(default=_ATTEMPTS, kw_only=True)  # at most, of each call of a client that is told no other
    _clients: dict[tuple[str, float, int], Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def client(self, service: str, *, timeout: float = _SECONDS, attempts: int | None = None) -> Any:
        """Return the boto3 client that waits `timeout` seconds for an answer, and asks at most `attempts` times.

        It is made once: making one takes longer than most questions, and some are asked twice a second.
        """
        with _CREATING_CLIENT:
            key = service, timeout, attempts or self.attempts
            if key not in self._clients:
                self._clients[key] = self._create(*key)
            return self._clients[key]

    def _create(self, service: str, timeout: float, attempts: int) -> Any:
        names = {
            "endpoint_url": "AWS_ENDPOINT_URL",
            "aws_access_key_id": "AWS_ACCESS_KEY_ID",
            "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
            "verify": "AWS_CA_BUNDLE",
        }
        given = {option: self.variables[name] for option, name in names.items() if name in self.variables}
        config = _config(timeout, attempts)
        return boto3.client(service, region_name=self.region, config=config, **given)  # type: ignore[call-overload]

    def without_console(self, sentence: str) -> str:
        """Return a sentence without links to AWS's console where there is none: the lab's functions can't know."""
        return _CONSOLE.sub("", sentence) if self.target is Target.EMBEDDED else sentence

    def environment(self) -> dict[str, str]:
        """Return the whole environment of a child process that acts there."""
        return {**tool_environment(), **self.variables}


def connect(target: Target) -> Session:
    """Open a session on the target as it is: nothing is started. Raises LabError when it cannot be reached."""
    return connect_to_aws() if target is Target.AWS else _on(embedded.find())


def connect_to_aws() -> Session:
    """Open a session on AWS with the user's credentials and region. Raises LabError if there are none."""
    session = boto3.Session()
    region = session.region_name or os.environ.get("AWS_REGION")  # AWS's other tools read this one, boto3 does not
    if not region:
        raise LabError("No AWS region is set: run `export AWS_REGION=us-east-1` (or yours) and try again.")
    try:
        identity = session.client("sts", region_name=region, config=_config(_SECONDS, _ATTEMPTS)).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise LabError(
            f"AWS did not accept your credentials ({error}): run `aws configure` or `aws sso login`, then try again."
        ) from None
    return Session(Target.AWS, {}, identity["Account"], region)


def start_embedded(*, enforce: bool, containers: str | None = None) -> Session:
    """Start the embedded AWS if it does not run, and open a session on it.

    With `enforce` it asks policies before each call; `containers` is the engine that may run images of one's own, None:
    as before. Raises LabError if it can't be started so.
    """
    return _on(embedded.start(enforce=enforce, containers=containers))


def _config(timeout: float, attempts: int) -> Config:
    """Return how boto3 waits and asks again; the CDK CLI asks eight times by itself."""
    retries: Any = {"mode": "adaptive", "total_max_attempts": attempts}
    return Config(retries=retries, read_timeout=timeout, connect_timeout=min(timeout, _SECONDS))


def _on(found: gateway.Gateway) -> Session:
    return Session(Target.EMBEDDED, found.environment(), gateway.ACCOUNT, gateway.REGION)
