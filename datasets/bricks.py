"""The ten toy bricks as solids: stacks of slices between horizontal planes, in stud pitches (8 mm).

A brick lies on z = 0, x and y in the table's plane. It is a set of slices; a slice is the solid between a
polygon at its floor and a polygon of as many corners at its ceiling (a frustum), so a slope or a rounding is
a few thin slices. Slices of one brick share their planes: none reaches across another's floor or ceiling.
That is what lets `render` paint them from the lowest plane up without a depth buffer.

Body sizes are those commonly given for the real parts (a brick 9.6 mm high, a plate 3.2 mm). Studs, and the
curved end, the cog, the handles and the grill, are judged by eye from the lab's photos, not from drawings.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    Polygon = NDArray[np.float64]  # (corners, 2), counter-clockwise seen from above

_STUD_RADIUS = 0.31
_STUD_HEIGHT = 0.26
_BRICK_HEIGHT = 1.2
_PLATE_HEIGHT = 0.4


@dataclass(frozen=True, kw_only=True)
class Slice:
    """The solid between two polygons: `floor` at height `low`, `ceiling` at height `high`."""

    floor: Polygon
    ceiling: Polygon
    low: float
    high: float
    light: float = 1.0  # share of the light that reaches the ceiling: less in a recess


@dataclass(frozen=True, kw_only=True)
class Brick:
    """A solid, and how far from its origin the turntable's axis lies (measured on the lab's photos)."""

    slices: tuple[Slice, ...]
    off_axis: float


def _rectangle(x0: float, y0: float, x1: float, y1: float) -> Polygon:
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=np.float64)


def _arc(centre: tuple[float, float], radius: float, start: float, stop: float, corners: int) -> Polygon:
    """Return `corners` points of a circle from angle `start` to `stop`, in degrees."""
    turn = np.radians(np.linspace(start, stop, corners))
    arc: Polygon = centre + radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return arc


def _circle(centre: tuple[float, float], radius: float, corners: int = 20) -> Polygon:
    return _arc(centre, radius, 0, 360 - 360 / corners, corners)


def _divided(polygon: Polygon, parts: int = 4) -> Polygon:
    """Return the same outline, each side in `parts` pieces: walls of neighbouring solids then sort by distance."""
    step = (np.roll(polygon, -1, axis=0) - polygon) / parts
    return np.concatenate([start + np.arange(parts)[:, None] * way for start, way in zip(polygon, step, strict=True)])


def _prism(polygon: Polygon, *levels: float, light: float = 1.0) -> list[Slice]:
    """Return upright walls through the given heights, cut at each of them."""
    return [Slice(floor=polygon, ceiling=polygon, low=low, high=high, light=light) for low, high in pairwise(levels)]


def _loft(outline: Callable[[float], Polygon], *levels: float) -> list[Slice]:
    """Return sloping walls: `outline(height)` is the polygon at each of the given heights."""
    return [Slice(floor=outline(low), ceiling=outline(high), low=low, high=high) for low, high in pairwise(levels)]


def _studs(places: Iterable[tuple[float, float]], level: float) -> list[Slice]:
    return [part for place in places for part in _prism(_circle(place, _STUD_RADIUS), level, level + _STUD_HEIGHT)]


def _box(columns: int, rows: int) -> list[Slice]:
    """Return a brick of columns x rows studs, centred on the origin."""
    x, y = columns / 2, rows / 2
    places = [(i + 0.5 - x, j + 0.5 - y) for i in range(columns) for j in range(rows)]
    return _prism(_rectangle(-x, -y, x, y), 0, _BRICK_HEIGHT) + _studs(places, _BRICK_HEIGHT)


def _macaroni() -> list[Slice]:
    """Return a quarter of a ring, a stud wide, with a stud at either end."""
    ring = np.concatenate([_arc((-1, -1), 2, 0, 90, 14), _arc((-1, -1), 1, 90, 0, 10)])
    return _prism(ring, 0, _BRICK_HEIGHT) + _studs([(0.5, -0.5), (-0.5, 0.5)], _BRICK_HEIGHT)


def _curved_end() -> list[Slice]:
    """Return two stud towers at the back; a slope that bends down to the front, and narrows as it rises."""
    lip, top = 0.25, 0.8
    levels = np.linspace(lip, top, 8).tolist()

    def slope(height: float) -> Polygon:
        rise = (height - lip) / (top - lip)
        front = np.sqrt(1 - 0.97 * rise**2)
        side = 1 - 0.45 * rise**0.8
        return _divided(_rectangle(-0.95, -side, front, side))

    tower = np.concatenate([_arc((-0.55, -0.5), 0.4, 180, 360, 10), _arc((-0.55, 0.5), 0.4, 0, 180, 10)])
    return (
        _prism(_rectangle(-1, -1, 1, 1), 0, lip)
        + _loft(slope, *levels)
        + _prism(_divided(tower), *levels)
        + _studs([(-0.55, -0.5), (-0.55, 0.5)], top)
    )


def _cog() -> list[Slice]:
    """Return sixteen teeth about a ring; inside it a dark recess, a star-shaped hub with a star-shaped hole."""
    teeth, root, tip, thick = 16, 0.82, 1.1, 0.5
    radius = np.tile([tip, tip, root, root], teeth)
    turn = 2 * np.pi / teeth * (np.arange(teeth)[:, None] + [-0.16, 0.16, 0.34, 0.66]).ravel()
    outline = np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)
    rim = _keyhole(outline, _circle((0, 0), 0.68, 32))
    hub = _keyhole(_star(0.52, 0.28), _star(0.42, 0.17))
    return _prism(_circle((0, 0), 0.75, 24), 0, 0.1, light=0.05) + _prism(rim, 0, 0.1, thick) + _prism(hub, 0.1, thick)


def _star(point: float, notch: float) -> Polygon:
    """Return four points, and four notches between them, at these distances from the origin."""
    star: Polygon = _circle((0, 0), 1, 8) * np.tile([point, notch], 4)[:, None]
    return star


def _keyhole(outline: Polygon, hole: Polygon) -> Polygon:
    """Return one polygon with a hole: in through a slit at the first corners, round the hole, and out again."""
    inner = np.concatenate([hole[:1], hole[:0:-1], hole[:1]])
    return np.concatenate([outline, outline[:1], inner])


def _handles() -> list[Slice]:
    """Return a plate of two studs; along either end a round bar that reaches a stud's width beyond it."""
    levels = [round(_PLATE_HEIGHT * part, 3) for part in (0, 0.15, 0.5, 0.8, 0.95, 1)]
    radius, middle = _PLATE_HEIGHT / 2, _PLATE_HEIGHT / 2

    def bar(end: float) -> list[Slice]:
        def outline(height: float) -> Polygon:
            half = 0.03 + np.sqrt(max(0.0, radius**2 - (height - middle) ** 2))
            return _divided(_rectangle(-1, end - half, 1, end + half))

        return _loft(outline, *levels)

    return (
        _prism(_divided(_rectangle(-1, -0.95, 0, 0.95)), *levels)
        + _prism(_divided(_rectangle(-1, -1.3, 0, 1.3)), *levels[:3])
        + bar(-1.32)
        + bar(1.32)
        + _studs([(-0.5, -0.5), (-0.5, 0.5)], _PLATE_HEIGHT)
    )


