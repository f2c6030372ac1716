"""Workforces: the one of a region, with the Cognito user pool whose users are the workers.

Sources: botocore's model of CreateWorkforce, UpdateWorkforce and DeleteWorkforce. The SubDomain is where all its teams
have their portal, ten letters and digits before `labeling.REGION.sagemaker.aws`: addresses that users published. Not
compared with AWS: the sentences about addresses and about teams that are still there.
"""

from __future__ import annotations

import secrets
import string
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.errors import IN_USE, ServiceError, validation_exception
from embedded_aws.services.sagemaker.labeling.cognito import UserPools
from embedded_aws.services.sagemaker.provider import Provider

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from embedded_aws.services.sagemaker.provider import ServiceContext, Work
    from embedded_aws.services.sagemaker.resource_types import ResourceType
    from embedded_aws.services.sagemaker.store import Record

_SECONDS = 1.0
_LABEL_LENGTH = 10
_MOST_ADDRESSES = 10
_LETTERS = string.ascii_lowercase + string.digits


class Workforces(Provider):
    """The provider of workforces."""

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        self._lock = threading.Lock()
        self.pools = UserPools(context.endpoint_url)

    @contextmanager
    def naming(
        self, resource_type: ResourceType, request: Mapping[str, Any], *, account: str, region: str
    ) -> Iterator[str]:
        """Yield the name, if the region has no workforce yet: there is one at most. Raises ServiceError."""
        with self._lock:
            if self.context.store.all(resource_type.name, account=account, region=region):
                raise validation_exception(
                    f"Cannot create more than one workforce for account {account}. If you are trying to update "
                    "existing workforce, please use UpdateWorkforce API"
                )
            yield request[resource_type.name_member]

    def described(self, resource_type: ResourceType, request: Mapping[str, Any], name: str) -> dict[str, Any]:
        """Return what Describe tells."""
        now = self.context.clock.now()
        return {**super().described(resource_type, request, name), "CreateDate": now, "LastUpdatedDate": now}

    def describe(self, record: Record, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a Describe request is answered."""
        return {"Workforce": super().describe(record, request)}

    def changed(self, record: Record, verb: str) -> dict[str, Any]:
        """Return what an Update request is answered."""
        return {"Workforce": super().changed(record, verb)}

    def create(self, record: Record, request: dict[str, Any]) -> Work:
        """Check the user pool, and give the workforce its portal. Raises ServiceError."""
        if "CognitoConfig" not in request:
            raise validation_exception("CognitoConfig must be given: the embedded AWS has no other identity provider.")
        _check_addresses(request)
        label = "".join(secrets.choice(_LETTERS) for _ in range(_LABEL_LENGTH))
        sub_domain = f"{label}.labeling.{record.region}.sagemaker.aws"
        self.let_sign_in(record, request["CognitoConfig"], sub_domain)
        self.context.store.update(record, SubDomain=sub_domain)
        return lambda: self._settle(record)

    def restore(self, record: Record) -> Work | None:
        """Finish what was at work."""
        if record.status == "Deleting":
            self.context.store.remove(record)
        elif record.status != "Active":
            self.context.store.update(record, Status="Active")
        return None

    def update(self, record: Record, request: dict[str, Any]) -> None:
        """Take other addresses; the status is Updating, then Active."""
        _check_addresses(request)
        super().update(record, request)
        self.context.store.update(record, Status="Updating", LastUpdatedDate=self.context.clock.now())
        self._settle(record)

    def delete(self, record: Record) -> None:
        """Delete the workforce, which has no teams any more; the status is Deleting, then it is gone."""
        teams = self.context.store.all("Workteam", account=record.account, region=record.region)
        if teams:
            names = ", ".join(team.name for team in teams)
            raise ServiceError(IN_USE, f"The workforce {record.arn} still has work teams, delete them first: {names}.")
        self.context.store.update(record, Status="Deleting")
        self.context.clock.after(_SECONDS, lambda: self.context.store.remove(record))

    def let_sign_in(self, record: Record, config: Mapping[str, str], sub_domain: str) -> None:
        """Let the workers sign in to the portal. Raises ServiceError if there is no such pool or app client."""
        self.pools.let_sign_in(record, config, sub_domain)

    def _settle(self, record: Record) -> None:
        self.context.clock.after(
            _SECONDS, lambda: self.context.store.update_if(record, ("Initializing", "Updating"), Status="Active")
        )


def _check_addresses(request: Mapping[str, Any]) -> None:
    addresses = request.get("SourceIpConfig", {}).get("Cidrs", ())
    if len(addresses) > _MOST_ADDRESSES:
        raise validation_exception(f"SourceIpConfig.Cidrs has {len(addresses)} ranges; {_MOST_ADDRESSES} is the most.")
