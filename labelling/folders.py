"""Labelled photos on this machine, a folder for each brick: as the setting lab.photos takes them."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from labelling.errors import LabellingError
from model_code.data import LABELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labelling.results import Results

_READERS = 16


def fetch(found: Results, folder: Path) -> Counter[str]:
    """Copy the photos whose label is a brick, named by their numbers, and return how many there are of each brick.

    The folder is whole or not there. Raises LabellingError if there is something in it, or no such photo.
    """
    store, names = found.store, found.store.task.labels
    bricks = {photo: names[each.label] for photo, each in found.consensus.items() if names[each.label] in LABELS}
    if folder.exists() and any(folder.iterdir()):
        raise LabellingError(f"There is something in {folder}: name an empty folder, or one that is to be made.")
    if not bricks:
        raise LabellingError(
            f"No photo of {store.task.name} has a brick for its label yet: `./lab label {store.task.name}` goes on."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".labelled-") as temporary:
        whole = Path(temporary) / "photos"
        for name in {*bricks.values()}:
            (whole / name).mkdir(parents=True)

        def copy(photo: int) -> None:
            key = store.lines[photo].key
            try:
                content = store.photo(photo)
            except ClientError as error:
                raise LabellingError(
                    f"s3://{store.task.bucket}/{key} can't be read ({error}): nothing was copied."
                ) from None
            (whole / bricks[photo] / f"{photo:06d}{PurePosixPath(key).suffix.lower()}").write_bytes(content)

        with ThreadPoolExecutor(_READERS) as pool:
            for _ in pool.map(copy, bricks):
                pass
        if folder.exists():
            folder.rmdir()
        whole.rename(folder)
    return Counter(bricks.values())


def missing(copied: Mapping[str, int]) -> list[str]:
    """Return the bricks of which no photo was copied: lab.photos needs one of each."""
    return [brick for brick in LABELS if not copied.get(brick)]
