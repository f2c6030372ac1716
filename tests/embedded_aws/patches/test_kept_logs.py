"""Log groups come back as they were, and a write looks at no more of them than somebody has asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ministack.core.responses import AccountRegionScopedDict
from ministack.services import cloudwatch_logs

from embedded_aws.database import Database
from embedded_aws.patches.kept_logs import GROUPS, SERVICE, KeptLogs
from embedded_aws.patches.kept_rows import KeptRows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STREAM: dict[str, Any] = {"uploadSequenceToken": "1", "lastIngestionTime": None}


def event(number: int) -> dict[str, Any]:
    """Return one of a stream's events."""
    return {"timestamp": number, "message": f"line {number}", "ingestionTime": 9, "eventId": f"pointer-{number}"}


class Kept:
    """Log groups as ministack has them, and what is kept of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.rows = KeptRows(database)
        self.logs = KeptLogs(database, self.rows)
        cloudwatch_logs._log_groups._data = {}
        self.logs.watch()

    def write(self, *, whole: bool = False, a_round: bool = False, fail: bool = False) -> list[str]:
        """Write; the first words of the statements that it took. `fail`: the transaction does, with RuntimeError."""
        statements: list[str] = []
        with self._database.transaction() as connection:
            connection.set_trace_callback(statements.append)
            self.rows.write(connection, SERVICE, {})
            self.logs.write(connection, whole=whole, a_round=a_round)
            connection.set_trace_callback(None)
            if fail:
                raise RuntimeError
        return sorted(statement.split()[0] for statement in statements)

    def come_back(self) -> dict[Any, Any]:
        """Return the groups as another start would find them."""
        rows = KeptRows(self._database)
        kept = rows.load().get(SERVICE, {})
        KeptLogs(self._database, rows).give_back(kept)
        return dict(kept[GROUPS]._data) if GROUPS in kept else {}


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    """Nothing yet, in an account of its own."""
    monkeypatch.setattr(cloudwatch_logs, "_log_groups", AccountRegionScopedDict())
    monkeypatch.setattr(cloudwatch_logs, "_log_records", AccountRegionScopedDict())
    database = Database(tmp_path)
    made = Kept(database)
    groups = cloudwatch_logs._log_groups
    for name in ("a", "b"):
        groups[name] = {"retentionInDays": 7, "streams": {}}
        for stream in ("one", "two"):
            groups[name]["streams"][stream] = {**STREAM, "events": [event(1), event(2)]}
    yield made
    database.close()


def test_all_comes_back(kept: Kept) -> None:
    """Groups, their streams, the events, and the record that GetLogRecord reads of each event."""
    assert kept.write().count("INSERT") == 2 + 4 + 4
    there = dict(cloudwatch_logs._log_groups._data.items())
    cloudwatch_logs._log_records._data.clear()
    assert kept.come_back() == there
    records = {key[-1]: record["@message"] for key, record in cloudwatch_logs._log_records._data.items()}
    assert records == {"pointer-1": "line 1", "pointer-2": "line 2"}


def test_what_nobody_asked_for_is_not_looked_at(kept: Kept) -> None:
    """An event is one line and its stream's row, whatever else there is; what changes unasked is found in the end."""
    kept.write()
    assert kept.write() == []
    cloudwatch_logs._log_groups["a"]["streams"]["one"]["events"].append(event(3))
    assert kept.write() == ["INSERT"]
    unasked = next(iter(dict(cloudwatch_logs._log_groups._data).values()))
    dict.__getitem__(unasked["streams"], "two")["events"].append(event(4))
    assert kept.write() == []
    assert kept.write(whole=True) == ["INSERT"]
    assert [len(stream["events"]) for group in kept.come_back().values() for stream in group["streams"].values()] == [
        *(3, 3),
        *(2, 2),
    ]


def test_what_is_changed_a_little_later_is_found_in_the_next_round(kept: Kept) -> None:
    """A function's log has its lines after somebody has asked for the stream."""
    kept.write(a_round=True)
    later = cloudwatch_logs._log_groups["a"]["streams"]["one"]
    kept.write()
    later["events"].append(event(3))
    assert kept.write(a_round=True) == ["INSERT"]
    later["events"].append(event(4))
    assert kept.write(a_round=True) == ["INSERT"]
    later["events"].append(event(5))
    assert kept.write(a_round=True) == []


def test_what_is_removed_is_gone(kept: Kept) -> None:
    """A stream with its events, and a group with all of its own; one made anew has none of them."""
    kept.write()
    del cloudwatch_logs._log_groups["a"]["streams"]["one"]
    assert kept.write() == ["DELETE", "DELETE"]
    del cloudwatch_logs._log_groups["b"]
    assert kept.write() == ["DELETE"] * 5
    cloudwatch_logs._log_groups["b"] = {"retentionInDays": None, "streams": {}}
    kept.write()
    assert {key[-1]: {*group["streams"]} for key, group in kept.come_back().items()} == {"a": {"two"}, "b": set()}


def test_a_transaction_that_fails_is_written_again(kept: Kept) -> None:
    """What it would have written is not believed to be there."""
    with pytest.raises(RuntimeError):
        kept.write(fail=True)
    kept.rows.forget_written()
    kept.logs.forget_written()
    kept.write(whole=True)
    assert kept.come_back() == dict(cloudwatch_logs._log_groups._data)


def test_a_group_that_was_kept_with_its_streams_comes_back(kept: Kept) -> None:
    """As one row had all of them, once."""
    with kept._database.transaction() as connection:
        kept.rows.write(connection, SERVICE, {})
        group = {"retentionInDays": 1, "streams": {"old": {**STREAM, "events": []}}}
        kept.rows.write_one(connection, SERVICE, GROUPS, ("1", "r", "old"), group)
    assert kept.come_back()["1", "r", "old"]["streams"]["old"]["events"] == []
