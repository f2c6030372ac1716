"""Seats are written down where they stand: in cdk.json, or in the roster that it names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli import paths, settings
from cli.ui.errors import Interrupted, LabError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def cdk_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Path]:
    """A copy of cdk.json with these seats, in the place of the repository's."""

    def make(seats: Any) -> Path:
        document = json.loads((paths.ROOT / "cdk.json").read_text())
        document["context"]["lab"]["seats"] = seats
        file = tmp_path / "cdk.json"
        file.write_text(json.dumps(document, indent=2) + "\n")
        monkeypatch.setattr(paths, "CDK_JSON", file)
        return file

    return make


def seats_in(file: Path) -> Any:
    """What cdk.json says of the seats."""
    return json.loads(file.read_text())["context"]["lab"]["seats"]


def names(change: settings.SeatsChange) -> list[str]:
    """The seats that the settings will have."""
    return [seat.name for seat in change.settings.seats]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (2, ["seat-01", "seat-02", "José"]),
        ("ada, grace", ["ada", "grace", "José"]),
        (["Ada"], ["Ada", "José"]),
        (0, ["José"]),
    ],
)
def test_a_seat_is_added_to_cdk_json(cdk_json: Callable[[Any], Path], before: Any, after: list[str]) -> None:
    """Whatever stood there becomes a list of names, as they were written; nothing else of the file changes."""
    file = cdk_json(before)
    lines = file.read_text().splitlines()
    change = settings.add_seats([], ["José"])
    assert seats_in(file) == before
    change.write()
    assert seats_in(file) == after
    assert names(change)[-1] == "jose"
    assert file.read_text().splitlines()[-50:] == lines[-50:]


def test_a_seat_is_taken_out_of_cdk_json(cdk_json: Callable[[Any], Path]) -> None:
    """Of three numbered seats two remain, by their names."""
    file = cdk_json(3)
    settings.remove_seats([], ["seat-02"]).write()
    assert seats_in(file) == ["seat-01", "seat-03"]
    assert [seat.name for seat in settings.read([]).seats] == ["seat-01", "seat-03"]


def test_a_roster_that_cdk_json_names_is_changed_itself(cdk_json: Callable[[Any], Path], tmp_path: Path) -> None:
    """cdk.json goes on naming the file, and the file keeps its other columns."""
    roster = tmp_path / "class.csv"
    roster.write_text("id;name;email\n1;Ada;a@school.example\n2;Grace;\n")
    file = cdk_json(str(roster))
    settings.add_seats([], ["Edsger"]).write()
    settings.remove_seats([], ["grace"]).write()
    assert seats_in(file) == str(roster)
    assert roster.read_text() == "id;name;email\n1;Ada;a@school.example\n;Edsger;\n"


@pytest.mark.parametrize("refusal", [LabError("the app refuses it"), Interrupted("Ctrl-C")])
def test_seats_that_can_not_be_synthesised_are_not_written_down(
    cdk_json: Callable[[Any], Path], tmp_path: Path, refusal: BaseException
) -> None:
    """The roster and cdk.json are, byte for byte, what they were."""
    roster = tmp_path / "class.csv"
    roster.write_bytes(b'"name";email\r\nAda;"a@school.example"\r\n')
    for seats, file in ((str(roster), roster), (["ada"], tmp_path / "cdk.json")):
        cdk_json(seats)
        before = file.read_bytes()
        written: list[bytes] = []

        def refuse(file: Path = file, written: list[bytes] = written) -> None:
            written.append(file.read_bytes())
            raise refusal

        with pytest.raises(type(refusal)), settings.add_seats([], ["Grace"]).written():
            refuse()
        assert b"Grace" in written[0]
        assert file.read_bytes() == before


@pytest.mark.parametrize("name", ["ada", "", "x" * 31, "Ada B"])
def test_a_name_that_can_not_be_changes_nothing(cdk_json: Callable[[Any], Path], name: str) -> None:
    """A seat there is already, no name, a name too long, and one that begins with another seat's."""
    file = cdk_json(["ada"])
    with pytest.raises(LabError, match="Nothing was changed"):
        settings.add_seats([], [name])
    assert seats_in(file) == ["ada"]


def test_a_relative_path_is_seen_from_where_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An override's path is the user's, whose folder is not the CDK's; what is no file stays as it is."""
    (tmp_path / "class.csv").write_text("name\nAda\n")
    monkeypatch.chdir(tmp_path)
    assert settings.absolute(["lab.seats=class.csv", "lab.epochs=3", "lab.seats=ada"]) == [
        f"lab.seats={tmp_path / 'class.csv'}",
        "lab.epochs=3",
        "lab.seats=ada",
    ]


@pytest.mark.parametrize("text", ["not json", "[]", '{"context": 3}'])
def test_a_broken_cdk_json_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Not a traceback, but the file and the next step."""
    (tmp_path / "cdk.json").write_text(text)
    monkeypatch.setattr(paths, "CDK_JSON", tmp_path / "cdk.json")
    with pytest.raises(LabError, match=r"cdk\.json can't be read .* `git diff cdk\.json`"):
        settings.read([])
