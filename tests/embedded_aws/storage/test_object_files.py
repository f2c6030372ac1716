"""Contents of objects: slices and joins of files, and bodies taken out of their frames."""

from __future__ import annotations

import hashlib
import itertools
from typing import TYPE_CHECKING

import pytest

from embedded_aws.storage.aws_chunked import FrameError, Frames
from embedded_aws.storage.contents import joined
from embedded_aws.storage.object_files import ObjectFiles

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = bytes(range(200)) * 3
FRAMED = b"c8;chunk-signature=0\r\n" + WHOLE[:200] + b"\r\n190\r\n" + WHOLE[200:] + b"\r\n0\r\nx-amz-trailer:1\r\n\r\n"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> ObjectFiles:
    """A folder of contents."""
    return ObjectFiles(tmp_path_factory.mktemp("objects"))


def test_slices_of_what_was_joined(kept: ObjectFiles) -> None:
    """They are what they are of bytes, and so are slices of slices."""
    from hypothesis import HealthCheck, given, settings  # here, for no other test needs what takes long to import
    from hypothesis import strategies as st

    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a machine at work has taken four seconds
    @given(cuts=st.lists(st.integers(0, len(WHOLE)), max_size=4), begin=st.integers(0, 700), end=st.integers(0, 700))
    def holds(cuts: list[int], begin: int, end: int) -> None:
        edges = [0, *sorted(cuts), len(WHOLE)]
        content = joined(kept.write(WHOLE[first:last]) for first, last in itertools.pairwise(edges))
        assert content.read() == WHOLE
        assert content[begin:end].read() == WHOLE[begin:end]
        assert content[begin:][: end // 2].read() == WHOLE[begin:][: end // 2]
        assert len(content[begin:end]) == len(WHOLE[begin:end])
        part = content[begin:end]
        part.hash({"SHA256"})
        assert part.hashes.digest("SHA256") == hashlib.sha256(WHOLE[begin:end]).digest()

    holds()


def test_what_nothing_names_is_removed(kept: ObjectFiles) -> None:
    """A file goes when the last row that names it is gone, and its last reader."""
    content = kept.write(WHOLE)
    [holder] = content.holders()
    path = kept.folder / str(holder.name)
    holder.use()
    holder.use()
    holder.drop()
    reading = content[5:]
    del content
    assert path.exists()
    holder.drop()
    del holder
    assert reading.read() == WHOLE[5:]
    del reading
    assert not path.exists()


def test_what_a_killed_process_has_left_is_swept(tmp_path: Path) -> None:
    """Files that nothing has asked for are removed, and no others."""
    for name in ("named", "left"):
        (tmp_path / name).write_bytes(WHOLE)
    opened = ObjectFiles(tmp_path)
    named = opened.find("named")
    opened.sweep()
    assert [path.name for path in tmp_path.iterdir()] == [named.name]


def test_frames_come_in_any_pieces() -> None:
    """The body and the trailer are the same, wherever the pieces that come in end."""
    from hypothesis import given
    from hypothesis import strategies as st

    @given(sizes=st.lists(st.integers(1, 300), max_size=30))
    def holds(sizes: list[int]) -> None:
        frames, body, rest = Frames(), b"", FRAMED
        for size in [*sizes, len(FRAMED)]:
            piece, rest = rest[:size], rest[size:]
            body += b"".join(frames.add(piece))
        assert body == WHOLE
        assert frames.trailer == b"x-amz-trailer:1\r\n\r\n"

    holds()


@pytest.mark.parametrize(
    "framed", [b"c8\r\nshort\r\n0\r\n", FRAMED[:300], b"x\r\n", b"2\r\nabc\r\n0\r\n\r\n", b"1" * 70_000]
)
def test_what_is_framed_wrong(framed: bytes) -> None:
    """It is an error, when it shows or at the end."""
    frames = Frames()
    with pytest.raises(FrameError):  # noqa: PT012 - which of the two it is depends on what is wrong
        list(frames.add(framed))
        assert frames.trailer
