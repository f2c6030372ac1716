"""The seats of a class: a number, names or a roster become safe names, or sentences that say why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra import roster
from infra.seats import parse

if TYPE_CHECKING:
    from pathlib import Path


def names(value: object) -> tuple[str, ...]:
    """The safe names that a value stands for."""
    return tuple(seat.name for seat in parse(value))


def problems(value: object) -> list[str]:
    """What is wrong with a value, a line each."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse(value)
    return [line.strip() for line in str(caught.value).splitlines() if line.strip()]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a roster lies."""
    return tmp_path / "class.csv"


@pytest.mark.parametrize(
    ("given", "seats"),
    [
        (0, ()),
        ("0", ()),
        ("", ()),
        (2, ("seat-01", "seat-02")),
        (" 2 ", ("seat-01", "seat-02")),
        ("ada,grace", ("ada", "grace")),
        ("ada, grace", ("ada", "grace")),
        (["ada", "grace"], ("ada", "grace")),
    ],
)
def test_seats_are_a_number_or_names(given: object, seats: tuple[str, ...]) -> None:
    """A number of seats numbers them; safe names stay as they are."""
    assert names(given) == seats


def test_a_hundred_seats_are_allowed() -> None:
    """The most seats a lab has is 100, and the last is seat-100; none is the beginning of another."""
    assert names("100")[-1] == "seat-100"
    assert problems([f"student {number}" for number in range(101)]) == ["must be at most 100 seats, not 101"]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Ada Lovelace", "ada-lovelace"),
        ("José Núñez", "jose-nunez"),
        ("O'Neil", "o-neil"),
        ("李明", "li-ming"),
        ("  Zoë  ", "zoe"),
        ("4711", "4711"),
        ("a_b.c", "a-b-c"),
    ],
)
def test_names_are_made_safe(written: str, name: str) -> None:
    """Students have names that AWS has not: they become lower-case letters, digits and single hyphens."""
    assert names([written]) == (name,)


def test_what_can_not_be_made_safe_is_named() -> None:
    """Empty names, names without a letter and names too long are each told, all at once."""
    said = problems(["", "!?", "x" * 200, "ada"])
    assert said == [
        "a seat has no name: give it one, or take the line out",
        "'!?' has no letter or digit that a name on AWS can have: write it with letters a to z",
        f"'{'x' * 40}…' makes a name of 200 characters: shorten it to at most 30",
    ]


def test_two_that_collide_are_both_named() -> None:
    """Two names that make one seat, and a name that another one begins with: its work would be the first one's too."""
    [same] = problems(["José", "jose"])
    assert same.startswith("'José' and 'jose' both make the seat jose")
    [beginning] = problems(["Ana Maria", "Ana", "Anabel"])
    assert beginning.startswith("'Ana' and 'Ana Maria' make the seats ana and ana-maria")
    assert names(["Ana 1", "Ana Maria", "Anabel"]) == ("ana-1", "ana-maria", "anabel")


@pytest.mark.parametrize(
    "text",
    [
        "name,email\nAda,ada@school.example\nGrace,\n",
        "name\nAda\n\nGrace",
        "\ufeffID;Name;E-Mail;Email\r\n1;Ada;;ada@school.example\r\n2;Grace\r\n",
        "Email\tName\nada@school.example\tAda\n\tGrace\n",
    ],
)
def test_a_roster_is_read_as_spreadsheets_write_it(file: Path, text: str) -> None:
    """Commas, semicolons or tabs, with or without a byte order mark, other columns and empty lines."""
    file.write_text(text, encoding="utf-8")
    seats = parse(str(file))
    assert [seat.name for seat in seats] == ["ada", "grace"]
    assert seats[0].email == ("ada@school.example" if "mail" in text else "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must begin with a header that has a column name"),
        ("student\nAda\n", "it begins 'student'"),
        ("name,email\n,x@school.example\n", "line 2 has no name: give it one, or take the line out"),
        ("name\nAda\nGrace\nada\n", "'Ada' (line 2) and 'ada' (line 4) both make the seat ada"),
        ("name\n" + "x" * 200 + "\n", "(line 2) makes a name of 200 characters"),
        ("name\nLovelace, Ada\n", "line 2 has more fields than the header: quote what holds a comma"),
        ('name\n"Ada\n', "is not CSV"),
        ("name\n" + "x" * 1_000_001, "must be a roster of a class"),
    ],
)
def test_a_wrong_roster_is_told_by_line(file: Path, text: str, said: str) -> None:
    """Every mistake in a roster is one sentence with its line."""
    file.write_text(text, encoding="utf-8")
    assert said in problems(str(file))[0]


def test_a_roster_that_is_no_text_is_told(file: Path, tmp_path: Path) -> None:
    """An old encoding, a folder and nothing at all are told apart."""
    file.write_bytes("name\nJosé\n".encode("latin-1"))
    assert "CSV UTF-8" in problems(str(file))[0]
    assert "No such file" in problems(str(tmp_path / "none.csv"))[0]
    (tmp_path / "folder.csv").mkdir()
    assert "Is a directory" in problems(str(tmp_path / "folder.csv"))[0]


def test_a_roster_is_written_as_it_was(file: Path) -> None:
    """Names are added and lines taken out; columns, delimiter, mark and all other lines stay."""
    file.write_text("\ufeffID;Name;Email\n1;Ada;a@school.example\n2;Grace;\n", encoding="utf-8")
    found = roster.read(file)
    found.without_lines({3}).with_names(["Edsger W."]).write(file)
    assert file.read_text(encoding="utf-8") == "\ufeffID;Name;Email\n1;Ada;a@school.example\n;Edsger W.;\n"
