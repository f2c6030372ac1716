"""Apply every patch, in the order in which they count; import this once ministack's settings are in the environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from embedded_aws.patches import (
    athena,
    cloudformation,
    cloudwatch,
    cloudwatch_logs,
    conditions,
    iam_enforcement,
    iam_managed_policies,
    iam_policy_simulator,
    labels,
    managed_keys,
    objects,
    protocol,
    resource_groups_tagging,
    s3_large_objects,
    schedules,
    service_handlers,
    settled,
    unexpected,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from embedded_aws.patches.event_loop import Inside
    from embedded_aws.patches.resource_groups_tagging import Tagged
    from embedded_aws.patches.service_handlers import First, Handler, Service
    from embedded_aws.services.cloudformation_types import ResourceProvider
    from embedded_aws.services.sagemaker.clock import Clock


@dataclass(frozen=True, kw_only=True)
class Additions:
    """What the embedded AWS has beside ministack's services.

    `services` are whole services by name, `resource_providers` CloudFormation's by resource type, `tagged` what the
    Resource Groups Tagging API lists, by the service's name in ARNs. `before` see a service's requests first, by its
    name; `below` answer all requests whose path begins with the key.
    """

    services: Mapping[str, Service]
    resource_providers: Mapping[str, ResourceProvider]
    tagged: Mapping[str, Tagged]
    before: Mapping[str, First]
    below: Mapping[str, Handler]


def apply(
    additions: Additions, *, clock: Clock, loop: Inside, enforce: bool
) -> Callable[[], list[dict[str, Any]]] | None:
    """Patch ministack, and add to it. Call it once, on the event loop, before the first request.

    With `enforce` every service asks policies before every call, and what comes back tells which statements of roles'
    policies decided anything; without, it is None.
    """
    cloudwatch.watch_dimensions(clock, loop)
    service_handlers.add(additions.services)
    for prefix, handler in additions.below.items():
        service_handlers.answer_below(prefix, handler)
    cloudformation.provision(additions.resource_providers)
    cloudformation.refuse_full_buckets()
    cloudformation.encrypt_as_templates_say()
    cloudformation.ask_for_capabilities()
    conditions.make_what_conditions_compare()
    iam_managed_policies.have_managed_policies()
    managed_keys.keep_managed_keys()
    resource_groups_tagging.find_tagged(additions.tagged)
    for service, first in additions.before.items():
        service_handlers.before(service, first)
    schedules.fire_again_when_changed()
    statements = iam_enforcement.enforce() if enforce else None
    if statements is None:
        objects.ask_before_objects()
    athena.obey_workgroups()
    cloudwatch_logs.read_patterns()
    iam_policy_simulator.simulate_with_context()
    settled.answer_the_cdk_when_settled()
    protocol.refuse_unknown()
    labels.label_answers()
    s3_large_objects.let_others_in()
    unexpected.tell_unexpected()
    return statements
