"""What a resource costs by its hours, its state and the prices."""

from __future__ import annotations

import pytest

from cli.meters import Meter
from cli.prices import HOURS_A_MONTH, Prices, Use

NOTEBOOK = ("ml.t3.medium", Use.NOTEBOOK)
PRICES = Prices(
    region="us-east-1",
    live={NOTEBOOK: 0.05},
    table={},
    table_of="",
    volume_gb_month=0.146,
    key_month=HOURS_A_MONTH / 1000,
)


def notebook(*, runs: bool) -> Meter:
    """A notebook instance of a hundred hours that ran ten of them."""
    return Meter(
        kind="notebook",
        name="lab-ada",
        state="InService" if runs else "Stopped",
        seat="ada",
        hours=10,
        runs=runs,
        instances=((NOTEBOOK, 1),),
        gigabytes=10,
        volume_hours=100,
    )


def test_a_notebook_that_runs_costs_its_instance_and_its_volume() -> None:
    """The volume is there all the time, the instance while it runs."""
    assert notebook(runs=True).hourly(PRICES) == pytest.approx(0.05 + 10 * 0.146 / 730)
    assert notebook(runs=True).so_far(PRICES) == pytest.approx(10 * 0.05 + 100 * 10 * 0.146 / 730)


def test_a_stopped_notebook_costs_its_volume_only() -> None:
    """What it has cost before it was stopped remains."""
    assert notebook(runs=False).hourly(PRICES) == pytest.approx(10 * 0.146 / 730)
    assert notebook(runs=False).so_far(PRICES) == notebook(runs=True).so_far(PRICES)


def test_instances_count_each_and_a_key_by_the_hour() -> None:
    """Two variants of an endpoint add up; a key is a dollar a month."""
    hosting = ("ml.m5.large", Use.HOSTING)
    prices = Prices(
        region="", live={hosting: 0.1, NOTEBOOK: 1.0}, table={}, table_of="", volume_gb_month=0, key_month=730
    )
    both = Meter(
        kind="endpoint", name="", state="", seat=None, hours=2, runs=True, instances=((hosting, 3), (NOTEBOOK, 1))
    )
    assert both.hourly(prices) == pytest.approx(1.3)
    assert both.so_far(prices) == pytest.approx(2.6)
    key = Meter(kind="key", name="", state="", seat=None, hours=2, runs=True, keys=1)
    assert key.hourly(prices) == pytest.approx(1)
    assert key.so_far(prices) == pytest.approx(2)


def test_without_a_price_nothing_is_made_up() -> None:
    """An unknown price makes the amount unknown, unless nothing of it was used."""
    unknown = ("ml.m4.xlarge", Use.TRAINING)
    running = Meter(kind="", name="", state="", seat=None, hours=1, runs=True, instances=((unknown, 1),))
    pending = Meter(kind="", name="", state="", seat=None, hours=0, runs=False, instances=((unknown, 1),))
    assert (running.hourly(PRICES), running.so_far(PRICES)) == (None, None)
    assert (pending.hourly(PRICES), pending.so_far(PRICES)) == (0, 0)
