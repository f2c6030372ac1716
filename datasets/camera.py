"""The camera: where a point of the brick's world falls in the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 48  # pixels: the pictures are square
# Fitted, rounded, to the outlines of the straight bricks in the lab's photos.
ELEVATION = 52.0  # degrees above the table
DISTANCE = 11.0  # stud pitches from the turntable's axis
STUD_PITCH = 11.3  # pixels a stud pitch spans on the axis
CENTRE = (25.7, 29.0)  # pixel (column, row) of the axis on the table


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A perspective camera that looks down at the origin from the south (negative y)."""

    elevation: float = ELEVATION
    distance: float = DISTANCE
    scale: float = STUD_PITCH
    centre: tuple[float, float] = CENTRE

    @property
    def position(self) -> NDArray[np.float64]:
        """Where the camera stands, (3,)."""
        rise = np.radians(self.elevation)
        return self.distance * np.array([0.0, -np.cos(rise), np.sin(rise)])

    def project(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the pixel (column, row) of each point: (n, 3) stud pitches to (n, 2) pixels of a 48x48 picture."""
        rise = np.radians(self.elevation)
        x, y, z = points.T
        up = y * np.sin(rise) + z * np.cos(rise)
        depth = y * np.cos(rise) - z * np.sin(rise)
        near = self.scale * self.distance / (self.distance + depth)
        return np.stack([self.centre[0] + x * near, self.centre[1] - up * near], axis=1)
