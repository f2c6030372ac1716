"""Which photos are next for one person: those that too few people have labelled, and this one has not.

Everybody has an order of their own, so that two people seldom meet at one photo; who do are both heard. Where the
uncertainty of a network is known, the photos that it is least sure of come first.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a job is, in photos: labelled by this person, by as many people as it takes, and all."""

    mine: int
    left: int  # for this person
    done: int
    photos: int

    def document(self) -> dict[str, Any]:
        """Return it for the page."""
        return asdict(self)


class Worklist:
    """The photos 0 to n-1 of a job, for one person; used by several threads."""

    def __init__(self, photos: int, *, people: int, worker: str, only: Collection[int] | None = None) -> None:
        """Begin with nobody's answer; `only` these photos are asked, if it is said which."""
        self._photos, self._people, self._worker = photos, people, worker
        self._asked = sorted(only) if only is not None else range(photos)
        self._lock = threading.Lock()
        self._others: dict[int, int] = {}
        self._mine: set[int] = set()
        self._skipped: dict[int, int] = {}
        self._order = sorted(self._asked, key=self._hash)

    def load(self, answers: Iterable[tuple[str, int]]) -> None:
        """Take over who has answered which photo, as the bucket knows it; this person's own answers are added to."""
        others: dict[int, int] = {}
        mine = set()
        for worker, photo in answers:
            if worker == self._worker:
                mine.add(photo)
            else:
                others[photo] = others.get(photo, 0) + 1
        with self._lock:
            self._others = others
            self._mine |= mine

    def rank(self, uncertainty: Mapping[int, float]) -> None:
        """Let the photos of the greatest uncertainty come first, those of none last."""
        order = sorted(self._asked, key=lambda photo: (-uncertainty.get(photo, -1.0), self._hash(photo)))
        with self._lock:
            self._order = order

    def answer(self, photo: int) -> bool:
        """Note this person's answer; return whether others had given as many as it takes before."""
        with self._lock:
            self._mine.add(photo)
            self._skipped.pop(photo, None)
            return self._others.get(photo, 0) >= self._people

    def take_back(self, photo: int) -> None:
        """Forget this person's answer."""
        with self._lock:
            self._mine.discard(photo)

    def skip(self, photo: int) -> None:
        """Put a photo behind all others of this run."""
        with self._lock:
            self._skipped[photo] = max(self._skipped.values(), default=0) + 1

    def has_answered(self, photo: int) -> bool:
        """Return whether this person has."""
        with self._lock:
            return photo in self._mine

    def next(self, count: int, *, besides: Collection[int] = ()) -> list[int]:
        """Return the next photos, but those that the page holds already."""
        with self._lock:
            found = [photo for photo in self._order if photo not in besides and self._is_open(photo)]
            found.sort(key=lambda photo: self._skipped.get(photo, 0))
            return found[:count]

    def over(self, photos: Collection[int]) -> list[int]:
        """Return which of these photos nobody needs to label any more."""
        with self._lock:
            return [photo for photo in photos if not self._is_open(photo)]

    def progress(self) -> Progress:
        """Return how far the job is."""
        with self._lock:
            given = {photo: self._others.get(photo, 0) + (photo in self._mine) for photo in self._asked}
            return Progress(
                mine=sum(photo in self._mine for photo in given),
                left=sum(map(self._is_open, given)),
                done=sum(count >= self._people for count in given.values()),
                photos=len(given),
            )

    def _is_open(self, photo: int) -> bool:
        return photo not in self._mine and self._others.get(photo, 0) < self._people

    def _hash(self, photo: int) -> bytes:
        return hashlib.blake2b(f"{self._worker}/{photo}".encode(), digest_size=8).digest()
