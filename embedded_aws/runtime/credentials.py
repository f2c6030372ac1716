"""Temporary credentials of an execution role: whatever a job or an endpoint touches, it touches as its role."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import boto3
import botocore.loaders
import botocore.session
from botocore.config import Config
from botocore.credentials import DeferredRefreshableCredentials
from botocore.exceptions import ClientError

from embedded_aws.services.sagemaker.errors import validation_exception

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

    from embedded_aws.services.sagemaker.errors import ServiceError

SESSION_NAME = "SageMaker"
_PRINCIPAL = "sagemaker.amazonaws.com"
_LOADER = botocore.loaders.create_loader()  # holds the parsed service models of every client
_CONFIG = Config(connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 3, "mode": "standard"})


class Role:
    """An execution role, assumed for one job or endpoint; its credentials are renewed before they expire."""

    def __init__(self, arn: str, *, account: str, region: str, endpoint_url: str) -> None:
        self.arn, self.region = arn, region
        self._account, self._endpoint_url = account, endpoint_url
        session = botocore.session.get_session()
        session.register_component("data_loader", _LOADER)
        self._credentials = DeferredRefreshableCredentials(self._assume, "assume-role")
        session._credentials = self._credentials  # type: ignore[attr-defined]  # noqa: SLF001 - no public way
        self._session = boto3.Session(botocore_session=session)
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raise AWS's ValidationException unless the role exists and trusts SageMaker."""
        try:
            role = self._as_root("iam").get_role(RoleName=self.arn.rpartition("/")[2])["Role"]
        except ClientError as error:
            raise self._refused() from error
        if role["Arn"] != self.arn or not _trusts_sagemaker(role["AssumeRolePolicyDocument"]):
            raise self._refused()

    def client(self, service: str) -> Any:
        """A boto3 client that acts as the role."""
        with self._lock:  # sessions are not safe to use from several threads
            return self._make(self._session, service)

    def credentials(self) -> tuple[ReadOnlyCredentials, str]:
        """The credentials of now and the time they expire, ISO 8601."""
        frozen = self._credentials.get_frozen_credentials()
        return frozen, self._credentials._expiry_time.isoformat()  # type: ignore[attr-defined]  # noqa: SLF001 - nothing public tells

    def _assume(self) -> dict[str, str]:
        answer = self._as_root("sts").assume_role(RoleArn=self.arn, RoleSessionName=SESSION_NAME)["Credentials"]
        return {
            "access_key": answer["AccessKeyId"],
            "secret_key": answer["SecretAccessKey"],
            "token": answer["SessionToken"],
            "expiry_time": answer["Expiration"].isoformat(),
        }

    def _as_root(self, service: str) -> Any:
        # An account's number is its root's access key in the embedded AWS.
        session = botocore.session.get_session()
        session.register_component("data_loader", _LOADER)
        session.set_credentials(self._account, "test")
        return self._make(boto3.Session(botocore_session=session), service)

    def _make(self, session: boto3.Session, service: str) -> Any:
        return session.client(
            service,  # type: ignore[call-overload]  # any service's name
            region_name=self.region,
            endpoint_url=self._endpoint_url,
            config=_CONFIG,
        )

    def _refused(self) -> ServiceError:
        return validation_exception(
            f"Could not assume role {self.arn}. Please ensure that the role exists and allows principal "
            f"'{_PRINCIPAL}' to assume the role."
        )


def _trusts_sagemaker(policy: dict[str, Any]) -> bool:
    """Whether a statement of the trust policy allows SageMaker; its conditions are for STS to judge."""
    statements = policy.get("Statement", [])
    for statement in [statements] if isinstance(statements, dict) else statements:
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        if statement.get("Effect") == "Allow" and (principal == "*" or _PRINCIPAL in services):
            return True
    return False
