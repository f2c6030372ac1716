"""Temporary credentials of an execution role: what a container touches, it touches as its role.

A container asks for them at the loopback address that AWS_CONTAINER_CREDENTIALS_FULL_URI names. Every AWS SDK asks
there again before the credentials expire, so a long job is never left with stale ones.
"""

from __future__ import annotations

import hashlib
import http.server
import json
import secrets
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import DeferredRefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.botocore_models import LOADER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.credentials import ReadOnlyCredentials

SESSION_NAME = "SageMaker"
_PRINCIPAL = "sagemaker.amazonaws.com"
_CONFIG = Config(connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 3, "mode": "standard"})


class RoleError(Exception):
    """A role that SageMaker can't assume; the message is AWS's sentence."""


class Role:
    """An execution role, assumed for one job or endpoint; its credentials are renewed before they expire."""

    def __init__(self, arn: str, *, account: str, region: str, endpoint_url: str) -> None:
        self.arn, self.region = arn, region
        self._account, self._endpoint_url = account, endpoint_url
        session = botocore.session.get_session()
        session.register_component("data_loader", LOADER)
        self._credentials = DeferredRefreshableCredentials(self._assume, "assume-role")
        session._credentials = self._credentials  # type: ignore[attr-defined]  # noqa: SLF001 - no public way
        self._session = boto3.Session(botocore_session=session)
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raise RoleError unless the role exists and trusts SageMaker."""
        try:
            role = self._root_client("iam").get_role(RoleName=self.arn.rpartition("/")[2])["Role"]
        except ClientError as error:
            raise self._refusal() from error
        if role["Arn"] != self.arn or not _trusts_sagemaker(role["AssumeRolePolicyDocument"]):
            raise self._refusal()

    def client(self, service: str, *, config: Config | None = None) -> Any:
        """Make a boto3 client that acts as the role, with the usual timeouts or these."""
        with self._lock:  # sessions are not safe to use from several threads
            return self._make_client(self._session, service, config or _CONFIG)

    def credentials(self) -> tuple[ReadOnlyCredentials, str]:
        """Return the credentials of now and the time they expire, ISO 8601."""
        frozen = self._credentials.get_frozen_credentials()
        return frozen, self._credentials._expiry_time.isoformat()  # type: ignore[attr-defined]  # noqa: SLF001 - nothing public tells

    def _assume(self) -> dict[str, str]:
        answer = self._root_client("sts").assume_role(RoleArn=self.arn, RoleSessionName=SESSION_NAME)["Credentials"]
        return {
            "access_key": answer["AccessKeyId"],
            "secret_key": answer["SecretAccessKey"],
            "token": answer["SessionToken"],
            "expiry_time": answer["Expiration"].isoformat(),
        }

    def _root_client(self, service: str) -> Any:
        # An account's number is its root's access key in the embedded AWS.
        session = botocore.session.get_session()
        session.register_component("data_loader", LOADER)
        session.set_credentials(self._account, "test")
        return self._make_client(boto3.Session(botocore_session=session), service)

    def _make_client(self, session: boto3.Session, service: str, config: Config = _CONFIG) -> Any:
        return session.client(
            service,  # type: ignore[call-overload]  # any service's name
            region_name=self.region,
            endpoint_url=self._endpoint_url,
            config=config,
        )

    def _refusal(self) -> RoleError:
        return RoleError(
            f"Could not assume role {self.arn}. Please ensure that the role exists and allows principal "
            f"'{_PRINCIPAL}' to assume the role."
        )


def _trusts_sagemaker(policy: dict[str, Any]) -> bool:
    """Return whether a statement of the trust policy allows SageMaker; its conditions are for STS to judge."""
    statements = policy.get("Statement", [])
    for statement in [statements] if isinstance(statements, dict) else statements:
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        if statement.get("Effect") == "Allow" and (principal == "*" or _PRINCIPAL in services):
            return True
    return False


class CredentialsEndpoint:
    """Answers the credentials of a role to whoever holds the token that `environment` gave out.

    It listens from the first time that it gives one out.
    """

    def __init__(self) -> None:
        self._roles: dict[bytes, Role] = {}  # by _digest
        handler = type("Handler", (_Handler,), {"roles": self._roles})
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._lock = threading.Lock()
        self._serving = False

    def environment(self, role: Role) -> dict[str, str]:
        """Return the variables with which an SDK in a container finds the role's credentials."""
        with self._lock:
            if not self._serving:
                self._serving = True
                threading.Thread(target=self._server.serve_forever, name="sagemaker-credentials", daemon=True).start()
        token = secrets.token_urlsafe(32)
        self._roles[_digest(token)] = role
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{self._server.server_port}/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": token,
        }

    def forget(self, environment: dict[str, str]) -> None:
        """End what `environment` gave out."""
        self._roles.pop(_digest(environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")), None)

    def close(self) -> None:
        """Stop answering."""
        with self._lock:
            if self._serving:  # or shutdown would wait for ever
                self._server.shutdown()
        self._server.server_close()


def _digest(token: str) -> bytes:
    """Return what a token is looked up by: how long that takes tells nothing of another token."""
    return hashlib.sha256(token.encode(errors="replace")).digest()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    roles: dict[bytes, Role]

    def do_GET(self) -> None:  # http.server asks for this name
        role = self.roles.get(_digest(self.headers.get("Authorization", "")))
        if role is None:
            self._answer(403, {"code": "AccessDenied", "message": "The token is not one that was given out."})
            return
        try:
            credentials, expiration = role.credentials()
        except (ClientError, BotoCoreError) as error:
            self._answer(403, {"code": "AssumeRoleFailed", "message": str(error)})
            return
        document = {
            "RoleArn": role.arn,
            "AccessKeyId": credentials.access_key,
            "SecretAccessKey": credentials.secret_key,
            "Token": credentials.token,
            "Expiration": expiration,
        }
        self._answer(200, document)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Log nothing: a request every hour is no news."""

    def _answer(self, status: int, document: dict[str, str | None]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def aws_access(
    credentials: CredentialsEndpoint, role: Role, *, endpoint_url: str, isolated: bool
) -> Iterator[dict[str, str]]:
    """Give the variables with which a container reaches AWS as its role, for as long as the block runs.

    A container in network isolation gets no credentials, and pip no index.
    """
    common = {"AWS_REGION": role.region, "AWS_EC2_METADATA_DISABLED": "true"}
    if isolated:
        yield {**common, "PIP_NO_INDEX": "1"}
        return
    given = credentials.environment(role)
    try:
        yield {**common, "AWS_ENDPOINT_URL": endpoint_url, **given}
    finally:
        credentials.forget(given)
