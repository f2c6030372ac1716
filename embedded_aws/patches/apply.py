"""Apply every patch, in the order in which they count; import this once ministack's settings are in the environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from embedded_aws.patches import (
    api_gateway,
    api_gateway_templates,
    athena,
    cloudformation,
    cloudfront,
    cloudwatch,
    cloudwatch_logs,
    dashboards,
    eventbridge,
    failed_creations,
    iam_enforcement,
    iam_linked_roles,
    iam_managed_policies,
    iam_policy_simulator,
    kms,
    lambda_downloads,
    lambda_runtimes,
    lambda_urls,
    patching,
    protocol,
    resource_groups_tagging,
    s3_bodies,
    s3_contents,
    s3_hashes,
    s3_large_objects,
    s3_multipart,
    s3_storage,
    service_handlers,
    sqs,
    step_functions,
)

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import Any

    from embedded_aws.patches.cloudwatch import Scale
    from embedded_aws.patches.event_loop import EventLoop
    from embedded_aws.patches.persistence import Persistence
    from embedded_aws.patches.resource_groups_tagging import Tagged
    from embedded_aws.patches.service_handlers import Handler, Interceptor, Service
    from embedded_aws.services.cloudformation_types import ResourceProvider
    from embedded_aws.services.sagemaker.clock import Clock
    from embedded_aws.services.task_integrations import TaskIntegration


@dataclass(frozen=True, kw_only=True)
class Additions:
    """What the embedded AWS has beside ministack's services.

    `services` are whole services by name, `resource_providers` CloudFormation's by resource type, `tagged` what the
    Resource Groups Tagging API lists, by the service's name in ARNs. `interceptors` see a service's requests first, by
    its name; `paths` answer all requests whose path begins with the key, `hosts` those to names that match the pattern;
    `tasks` carry out what state machines leave to a service. `sign` makes of a path the URL of a download. `python`
    finds the Python of a function's runtime, `sdk` is the folder with the SDK that it has. `scale` is called upon by
    alarms whose actions are scaling policies.
    """

    services: Mapping[str, Service]
    resource_providers: Mapping[str, ResourceProvider]
    tagged: Mapping[str, Tagged]
    interceptors: Mapping[str, Interceptor]
    paths: Mapping[str, Handler]
    hosts: Mapping[re.Pattern[str], Handler]
    tasks: Mapping[str, TaskIntegration]
    sign: Callable[[str], str]
    python: Callable[[str], Path | None]
    sdk: Path
    scale: Scale


def apply(
    additions: Additions,
    *,
    clock: Clock,
    loop: EventLoop,
    enforce: bool,
    persistence: Persistence,
    objects: s3_storage.Storage,
) -> Callable[[], list[dict[str, Any]]] | None:
    """Patch ministack, and add to it. Call it once, on the event loop, before the first request. Raises PatchError.

    `persistence` gives the services what was kept of them, and keeps what changes; `objects` does so for S3's. With
    `enforce` every service asks policies before every call, and what comes back tells which statements of roles'
    policies decided anything; without, it is None.
    """
    cloudwatch.apply(clock, loop, additions.scale)
    dashboards.apply()
    service_handlers.add(additions.services)
    service_handlers.add_places(additions.paths, additions.hosts)
    cloudformation.apply(additions.resource_providers)
    failed_creations.patches.apply()
    iam_managed_policies.apply()
    iam_linked_roles.apply()
    kms.apply()
    lambda_downloads.apply(additions.sign)
    lambda_runtimes.apply(additions.python, additions.sdk)
    lambda_urls.patches.apply()
    resource_groups_tagging.apply(additions.tagged)
    for service, interceptor in additions.interceptors.items():
        service_handlers.intercept(service, interceptor)
    eventbridge.apply()
    statements = iam_enforcement.enforce() if enforce else None
    if not enforce:
        iam_enforcement.apply()
    step_functions.apply(additions.tasks, pace=clock.scaled(1))
    athena.apply()
    api_gateway.apply()
    api_gateway_templates.apply()
    cloudfront.patches.apply()
    cloudwatch_logs.apply(clock, loop)
    sqs.patches.apply()
    iam_policy_simulator.apply()
    s3_bodies.patches.apply()
    s3_multipart.apply()
    s3_contents.apply()
    s3_hashes.apply()
    s3_large_objects.apply()
    protocol.apply()
    persistence.restore()
    objects.apply()
    persistence.apply()
    protocol.tell_unexpected_errors()  # last: errors in the others' work count too
    patching.verify()
    return statements
