"""The end of scalable targets: deregistered, or gone with what they scaled.

When an endpoint goes, its targets go without a word, and who deletes it must be allowed that: SageMaker's guide,
"Delete endpoints configured for auto scaling", and the sentence that stable-diffusion-aws-extension#161 quotes. An
update that changes the type of a target's instances is refused: "Update endpoints that use auto scaling". Not compared
with AWS: in which words; the code of the former.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from embedded_aws.services.application_autoscaling import authorization, policies, targets
from embedded_aws.services.application_autoscaling.records import POLICY, TARGET
from embedded_aws.services.records import Scope
from embedded_aws.services.sagemaker.errors import ServiceError, validation_exception

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embedded_aws.services.application_autoscaling.targets import TargetKey
    from embedded_aws.services.application_autoscaling.variants import Variants
    from embedded_aws.services.records import Document, Records
    from embedded_aws.services.root_clients import RootClients
    from embedded_aws.services.sagemaker.authorization import Principal
    from embedded_aws.services.sagemaker.store import Record

_DELETE = "Delete"


class Deregistration:
    """Deregisters targets, with their policies and those policies' alarms."""

    def __init__(self, records: Records, variants: Variants, clients: RootClients) -> None:
        self._records, self._variants, self._clients = records, variants, clients

    def deregister(self, scope: Scope, key: TargetKey) -> None:
        """Deregister a target. Asks CloudWatch: not to be called on the gateway's event loop."""
        self.delete_alarms(scope, self._forget(scope, key))

    def delete_alarms(self, scope: Scope, names: Sequence[str]) -> None:
        """Delete alarms; those that are gone already are fine."""
        if names:
            self._clients.client("cloudwatch", *scope).delete_alarms(AlarmNames=names)

    def check_endpoint_change(
        self, verb: str, endpoint: Record, request: Mapping[str, Any], principal: Principal | None
    ) -> None:
        """Refuse that an endpoint is deleted or updated if its targets forbid it. Raises ServiceError."""
        scope = Scope(endpoint.account, endpoint.region)
        found = self._of_endpoint(scope, endpoint.name)
        types: Mapping[str, str] = {}
        if found and verb != _DELETE:
            types = self._variants.instance_types(scope, request["EndpointConfigName"])
        for target in found:
            variant = targets.key_of(target).variant
            if variant not in types:
                _check_allowed(verb, scope, target, principal)
            elif types[variant] != target["InstanceType"]:
                raise validation_exception(
                    f"The instance type of variant {variant} can't be changed while it is a scalable target: call "
                    "DeregisterScalableTarget first, and register it again after the update."
                )

    def endpoint_changed(self, endpoint: Record, members: Mapping[str, Any] | None) -> None:
        """Deregister the targets of what an endpoint has no more; None if it is gone itself. Returns at once."""
        if endpoint.resource_type.name != "Endpoint":
            return
        scope = Scope(endpoint.account, endpoint.region)
        left = {each["VariantName"] for each in (members or {}).get("ProductionVariants", ())}
        if members is not None and not left:
            return  # it comes up
        for target in self._of_endpoint(scope, endpoint.name):
            key = targets.key_of(target)
            if key.variant not in left:
                names = self._forget(scope, key)
                threading.Thread(target=self.delete_alarms, args=(scope, names), daemon=True).start()

    def _of_endpoint(self, scope: Scope, endpoint: str) -> list[Document]:
        of = self._records.all(TARGET, scope)
        return [one for one in of if targets.key_of(one).endpoint.lower() == endpoint.lower()]

    def _forget(self, scope: Scope, key: TargetKey) -> list[str]:
        """Forget a target with its policies; return the names of their alarms."""
        names: list[str] = []
        for policy in policies.of_target(self._records, scope, key.resource_id):
            names += [each["AlarmName"] for each in policy["Alarms"]]
            self._records.remove(POLICY, scope, policies.name_of(key, policy["PolicyName"]))
        self._records.remove(TARGET, scope, key.resource_id)
        return names


def _check_allowed(verb: str, scope: Scope, target: Document, principal: Principal | None) -> None:
    """Raise AccessDeniedException unless whoever deletes a variant may deregister its target."""
    needed = authorization.on_target("DeregisterScalableTarget", {}, target, scope)
    if principal and any(principal.refusal(each.action, each.resource, each.context) for each in needed):
        raise ServiceError(
            "AccessDeniedException",
            "An Application AutoScaling scalable target exists for a variant being deleted, and the IAM identity used "
            f"to invoke {verb}Endpoint does not have application-autoscaling:DeregisterScalableTarget permission to "
            "deregister the scalable target.",
        )
