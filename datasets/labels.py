"""The names of the ten toy bricks, in the order of their labels 0 to 9."""

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