def _grill() -> list[Slice]:
    """Return a tile of three ridges lengthwise, open between them, joined below at the ends and in the middle."""
    base = _PLATE_HEIGHT / 2
    levels = (0, base, _PLATE_HEIGHT)

    def ridge(middle: float) -> list[Slice]:
        def outline(height: float) -> Polygon:
            half = 0.14 - 0.08 * max(0.0, height - base) / base
            return _divided(_rectangle(-1, middle - half, 1, middle + half))

        return _loft(outline, *levels)

    joints = [_rectangle(x - half, -0.5, x + half, 0.5) for x, half in ((-0.88, 0.12), (0, 0.12), (0.88, 0.12))]
    return [
        *(part for middle in (-0.36, 0, 0.36) for part in ridge(middle)),
        *(part for joint in joints for part in _prism(_divided(joint), 0, base, light=0.3)),
    ]


@cache
def bricks() -> tuple[Brick, ...]:
    """Return all ten, in the order of `LABELS`."""
    shapes = (
        (_box(2, 3), 0.1),
        (_box(2, 2), 0.1),
        (_box(1, 3), 0.1),
        (_box(1, 2), 0.1),
        (_box(1, 1), 0.4),
        (_macaroni(), 0.15),
        (_curved_end(), 0.4),
        (_cog(), 0.6),
        (_handles(), 0.4),
        (_grill(), 0.15),
    )
    return tuple(Brick(slices=tuple(slices), off_axis=off_axis) for slices, off_axis in shapes)
