"""The zip of the Lambda function that serves the model: its packages for Lambda's machines, and the code beside them.

uv installs for another machine than this one, so that nothing has to be compiled and no container is needed. What a
function never imports is left out: Lambda takes 250 MB, unpacked (its guide, "Lambda quotas").
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PYTHON = "3.12"
GLIBC = (2, 28)
"""What its compiled code needs. Lambda's Python 3.12 runs on Amazon Linux 2023, whose glibc is 2.34 (its guide, "Lambda
runtimes")."""
_PLATFORM = f"x86_64-manylinux_{GLIBC[0]}_{GLIBC[1]}"
REQUIREMENTS = "requirements-served.txt"
SERVED = ("served.py", "litert.py", "inference.py", "network.py", "novelty.py", "photo.py", "image_file.py", "data.py")
"""Of model_code: what answers for a model outside of SageMaker."""
_ENTRY = "lambda_function.py"

_LEFT_OUT = {"__pycache__", "tests", "bin", "include"}  # folders
_LEFT_OUT_ENDINGS = (".pyi", ".pyx", ".pxd", ".h", ".c", ".hpp", ".lib", ".a")
_SINCE = (1980, 1, 1, 0, 0, 0)  # the first date that a zip can say


class PackageError(Exception):
    """Why there is no package; the message says what to do."""


def ensure(model_code: Path, *, cache: Path) -> Path:
    """Return the zip for this code and these packages; it is made at first use, and kept in the folder `cache`.

    Raises PackageError if the packages can't be had.
    """
    sources = [model_code / name for name in (*SERVED, _ENTRY)]
    zipped = cache / f"{_digest(model_code / REQUIREMENTS, Path(__file__), *sources)}.zip"
    if not zipped.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as place:
            installed = Path(place) / "installed"
            _install(model_code / REQUIREMENTS, installed)
            unfinished = Path(place) / "unfinished.zip"
            write(unfinished, {**dict(_kept(installed)), **{source.name: source for source in sources}})
            os.replace(unfinished, zipped)  # noqa: PTH105 - the same in one word; another process may have been first
    return zipped


def _digest(*files: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _install(requirements: Path, target: Path) -> None:
    from uv import find_uv_bin  # noqa: PLC0415 - who serves with no function needs none

    command = [find_uv_bin(), "pip", "install", "--quiet", "--target", str(target), "--python-version", PYTHON]
    command += ["--python-platform", _PLATFORM, "--only-binary", ":all:", "--require-hashes", "-r", str(requirements)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
        raise PackageError(
            f"lab.serve_also has 'lambda', and the function's packages could not be installed ({said[-1]}); see that "
            "the package index can be reached, and try again."
        )


def _kept(installed: Path) -> Iterator[tuple[str, Path]]:
    for file in sorted(installed.rglob("*")):
        inside = file.relative_to(installed)
        if file.is_file() and not file.name.endswith(_LEFT_OUT_ENDINGS) and not _LEFT_OUT & set(inside.parts):
            yield inside.as_posix(), file


def write(zipped: Path, files: dict[str, Path]) -> None:
    """Write a zip that is the same bytes whenever it is made of the same files."""
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, file in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _SINCE)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, file.read_bytes())
