"""Each hyperparameter has one default and one rule, whoever starts the training: settings, cdk.json or train.py."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from command_line import parse_flags
from infra.settings import Settings, SettingsError, read

ROOT = Path(__file__).parents[2]
NAMES = ("epochs", "batch_size", "learning_rate", "hidden_units", "seed", "loop", "backend")


def test_the_script_alone_trains_as_the_lab_does() -> None:
    """train.py without a flag has the hyperparameters that the lab's settings give it."""
    folders = ("--training", "in", "--artifact_dir", "model", "--output_data_dir", "out")
    given = {name: str(getattr(Settings(), name)) for name in NAMES}
    assert given.items() >= Settings().hyperparameters().items()
    flags = [text for name, value in given.items() for text in (f"--{name}", value)]
    assert parse_flags(folders, {})[1] == parse_flags([*folders, *flags], {})[1]


@pytest.mark.parametrize(
    ("name", "highest", "beyond"),
    [
        ("epochs", "10000", "10001"),
        ("batch_size", "65536", "65537"),
        ("learning_rate", "1", "1.001"),
        ("hidden_units", "99999,1", "100000"),
        ("seed", "4294967295", "4294967296"),
        ("loop", "custom", "fast"),
        ("backend", "torch", "mxnet"),
    ],
)
def test_the_script_takes_what_the_settings_take(name: str, highest: str, beyond: str) -> None:
    """What is too much for one is too much for the other, and they read the rest alike."""
    folders = ("--training", "in", "--artifact_dir", "model", "--output_data_dir", "out")
    given = str(getattr(read({"lab": {name: highest}}), name))
    assert parse_flags([*folders, f"--{name}={highest}"], {})[1] == parse_flags([*folders, f"--{name}={given}"], {})[1]
    with pytest.raises(SettingsError, match=f"lab.{name} = "):
        read({"lab": {name: beyond}})
    with pytest.raises(ValueError, match=f"{name} is '{beyond}'; it needs to be"):
        parse_flags([*folders, f"--{name}={beyond}"], {})


def test_what_is_written_down_is_what_holds() -> None:
    """cdk.json's settings and the README's table show the defaults."""
    lab = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]["lab"]
    assert {name: lab[name] for name in NAMES if name in lab} == {
        name: getattr(Settings(), name) for name in NAMES if name in lab
    }
    shown: dict[str, str] = {}
    for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines():
        if re.match(r"\| `\w+`(, `\w+`)* \| `", line):
            keys, values = (re.findall(r"`([^`]+)`", cell) for cell in line.split("|")[1:3])
            shown |= dict(zip(keys, values, strict=False))
    assert {name: shown[name].strip('"') for name in NAMES} == {name: str(getattr(Settings(), name)) for name in NAMES}
