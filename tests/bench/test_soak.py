"""What the benchmark of mixed load is made of: calls that are spoilt, answers that are counted, what is left."""

from __future__ import annotations

import random
import sqlite3
from typing import TYPE_CHECKING, Any

from bench.support import broken_http, leftovers, wrong_calls
from bench.support.tally import Tally

if TYPE_CHECKING:
    from pathlib import Path

    from embedded_aws.gateway import Gateway

MEMBERS: dict[str, Any] = {"Name": "one", "Tags": [{"Key": "a", "Value": "b"}], "Count": 1}


def test_a_spoilt_call_is_another_and_the_right_one_stays() -> None:
    """Nearly all are wrong in some way; the same seed makes the same ones."""
    kept = {**MEMBERS, "Tags": [dict(MEMBERS["Tags"][0])]}
    first, again = random.Random(1), random.Random(1)  # noqa: S311 - no secret
    made = [repr(wrong_calls.spoilt(first, MEMBERS)) for _ in range(500)]
    assert kept == MEMBERS
    assert made == [repr(wrong_calls.spoilt(again, MEMBERS)) for _ in range(500)]
    assert sum(each != repr(MEMBERS) for each in made) > 450
    assert len(set(made)) > 200


def test_what_is_asked_of_a_window() -> None:
    """Requests a second, and the time within which 99 of 100 were answered; faults are counted by their words."""
    tally = Tally()
    for milliseconds in range(100):
        tally.add("s3", "right", "200", seconds=milliseconds / 1000)
    tally.add("s3", "wrong", "500 InternalFailure", seconds=0, fault="it errs")
    rate, p99 = tally.window(0, 10)
    assert rate == 10.1
    assert p99 == 0.098
    assert tally.window(20, 30) == (0, 0)
    assert tally.faults == {"it errs": 1}
    assert tally.answers["s3", "right", "200"] == 100


def test_rows_that_are_left(tmp_path: Path) -> None:
    """Rows that name what was removed are counted by service, but what AWS keeps, too."""
    with sqlite3.connect(tmp_path / "state.db") as database:
        database.execute("CREATE TABLE services (service TEXT, store TEXT, key TEXT, value TEXT)")
        rows = [("sqs", "queues", "soak-1", "{}"), ("sqs", "queues", "other", "{}"), ("ssm", "all", "", '["soak-2"]')]
        rows.append(("cloudformation", "stacks", "soak-3", "{}"))
        database.executemany("INSERT INTO services VALUES (?, ?, ?, ?)", rows)
    database.close()
    assert leftovers.rows(tmp_path, "soak-") == {"sqs queues": 1, "ssm all": 1}


def test_broken_http_is_refused_by_the_gateway(embedded: Gateway) -> None:
    """None of it is answered with 5xx, or not at all."""
    choice = random.Random(0)  # noqa: S311 - no secret
    faults = [fault for _ in range(60) for _, fault in [broken_http.send(choice, embedded.port)] if fault]
    assert not faults
