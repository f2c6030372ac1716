"""sourcedir.tar.gz: the same code is the same training job."""

from __future__ import annotations

import io
import os
import tarfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def pack(code: Path, **options: list[str]) -> bytes:
    """`infra.constructs.source_directory.pack`, which the CDK is imported for."""
    from infra.constructs import source_directory

    return source_directory.pack(code, **options)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A folder of code with things in it that are none."""
    folder = tmp_path / "code"
    (folder / "__pycache__").mkdir(parents=True)
    for name in ("train.py", "data.py", "requirements.txt", "notes.md", "__pycache__/train.pyc"):
        (folder / name).write_text(name)
    return folder


def test_only_code_is_packed(code: Path) -> None:
    """Python files and requirements lie at the archive's root, in order; nothing else does."""
    with tarfile.open(fileobj=io.BytesIO(pack(code))) as archive:
        assert archive.getnames() == ["data.py", "requirements.txt", "train.py"]


def test_other_requirements_are_installed_too(code: Path) -> None:
    """The toolkit reads requirements.txt alone, so the lines of another file follow its own there."""
    (code / "requirements.txt").write_text("pillow==1\n")
    (code / "requirements-jax.txt").write_text("jax==2\n")
    with tarfile.open(fileobj=io.BytesIO(pack(code, also=["requirements-jax.txt"]))) as archive:
        installed, other = (archive.extractfile(name) for name in ("requirements.txt", "requirements-jax.txt"))
        assert installed is not None
        assert other is not None
        assert installed.read() == b"pillow==1\njax==2\n"
        assert other.read() == b"jax==2\n"


def test_times_owners_and_modes_do_not_count(code: Path) -> None:
    """A fresh checkout of the same code gives the same bytes."""
    before = pack(code)
    os.utime(code / "train.py", (1, 1))
    (code / "train.py").chmod(0o755)
    assert pack(code) == before


def test_a_changed_line_counts(code: Path) -> None:
    """Other code is another archive."""
    before = pack(code)
    (code / "train.py").write_text("other")
    assert pack(code) != before


def test_the_asset_is_named_by_its_content(code: Path, tmp_path: Path) -> None:
    """Two synths of the same code publish the same object, a gzip that unpacks to the code."""
    import aws_cdk as cdk

    from infra.constructs.source_directory import SourceDirectory

    written = []
    for place in ("one", "two"):
        app = cdk.App(outdir=str(tmp_path / place))
        SourceDirectory(cdk.Stack(app, "Stack"), "Source", folder=code)
        app.synth()
        [asset] = (tmp_path / place).glob("asset.*.tar.gz")
        written.append((asset.name, asset.read_bytes()))
        with tarfile.open(asset, mode="r:gz") as archive:
            assert "train.py" in archive.getnames()
    assert written[0] == written[1]
