"""The default data set, rendered once for each seed and kept."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path


def ensure(*, cache: Path, seed: int = 0) -> Path:
    """Return the folder in `cache` that holds the set of this seed; render it where it is not there yet.

    The folder's name is a hash of the rendering code, the seed, and numpy's and Pillow's versions. It is written
    under another name and renamed when whole, so that what is found is complete, also when two processes make it.

    Raises OSError when the cache cannot be written, and ValueError when the seed is negative.
    """
    folder = cache / _identity(seed)
    if folder.is_dir():
        return folder
    from datasets.dataset import write  # noqa: PLC0415 - what draws; who finds a finished set needs no numpy

    cache.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=cache))
    try:
        write(unfinished, seed=seed)
        unfinished.chmod(0o755)
        _settle(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _settle(unfinished: Path, folder: Path) -> None:
    """Rename to the final name; a folder that another process put there first is as good."""
    try:
        unfinished.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _identity(seed: int) -> str:
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    digest.update(f"{seed} {version('numpy')} {version('pillow')}".encode())
    return digest.hexdigest()[:16]
