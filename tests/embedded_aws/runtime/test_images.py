"""Images are installed once, by whoever needs them first."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from embedded_aws.runtime import images

if TYPE_CHECKING:
    from pathlib import Path

URI = "763104351884.dkr.ecr.us-east-1.amazonaws.com/small:1.0"


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    """A folder of images with one small image in it, and an empty cache."""
    images_dir = tmp_path / "images"
    images_dir.mkdir()
    (images_dir / "small-1.0.txt").write_text("")
    (images_dir / "small-1.0-cpu.txt").write_text("")  # as AWS's are, of which each has a long tag too
    return {"images_dir": images_dir, "cache_dir": tmp_path / "cache"}


def test_names_the_images_there_are(places: dict[str, Path]) -> None:
    """A URI names an image by repository and tag; one that is none is refused with the names that there are."""
    assert images.name_of(URI, images_dir=places["images_dir"]) == "small-1.0"
    assert images.name_of(URI.replace("1.0", "1.0.0-cpu"), images_dir=places["images_dir"]) == "small-1.0-cpu"
    for uri in (URI.replace("1.0", "2.0"), "small:1.0"):
        with pytest.raises(images.ImageError, match=r"it has .*: small-1.0, small-1.0-cpu"):
            images.name_of(uri, images_dir=places["images_dir"])


def test_redoes_what_was_half_installed(places: dict[str, Path]) -> None:
    """An installation that was interrupted is done again; a finished one is left alone."""
    image = images.install("small-1.0", **places)
    folder = image.python.parent.parent
    (folder / ".complete").unlink()
    (folder / "remains.txt").touch()
    assert images.install("small-1.0", **places) == image
    assert not (folder / "remains.txt").exists()
    (folder / "kept.txt").touch()
    images.install("small-1.0", **places)
    assert (folder / "kept.txt").exists()


def test_several_may_install_at_once(places: dict[str, Path]) -> None:
    """Two processes that need an image at the same time both get it, whole."""
    code = (
        "import sys; from pathlib import Path; from embedded_aws.runtime import images; "
        "print(images.install('small-1.0', images_dir=Path(sys.argv[1]), cache_dir=Path(sys.argv[2])).python)"
    )
    command = [sys.executable, "-c", code, *map(str, places.values())]
    with ThreadPoolExecutor() as pool:
        paths = set(pool.map(lambda _: subprocess.check_output(command, text=True), range(2)))
    (python,) = (path.strip() for path in paths)
    assert subprocess.check_output([python, "-c", "print('runs')"], text=True) == "runs\n"


def test_says_why_an_installation_failed(places: dict[str, Path]) -> None:
    """Requirements that can't be installed are an ImageError with uv's own words."""
    (places["images_dir"] / "broken-1.0.txt").write_text("./nowhere.whl\n")
    with pytest.raises(images.ImageError, match=r"nowhere\.whl"):
        images.install("broken-1.0", **places)
