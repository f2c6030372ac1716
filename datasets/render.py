"""Paints a brick: walls and ceilings as filled polygons, the hidden ones covered by later ones.

Seen from above every plane of a brick, what lies higher covers what lies lower. So slices are painted from the
bottom up; within a slice first the walls that face the camera, from the far ones to the near, then the ceiling.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import ImageDraw

from datasets.bricks import bricks
from datasets.photo import OVERSAMPLING

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    from datasets.camera import Camera
    from datasets.light import Light

    Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class _Mesh:
    """A brick as faces: `points` (n, 3) holds their corners one face after another."""

    points: Floats
    starts: NDArray[np.intp]  # (faces + 1,) where each face begins in `points`
    normals: Floats  # (faces, 3)
    layer: Floats  # (faces,) painted in rising order
    light: Floats  # (faces,)


def paint(
    label: int, picture: Image.Image, *, turn: float, offset: tuple[float, float], camera: Camera, light: Light
) -> None:
    """Paint the brick of this label onto the picture: moved by `offset` (stud pitches), then turned (radians)."""
    mesh = _mesh(label)
    cos, sin = np.cos(turn), np.sin(turn)
    rotation = np.array([(cos, sin, 0), (-sin, cos, 0), (0, 0, 1)])
    points = (mesh.points + np.array([*offset, 0.0])) @ rotation
    normals = mesh.normals @ rotation
    middles = np.add.reduceat(points, mesh.starts[:-1]) / np.diff(mesh.starts)[:, None]
    towards = camera.position - middles
    visible = np.flatnonzero(np.einsum("ij,ij->i", normals, towards) > 0)
    order = visible[np.lexsort((-np.hypot(towards[visible, 0], towards[visible, 1]), mesh.layer[visible]))]
    pixels = camera.project(points) * OVERSAMPLING
    grey = np.clip(np.rint(light(normals) * mesh.light * 255), 0, 255).astype(int)
    draw = ImageDraw.Draw(picture)
    for face in order:
        corners = pixels[mesh.starts[face] : mesh.starts[face + 1]]
        draw.polygon(corners.ravel().tolist(), fill=int(grey[face]))


@cache
def _mesh(label: int) -> _Mesh:
    faces: list[Floats] = []
    layer: list[float] = []
    light: list[float] = []
    for part in bricks()[label].slices:
        floor = np.column_stack([part.floor, np.full(len(part.floor), part.low)])
        ceiling = np.column_stack([part.ceiling, np.full(len(part.ceiling), part.high)])
        walls = np.stack([floor, np.roll(floor, -1, axis=0), np.roll(ceiling, -1, axis=0), ceiling], axis=1)
        faces += [*walls, ceiling]
        layer += [part.high] * len(walls) + [part.high + 1e-6]
        light += [1.0] * len(walls) + [part.light]
    return _Mesh(
        points=np.concatenate(faces),
        starts=np.cumsum([0, *map(len, faces)]),
        normals=np.array([_normal(face) for face in faces]),
        layer=np.array(layer),
        light=np.array(light),
    )


def _normal(face: Floats) -> Floats:
    """Return the unit normal by Newell's method, (3,): it stays right for polygons that are not convex."""
    normal: Floats = np.cross(face, np.roll(face, -1, axis=0)).sum(axis=0)
    return normal / float(np.linalg.norm(normal))
