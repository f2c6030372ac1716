"""Policies are enforced: what ministack does so under AUTH=true, and what AWS does beyond it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embedded_aws.patches import asking, iam_resources, iam_service_roles, kms, trust
from embedded_aws.patches.iam_statement_use import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def enforce() -> Callable[[], list[dict[str, Any]]]:
    """Enforce them; the answer tells which statements have decided anything."""
    recorder = Recorder()
    recorder.watch()
    trust.name_source_account()
    iam_resources.ask_as_aws_does()
    kms.ask_before_keys()
    iam_service_roles.ask_roles_of_services()
    asking.ask_before_queries()
    return recorder.report
