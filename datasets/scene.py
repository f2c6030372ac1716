"""One random photo of a brick: what varies from picture to picture, and how far.

The lab's photos share one camera and one light, with another exposure for each brick. Here all of it varies a
little for every brick, so that a network cannot tell bricks by their exposure. The ranges were chosen by trying.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from datasets.bricks import bricks
from datasets.camera import CENTRE, DISTANCE, ELEVATION, STUD_PITCH, Camera
from datasets.light import Light
from datasets.photo import canvas, develop
from datasets.render import paint

if TYPE_CHECKING:
    from numpy.typing import NDArray


def photograph(label: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a picture of the brick of this label at a random turn, (48, 48)."""
    picture = canvas(rng)
    paint(
        label,
        picture,
        turn=rng.uniform(0, 2 * np.pi),
        offset=_offset(bricks()[label].off_axis, rng),
        camera=_camera(rng),
        light=_light(rng),
    )
    return develop(picture, rng)


def _offset(reach: float, rng: np.random.Generator) -> tuple[float, float]:
    """Return where on the turntable the brick lies, in stud pitches from its axis."""
    way = rng.uniform(0, 2 * np.pi)
    far = reach * rng.uniform(0.7, 1.2)
    return float(far * np.cos(way)), float(far * np.sin(way))


def _camera(rng: np.random.Generator) -> Camera:
    return Camera(
        elevation=ELEVATION + rng.uniform(-1.5, 1.5),
        distance=DISTANCE * rng.uniform(0.9, 1.15),
        scale=STUD_PITCH * rng.uniform(0.96, 1.04),
        centre=(CENTRE[0] + rng.uniform(-1.2, 1.2), CENTRE[1] + rng.uniform(-1.2, 1.2)),
    )


def _light(rng: np.random.Generator) -> Light:
    return Light(
        azimuth=rng.uniform(110, 130),
        turn=rng.uniform(-10, 15),
        across=rng.uniform(0.65, 0.85),
        down=rng.uniform(0.27, 0.4),
        room=rng.uniform(0.03, 0.15),
    )
