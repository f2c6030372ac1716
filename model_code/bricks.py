"""What the lab sorts: ten kinds of toy bricks, seen in square grey pictures."""

from __future__ import annotations

SIDE = 48
"""Height and width of a picture, in pixels."""

LABELS = (
    "2x3 Brick",
    "2x2 Brick",
    "1x3 Brick",
    "2x1 Brick",
    "1x1 Brick",
    "2x2 Macaroni",
    "2x2 Curved End",
    "Cog 16 Tooth",
    "1x2 Handles",
    "1x2 Grill",
)
"""The name of class 0, 1, … 9."""
