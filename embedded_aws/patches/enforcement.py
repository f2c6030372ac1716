"""Policies are enforced: what ministack does so under AUTH=true, and what AWS does beyond it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embedded_aws.patches import asking, behalf, keys, questions, trust
from embedded_aws.patches.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def enforce() -> Callable[[], list[dict[str, Any]]]:
    """Enforce them; the answer tells which statements have decided anything."""
    recorder = Recorder()
    recorder.watch()
    trust.name_source_account()
    questions.ask_as_aws_does()
    keys.ask_before_keys()
    behalf.ask_roles_of_services()
    asking.ask_before_queries()
    return recorder.report
