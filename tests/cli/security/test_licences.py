"""docs/licences.md: true to the locks and to what is installed, and silent about no licence that asks for more."""

from __future__ import annotations

from email.message import Message
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest

from cli.security import licences
from cli.security.declared_licences import declared

if TYPE_CHECKING:
    from pathlib import Path


def test_the_page_is_true() -> None:
    """It has each package of the locks in its versions, and of those installed here the licence that they declare."""
    assert licences.problems(metadata.distributions()) == []


@pytest.mark.parametrize(
    ("line", "other", "told"),
    [
        ("| boto3 |", None, "boto3 .* is not there"),
        ("| boto3 |", "| boto2 | 1 | MIT | lab |", "boto2 is in no lock"),
        ("| aws-cdk |", "| aws-cdk | 1.0.0 | Apache-2.0 | Node |", r"aws-cdk 2\S* of Node is not there"),
        ("| aws-cdk |", "| aws-cdk | {} | AGPL-3.0-only | Node |", "NOTES say nothing of aws-cdk: AGPL-3.0-only"),
        ("| aws-cdk |", "| aws-cdk | {} | unknown | Node |", "the licence of aws-cdk is unknown"),
        ("| typer |", "| typer | {} | BSD-3-Clause | {} |", "typer is under MIT, not BSD-3-Clause"),
    ],
)
def test_what_is_not_true_is_told(
    line: str, other: str | None, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package too few or too many, another version, another licence, and one that asks for more without a note."""
    lines = licences.DOCUMENT.read_text().splitlines(keepends=True)
    at = max(number for number, each in enumerate(lines) if each.startswith(line))
    cells = lines[at].split(" | ")
    lines[at] = other.format(cells[1], cells[3].removesuffix(" |\n")) + "\n" if other else ""
    monkeypatch.setattr(licences, "DOCUMENT", tmp_path / "licences.md")
    licences.DOCUMENT.write_text("".join(lines))
    found = licences.problems(metadata.distributions())
    assert any(pytest.RaisesExc(ValueError, match=told).matches(ValueError(each)) for each in found), found


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ({"License-Expression": "apache-2.0 or MIT"}, "Apache-2.0 OR MIT"),
        ({"License": "Apache License, Version 2.0"}, "Apache-2.0"),
        ({"License": "MIT License\n\nCopyright (c) 2019 …"}, "MIT"),
        ({"License": "Copyright 2018", "Classifier": ["License :: OSI Approved :: BSD License"]}, "BSD"),
        ({"License": "BSD 3-Clause", "Classifier": ["License :: OSI Approved :: BSD License"]}, "BSD-3-Clause"),
        (
            {
                "License": "MIT",
                "Classifier": [
                    "License :: OSI Approved :: MIT License",
                    "License :: OSI Approved :: GNU General Public License (GPL)",
                ],
            },
            "GPL, MIT",
        ),
        ({"License": "UNKNOWN", "Classifier": ["Programming Language :: Python"]}, "unknown"),
    ],
)
def test_a_licence_is_read_as_it_is_declared(fields: dict[str, Any], licence: str) -> None:
    """By SPDX's identifier, from the expression, the field or the classifiers; of several licences, all."""
    about: Any = Message()
    for key, values in fields.items():
        for value in values if isinstance(values, list) else [values]:
            about[key] = value
    assert declared(about) == licence
