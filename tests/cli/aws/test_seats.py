"""How a seat stands."""

from __future__ import annotations

import pytest

from cli.aws.seats import SeatStatus


@pytest.mark.parametrize(
    ("state", "standing"),
    [
        ("InService", "ready"),
        ("PendingMaintenance", "maintenance pending"),
        ("InMaintenance", "in maintenance"),
        ("Stopped", "stopped"),
        ("Pending", "CREATE_COMPLETE"),
    ],
)
def test_a_seat_says_how_it_stands(state: str, standing: str) -> None:
    """In words for each state that lasts."""
    assert SeatStatus("ada", "", listed=True, stack="CREATE_COMPLETE", notebook=state).standing == standing
