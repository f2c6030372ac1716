"""Where a training run reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Folders:
    """`code`: the source directory; `training`: the channel; `artifact` and `pictures`: what is written."""

    code: Path
    training: Path
    artifact: Path
    pictures: Path
