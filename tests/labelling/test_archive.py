"""The labelling page as a seat's notebook instance gets it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

from cli import paths
from infra import function_package
from labelling import archive

if TYPE_CHECKING:
    from pathlib import Path

IMPORT = """
import sys
checkout, there = sys.argv[1:]
sys.path[:] = [*(each for each in sys.path if each != checkout), there]
import labelling.notebook, pages
print(pages.STATIC)
"""


def test_it_needs_nothing_else_of_the_lab_s(tmp_path: Path) -> None:
    """Where nothing of ours is but the archive, a notebook can import the page, with its files."""
    zipped, there = tmp_path / archive.ARCHIVE, tmp_path / "there"
    function_package.write(zipped, archive.files(paths.ROOT))
    with zipfile.ZipFile(zipped) as packed:
        packed.extractall(there)
    command = [sys.executable, "-I", "-c", IMPORT, str(paths.ROOT), str(there)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == f"{there / 'pages' / 'static'}\n", done.stderr
    assert (there / "labelling" / "static" / "bricks" / "0.png").exists()


def test_it_is_the_same_each_time(tmp_path: Path) -> None:
    """A deployment changes it only when the page has changed."""
    archives = [tmp_path / name for name in ("one.zip", "two.zip")]
    for each in archives:
        function_package.write(each, archive.files(paths.ROOT))
    assert archives[0].read_bytes() == archives[1].read_bytes()
