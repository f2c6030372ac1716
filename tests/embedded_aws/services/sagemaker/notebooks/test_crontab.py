"""The lines of a crontab on a notebook instance; test_lifecycle_programs.py has a job run."""

from __future__ import annotations

import datetime as dt

import pytest

from embedded_aws.services.sagemaker.notebooks.shims.cronie import crond


@pytest.mark.parametrize(
    ("line", "time", "due"),
    [
        ("*/5 * * * * a", "2026-11-29 06:35", True),
        ("*/5 * * * * a", "2026-11-29 06:36", False),
        ("0 6-8/2 * * * a", "2026-11-29 08:00", True),
        ("0 6-8/2 * * * a", "2026-11-29 07:00", False),
        ("0,30 * * nov sun a", "2026-11-29 07:30", True),
        ("0 7 * * 7 a", "2026-11-29 07:00", True),
        ("0 7 1 * sun a", "2026-11-29 07:00", True),  # either of both kinds of days
        ("0 7 1 * mon a", "2026-11-29 07:00", False),
        ("@daily a", "2026-11-29 00:00", True),
        ("@hourly a", "2026-11-29 00:01", False),
    ],
)
def test_when_a_job_is_due(line: str, time: str, due: bool) -> None:  # noqa: FBT001 - a table's column
    """As crontab(5) has it."""
    [(job, _, command)] = crond.jobs([line])
    assert command == "a"
    assert job.due(dt.datetime.fromisoformat(time).timetuple()) is due


@pytest.mark.parametrize("line", ["61 * * * * a", "* * * * *", "* * * foo * a", "5-1 * * * * a", "*/0 * * * * a"])
def test_what_is_no_job(line: str) -> None:
    """It is refused, with the line's number."""
    with pytest.raises(ValueError, match="1: bad "):
        list(crond.jobs([line]))
