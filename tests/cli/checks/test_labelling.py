"""What preflight says of `lab.labelling`, in regions with a workforce and without."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from cli.aws.session import Session, Target
from cli.checks.labelling import check_labelling
from cli.checks.result import CheckResult, Deployment, State
from infra import settings


def said(*workforces: str, target: Target = Target.AWS, labelling: str = "ground-truth") -> list[CheckResult]:
    """What the check says where the region has these workforces."""
    found = {"Workforces": [{"WorkforceName": name} for name in workforces]}
    client = SimpleNamespace(list_workforces=lambda: found)
    session: Any = SimpleNamespace(target=target, client=lambda _service: client)
    lab = settings.read({"lab": {"labelling": labelling}})
    return [*check_labelling(Deployment(cast("Session", session), lab, []))]


@pytest.mark.parametrize(
    ("workforces", "target", "state", "words"),
    [
        (("theirs",), Target.AWS, State.WRONG, "the region has the workforce theirs"),
        (("theirs",), Target.EMBEDDED, State.WRONG, "one in a region at most"),
        (("bricklab-labelers",), Target.AWS, State.OK, "is the lab's"),
        ((), Target.EMBEDDED, State.OK, "may be the lab's"),
        ((), Target.AWS, State.HINT, "no new customers"),
    ],
)
def test_who_may_have_a_workforce(workforces: tuple[str, ...], target: Target, state: State, words: str) -> None:
    """One sentence, with what to do."""
    [result] = said(*workforces, target=target)
    assert result.state is state
    assert words in result.text


def test_nothing_is_said_where_nobody_labels() -> None:
    """Nor is anything asked."""
    assert said("theirs", labelling="off") == []
