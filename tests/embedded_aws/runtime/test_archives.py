"""Archives are taken apart without trust: nothing lands outside of their folder, nothing grows beyond measure."""

from __future__ import annotations

import gzip
import io
import runpy
import tarfile
from typing import TYPE_CHECKING

import pytest

from embedded_aws.runtime import archives
from embedded_aws.runtime.archives import ArchiveError, pack, unpack
from embedded_aws.runtime.s3_objects import download_all

if TYPE_CHECKING:
    from pathlib import Path

GIGABYTE = 1024**3


def entry(name: str, kind: bytes = tarfile.REGTYPE, *, target: str = "", size: int = 0) -> tarfile.TarInfo:
    """A member as its header says it."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, target, size
    return member


def written(path: Path, *entries: tarfile.TarInfo, content: bytes = b"") -> Path:
    """A gzipped archive of headers, with this content after the last one, whatever they claim."""
    headers = b"".join(each.tobuf(tarfile.GNU_FORMAT) for each in entries)
    path.write_bytes(gzip.compress(headers + content, 1))
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Where an archive goes; beside it lies what is another job's."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "secret").write_text("untouched")
    return tmp_path / "archive.tar.gz"


@pytest.mark.parametrize(
    "crafted",
    [
        [entry("../other/secret")],
        [entry("a/../../other/secret")],
        [entry("link", tarfile.SYMTYPE, target="../other/secret")],
        [entry("link", tarfile.SYMTYPE, target="/etc/passwd")],
        [entry("link", tarfile.SYMTYPE, target=".."), entry("link/other/secret")],
        [entry("link", tarfile.LNKTYPE, target="../other/secret")],
        [entry("device", tarfile.CHRTYPE)],
        [entry("disk", tarfile.BLKTYPE)],
        [entry("pipe", tarfile.FIFOTYPE)],
    ],
    ids=lambda crafted: " ".join(f"{each.name}>{each.linkname or each.type.decode()}" for each in crafted),
)
def test_nothing_leaves_the_folder(archive: Path, crafted: list[tarfile.TarInfo]) -> None:
    """Paths and links that lead out of the folder are refused, and so is whatever is no file, folder or link."""
    folder = archive.parent / "job"
    with pytest.raises(ArchiveError):
        unpack(written(archive, *crafted), folder)
    assert (archive.parent / "other" / "secret").read_text() == "untouched"
    assert not [path for path in folder.rglob("*") if path.is_symlink() or path.is_file()]


@pytest.mark.parametrize("name", ["../other/secret", "a/../../other/secret", "/etc/passwd"])
def test_an_object_s_name_stays_in_the_channel(archive: Path, name: str) -> None:
    """A key or a manifest's line that leads out of its channel's folder is refused before it is fetched."""
    with pytest.raises(ArchiveError, match="leads out of its folder"):
        download_all(None, {name: "s3://bucket/key"}, archive.parent / "job")


def test_an_absolute_path_is_the_folder_s(archive: Path) -> None:
    """A leading slash is left out, as tar does it."""
    unpack(written(archive, entry("/etc/passwd")), archive.parent / "job")
    assert (archive.parent / "job" / "etc" / "passwd").exists()


def test_a_claim_of_gigabytes(archive: Path) -> None:
    """What claims more than an archive of its size can hold is refused before anything of it is written."""
    folder = archive.parent / "job"
    with pytest.raises(ArchiveError, match="claims to hold more than"):
        unpack(written(archive, entry("model", size=10 * GIGABYTE)), folder)
    assert not list(folder.rglob("*"))


def test_a_sparse_file_of_gigabytes(archive: Path) -> None:
    """A file of holes counts as large as it would be."""
    sparse = tarfile.TarInfo("model")
    sparse.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(10 * GIGABYTE)}
    content = b"0\n".ljust(tarfile.BLOCKSIZE, b"\0")  # a map with no data in it
    sparse.size = len(content)
    archive.write_bytes(gzip.compress(sparse.tobuf(tarfile.PAX_FORMAT) + content))
    with pytest.raises(ArchiveError, match="claims to hold more than"):
        unpack(archive, archive.parent / "job")


def test_a_bomb(archive: Path) -> None:
    """Zeros that pack a thousand to one are refused, though the archive is honest about them."""
    size = 80 * 1024**2
    with pytest.raises(ArchiveError, match="too much for its size"):
        unpack(written(archive, entry("zeros", size=size), content=bytes(size)), archive.parent / "job")


def test_a_name_of_megabytes(archive: Path) -> None:
    """A name that would be read into memory whole is refused."""
    name = entry("././@LongLink", tarfile.GNUTYPE_LONGNAME, size=8 * 1024**2)
    with pytest.raises(ArchiveError, match="a name or property of"):
        unpack(written(archive, name, content=bytes(name.size)), archive.parent / "job")


@pytest.mark.parametrize("content", [b"", b"no archive", gzip.compress(b"no archive" * 100)], ids=len)
def test_what_is_no_archive(archive: Path, content: bytes) -> None:
    """Whatever else it is, it is refused in a sentence."""
    archive.write_bytes(content)
    with pytest.raises(ArchiveError, match=r"\w"):
        unpack(archive, archive.parent / "job")


def test_what_was_packed_comes_back(archive: Path) -> None:
    """Files, folders and links within the folder survive, with their content."""
    model = archive.parent / "model"
    (model / "1").mkdir(parents=True)
    (model / "1" / "saved_model.pb").write_bytes(b"graph" * 1000)
    (model / "latest").symlink_to("1")
    pack([model], archive)
    unpack(archive, archive.parent / "job")
    assert (archive.parent / "job" / "latest" / "saved_model.pb").read_bytes() == b"graph" * 1000
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as tar:
        assert "1/saved_model.pb" in tar.getnames()


def test_a_python_without_filters(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 3.11.4 Python's own tarfile takes no `filter`: archives are unpacked as safely by the backport."""
    monkeypatch.delattr(tarfile, "data_filter")
    old = runpy.run_path(archives.__file__)
    folder = archive.parent / "job"
    old["unpack"](written(archive, entry("a/file", size=4), content=b"text".ljust(512, b"\0")), folder)
    assert (folder / "a" / "file").read_bytes() == b"text"
    with pytest.raises(old["ArchiveError"]):
        old["unpack"](written(archive, entry("../other/secret")), folder)
    assert (archive.parent / "other" / "secret").read_text() == "untouched"
