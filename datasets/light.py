"""The light: how bright a face is, by the way it looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Light:
    """Two lamps behind the brick, one to the left and one to the right, and what the room gives back.

    The defaults are measured on the lab's photos: walls that face the camera are lit by the room alone, they get
    brighter from 30 degrees off on, alike to either side, and what faces up is lit by both lamps.
    Strengths and brightness are shares of full white, angles are degrees.
    """

    azimuth: float = 120.0  # of either lamp, from the camera's side of the table
    turn: float = 3.0  # both lamps moved to the right
    across: float = 0.75  # strength on a wall that faces a lamp
    down: float = 0.33  # strength of each lamp on what faces up
    room: float = 0.09

    def __call__(self, normals: Floats) -> Floats:
        """Return the brightness of faces with these unit normals: (n, 3) to (n,), 0 black to 1 white."""
        right, left = (self._lamp(self.turn + side * self.azimuth) for side in (1, -1))
        return self.room + np.maximum(normals @ right, 0.0) + np.maximum(normals @ left, 0.0)

    def _lamp(self, azimuth: float) -> Floats:
        angle = np.radians(azimuth)
        return np.array([self.across * np.sin(angle), -self.across * np.cos(angle), self.down])
