"""Where a training run reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Folders:
    """`code`: the source directory; `training`: the channel; the others are written to, the last two if asked for."""

    code: Path
    training: Path
    artifact: Path
    pictures: Path
    checkpoints: Path | None = None
    event_log: Path | None = None
