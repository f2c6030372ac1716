"""The folder with the data: the team's own four files or photos, or the four files of the default renders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.settings import Settings


def folder(settings: Settings, environ: Mapping[str, str]) -> Path:
    """`lab.data` or `lab.photos` if one is set; else the renders, made at first use and kept in the user's cache."""
    if settings.data or settings.photos:
        return Path(settings.data or settings.photos)
    from datasets import ensure  # noqa: PLC0415 a team's own data needs no renderer, and synth no numpy

    cache = environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return ensure(cache=Path(cache) / "bricklab" / "datasets")
