"""The lab's settings as the CDK will see them: cdk.json, and `-c lab.KEY=VALUE` over it."""

from __future__ import annotations

import json
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import paths
from cli.ui.errors import LabError
from infra import settings as door

if TYPE_CHECKING:
    from collections.abc import Sequence

_FILES = ("lab.data", "lab.photos", "lab.seats")


def read(context: Sequence[str], **instead: Any) -> door.Settings:
    """Raises LabError that names every wrong setting. `instead` are values in the place of what stands there."""
    overrides = {**dict(pair(text) for text in context), **{f"lab.{key}": value for key, value in instead.items()}}
    given = document()["context"]
    try:
        # The CDK reads cdk.json's paths from where that lies; so do we, from wherever the command is run.
        with chdir(paths.ROOT):
            return door.read({**given, **overrides})
    except door.SettingsError as error:
        raise LabError(str(error)) from None


def document() -> dict[str, Any]:
    """What cdk.json holds. Raises LabError when that can't be read."""
    try:
        found: dict[str, Any] = json.loads(paths.CDK_JSON.read_text())
        found["context"].setdefault("lab", {})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LabError(f"cdk.json can't be read ({error!r}): `git diff cdk.json` shows what changed.") from None
    return found


def write(**values: Any) -> None:
    """Set settings in cdk.json, in one step: an interruption leaves the old file or the new one."""
    changed = document()
    changed["context"]["lab"].update(values)
    new = paths.CDK_JSON.with_name(".cdk.json.new")
    new.write_text(json.dumps(changed, indent=2, ensure_ascii=False) + "\n")
    new.replace(paths.CDK_JSON)


def absolute(context: Sequence[str] | None) -> list[str]:
    """The overrides, with paths as they are seen from where the command is run: the CDK runs elsewhere."""
    return [f"{key}={_path(value) if key in _FILES else value}" for key, value in map(pair, context or [])]


def pair(text: str) -> tuple[str, str]:
    """Key and value of `lab.KEY=VALUE`. Raises LabError for anything else."""
    key, separator, value = text.partition("=")
    if not separator or not key.startswith("lab."):
        raise LabError(f"-c {text}: a setting is given as lab.KEY=VALUE, for example `-c lab.epochs=20`.")
    return key, value


def _path(value: str) -> str:
    return str(Path(value).resolve()) if value and Path(value).exists() else value
