"""A service's state is kept in rows, and of what only grows no more is looked at than what has come."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from ministack.core.responses import AccountScopedDict
from ministack.services import sts

from embedded_aws.database import Database
from embedded_aws.patches import service_states
from embedded_aws.patches.kept_rows import KeptRows

if TYPE_CHECKING:
    from pathlib import Path


def written(database: Database, rows: KeptRows, **stores: Any) -> list[str]:
    """Write stores; the statements that it took."""
    statements: list[str] = []
    with database.transaction() as connection:
        connection.set_trace_callback(statements.append)
        rows.write(connection, "service", stores)
        connection.set_trace_callback(None)
    return statements


@pytest.mark.parametrize("store", ["sessions", "others"])
def test_what_has_come_and_what_is_gone(tmp_path: Path, store: str) -> None:
    """One row is written for one that has come, and one removed for one that is gone."""
    database = Database(tmp_path)
    rows = KeptRows(database)
    held: AccountScopedDict[Any] = AccountScopedDict()
    held._data = {("", f"key {number}"): {"Number": number} for number in range(5)}
    assert len(written(database, rows, **{store: held})) == 5
    held._data["", "new"] = {"Number": 5}
    [statement] = written(database, rows, **{store: held})
    assert statement.startswith("INSERT")
    assert written(database, rows, **{store: held}) == []
    del held._data["", "key 2"]
    held._data["", "newer"] = {"Number": 6}
    assert [each.split()[0] for each in written(database, rows, **{store: held})] == ["INSERT", "DELETE"]
    assert KeptRows(database).load()["service"][store]._data == held._data
    database.close()


def test_sessions_as_they_were_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state in which all are one row is read, and written in rows of their own."""
    database = Database(tmp_path)
    rows = KeptRows(database)
    monkeypatch.setattr(sts, "_sessions", {})
    with database.transaction() as connection:
        row = (service_states.OTHERS, "sessions", "", json.dumps([["AKIA1", {"Arn": "a"}]]))
        connection.execute("INSERT INTO services VALUES (?, ?, ?, ?)", row)
    service_states.give_back(rows.load())
    assert sts._sessions == {"AKIA1": {"Arn": "a"}}
    with database.transaction() as connection:
        rows.write(connection, service_states.OTHERS, service_states.others())
    assert dict(rows.load()[service_states.OTHERS]["sessions"]._data) == {("", "AKIA1"): {"Arn": "a"}}
    database.close()
