"""The default data set, rendered once for each seed and kept."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock


def ensure(*, cache: Path, seed: int = 0) -> Path:
    """Return the folder in `cache` that holds the set of this seed; render it where it is not there yet.

    The folder's name is a hash of the rendering code, the seed, and numpy's and Pillow's versions. It is written
    under another name and renamed when whole, so that what is found is complete; while one process makes it, others
    wait.

    Raises OSError when the cache cannot be written, and ValueError when the seed is negative.
    """
    folder = cache / _identity(seed)
    if folder.is_dir():
        return folder
    from datasets.dataset import write  # noqa: PLC0415 - what draws; who finds a finished set needs no numpy

    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache.with_name(f"{cache.name}.lock")):
        if folder.is_dir():  # another process was first
            return folder
        unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=cache))
        try:
            write(unfinished, seed=seed)
            unfinished.chmod(0o755)
            unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _identity(seed: int) -> str:
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    digest.update(f"{seed} {version('numpy')} {version('pillow')}".encode())
    return digest.hexdigest()[:16]
