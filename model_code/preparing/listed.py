"""A file that a photo is expected in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Its S3 address `uri`, its `path` below the photos' folder, and the class 0..9 that its folder says."""

    uri: str
    path: str
    label: int
