"""The lab's training jobs, its seats' and its tuning's among them."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from cli.aws.instance_counts import TRAINING
from cli.ui.errors import LabError
from teardown.names import prefix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.aws.session import Session

_NEAR = 3


def of_lab(session: Session, lab: str, **only: str) -> list[str]:
    """List the names of the lab's training jobs, newest first; `only` are ListTrainingJobs' filters."""
    newest = {"SortBy": "CreationTime", "SortOrder": "Descending"}
    names = TRAINING.listed(session.client("sagemaker"), NameContains=prefix(lab), **newest, **only)
    return [name for name in names if name.startswith(prefix(lab))]


def check(names: Sequence[str], known: Sequence[str], lab: str) -> None:
    """Raise LabError for the first name that is none of the lab's jobs, with those that are nearly it."""
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=_NEAR, cutoff=0.4)
            hint = f"Did you mean {' or '.join(near)}?" if near else f"There are {len(known)} others."
            raise LabError(f"There is no training job {name} of the lab {lab}. {hint if known else 'There are none.'}")
