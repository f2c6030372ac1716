"""The lab's settings as the CDK will see them: cdk.json, and `-c lab.KEY=VALUE` over it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cli import paths
from cli.errors import LabError
from infra import settings as door

if TYPE_CHECKING:
    from collections.abc import Sequence


def read(context: Sequence[str]) -> door.Settings:
    """Raises LabError that names every wrong setting."""
    overrides = dict(_pair(text) for text in context)
    try:
        given = json.loads((paths.ROOT / "cdk.json").read_text())["context"]
    except (OSError, json.JSONDecodeError, KeyError) as error:
        raise LabError(f"cdk.json can't be read ({error!r}): `git diff cdk.json` shows what changed.") from None
    try:
        return door.read({**given, **overrides})
    except door.SettingsError as error:
        raise LabError(str(error)) from None


def _pair(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key.startswith("lab."):
        raise LabError(f"-c {text}: a setting is given as lab.KEY=VALUE, for example `-c lab.epochs=20`.")
    return key, value
