"""Work teams: groups of a workforce's user pool.

Sources: botocore's model of CreateWorkteam (at most 25 in an account and region; all members of one pool and client),
Terraform's acceptance tests (a team may leave its workforce out). Not compared with AWS: that a region without a
workforce gets one named default then, and what else is in the sentences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.errors import limit, validation_exception
from embedded_aws.services.sagemaker.labeling.cognito import UserPools
from embedded_aws.services.sagemaker.provider import Provider

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embedded_aws.services.sagemaker.provider import ControlPlane, ServiceContext
    from embedded_aws.services.sagemaker.resource_types import ResourceType
    from embedded_aws.services.sagemaker.store import Record

_MOST = 25
_DEFAULT = "default"
_POOL = ("UserPool", "ClientId")


class Workteams(Provider):
    """The provider of work teams."""

    def __init__(self, context: ServiceContext) -> None:
        super().__init__(context)
        self.pools = UserPools(context.endpoint_url)

    def bind(self, service: ControlPlane) -> None:
        """Take the service that makes the first workforce."""
        self._service = service

    def described(self, resource_type: ResourceType, request: Mapping[str, Any], name: str) -> dict[str, Any]:
        """Return what Describe tells."""
        now = self.context.clock.now()
        return {**super().described(resource_type, request, name), "CreateDate": now, "LastUpdatedDate": now}

    def describe(self, record: Record, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a Describe request is answered."""
        return {"Workteam": super().describe(record, request)}

    def changed(self, record: Record, verb: str) -> dict[str, Any]:
        """Return what an Update or a Delete request is answered."""
        return {"Workteam": super().changed(record, verb), "Success": True}

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Check the members, and find the workforce. Raises ServiceError."""
        scope = {"account": record.account, "region": record.region}
        if len(self.context.store.all(record.resource_type.name, **scope)) > _MOST:
            raise limit(f"You cannot create more than {_MOST} work teams in an account and region.")
        self._check(record, request["MemberDefinitions"])
        workforce = self._workforce(request, **scope)
        given = request["MemberDefinitions"][0]["CognitoMemberDefinition"]
        if any(workforce.members["CognitoConfig"][name] != given[name] for name in _POOL):
            raise validation_exception(
                f"The members of a work team must have the user pool and the app client of its workforce "
                f"{workforce.name}: {', '.join(workforce.members['CognitoConfig'][name] for name in _POOL)}."
            )
        self.context.store.update(record, WorkforceArn=workforce.arn, SubDomain=workforce.members["SubDomain"])

    def update(self, record: Record, request: dict[str, Any]) -> None:
        """Take other members or another description. Raises ServiceError."""
        if "MemberDefinitions" in request:
            self._check(record, request["MemberDefinitions"])
        super().update(record, request)
        self.context.store.update(record, LastUpdatedDate=self.context.clock.now())

    def check_groups(self, record: Record, members: Sequence[Mapping[str, str]]) -> None:
        """Raise ServiceError if a pool, an app client or a group is not there."""
        self.pools.app_client(record, members[0])
        for member in members:
            self.pools.check_group(record, member)

    def _check(self, record: Record, definitions: Sequence[Mapping[str, Any]]) -> None:
        members = [one["CognitoMemberDefinition"] for one in definitions if "CognitoMemberDefinition" in one]
        if len(members) != len(definitions) or len({tuple(one[name] for name in _POOL) for one in members}) != 1:
            raise validation_exception(
                "Each of MemberDefinitions must have a CognitoMemberDefinition, and all the same UserPool and ClientId."
            )
        self.check_groups(record, members)

    def _workforce(self, request: Mapping[str, Any], *, account: str, region: str) -> Record:
        """Return the workforce that a team is of. Raises ServiceError."""
        scope = {"account": account, "region": region}
        if "WorkforceName" in request:
            return self.context.store.get("Workforce", request["WorkforceName"], **scope)
        if not (found := self.context.store.all("Workforce", **scope)):
            pool = request["MemberDefinitions"][0]["CognitoMemberDefinition"]
            config = {name: pool[name] for name in _POOL}
            request = {"WorkforceName": _DEFAULT, "CognitoConfig": config}
            self._service.call("CreateWorkforce", request, account=account, region=region)
            found = self.context.store.all("Workforce", **scope)
        return found[0]
