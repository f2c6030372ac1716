"""Who calls: account and region of a request, and the user or role whose policies count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ministack.core import iam_actions, iam_evaluator, responses, router
from ministack.services import iam

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.patches.service_handlers import Response


def caller() -> tuple[str, str]:
    """Return account and region of the request that is being answered (also inside CloudFormation's threads)."""
    return responses.get_account_id(), responses.get_region()


@dataclass(frozen=True)
class Principal:
    """A user or role whose own policies decide what it may do.

    ministack itself asks them, and those of resources, only if it enforces policies. Without that the latter are not
    asked, but for what a service of ours passes on: a bucket of the lab denies whatever does not come over TLS, and
    then nothing does.
    """

    info: iam_evaluator.PrincipalInfo
    region: str

    def refusal(
        self, action: str, resource: str, context: Mapping[str, Any], resource_policy: str | None = None
    ) -> str | None:
        """Return AWS's sentence if no policy of the principal's allows the action, or one denies it.

        `resource_policy` is the resource's own, which a service of ours asks to be heeded too.
        """
        asked = self._asked(action, resource, context)
        found = iam_evaluator.evaluate(asked, self.info.policies or [], *self.info.limits)
        if resource_policy:
            owner = resource.split(":")[4]
            found = iam_evaluator.combine_resource_policy(
                found, asked, resource_policy, owner, limits=tuple(self.info.limits)
            )
        if found.decision == "Allow":
            return None
        if found.resource_policy_arn:
            return iam_actions._resource_policy_denial("sagemaker", action, self.info.arn, resource)
        return iam_actions.identity_denial_message(action, self.info.arn, resource, found.decision == "Deny")

    def denied(self, service: str, action: str, headers: Mapping[str, str], resource: str = "*") -> Response:
        """Return the service's own answer to a request whose action no policy of the principal's allows."""
        return iam_actions.access_denied_response(
            service, action, self.info.arn, "", headers=headers, resource_arn=resource
        )

    def decision(self, action: str, resource: str, context: Mapping[str, Any]) -> str:
        """Return Allow, Deny, or ImplicitDeny."""
        asked = self._asked(action, resource, context)
        return iam_evaluator.evaluate(asked, self.info.policies or [], *self.info.limits).decision

    def _asked(self, action: str, resource: str, context: Mapping[str, Any]) -> iam_evaluator.EvalContext:
        return iam_evaluator.EvalContext(
            principal_arn=self.info.arn,
            principal_type=self.info.type,
            principal_account=self.info.account,
            action=action,
            resource_arn=resource,
            region=self.region,
            service_context={"aws:tagkeys": None, **{key.lower(): value for key, value in context.items()}},
            principal_keys=self.info.keys,
        )


def principal(headers: Mapping[str, str], query: Mapping[str, list[str]] | None = None) -> Principal | None:
    """Return who signed a request; None for root, and for keys that the embedded AWS did not give out."""
    key = router.extract_access_key_id({name.lower(): value for name, value in headers.items()}, query or {})
    found = iam_evaluator.resolve_principal(key, responses.get_account_id())
    if isinstance(found, iam_evaluator.AuthError) or found.policies is None:
        return None
    return Principal(found, responses.get_region())


def of_role(arn: str, session: str = "SageMaker") -> Principal:
    """Return a role in whose name a service acts, which calls its session so."""
    account, name = arn.split(":")[4], arn.rpartition("/")[2]
    info = iam_evaluator.PrincipalInfo(
        arn=f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
        type="AssumedRole",
        account=account,
        policies=iam_evaluator._gather_role_policies(name, account),
        limits=iam_evaluator._permissions_boundary(iam._roles, name, account),
    )
    return Principal(info, responses.get_region())
