"""Images are installed once, by whoever needs them first."""

from __future__ import annotations

import hashlib
import io
import platform
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from embedded_aws.runtime import images, interpreters
from tests.zips import wheel

if TYPE_CHECKING:
    from pathlib import Path

ECR = "763104351884.dkr.ecr.us-east-1.amazonaws.com"
URI = f"{ECR}/small:1.0"
AWS = "tensorflow-training-2.21-cpu-py312"


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Path]:
    """A folder of images with one small image in it, and an empty cache."""
    images_dir = tmp_path / "images"
    images_dir.mkdir()
    (images_dir / "small-1.0.txt").write_text("")
    (images_dir / f"{AWS}.txt").write_text("")
    return {"images_dir": images_dir, "cache_dir": tmp_path / "cache"}


def test_names_the_images_there_are(places: dict[str, Path]) -> None:
    """A list of one's own is named by repository and tag, in any account; another is refused with what is like it."""
    for account in ("763104351884", "111122223333"):
        assert images.name_of(f"{account}{URI[12:]}", images_dir=places["images_dir"]) == "small-1.0"
    with pytest.raises(
        images.ImageError, match=r"small:2\.0 is not an image .* The nearest that it has is small-1\.0\."
    ):
        images.name_of(URI.replace("1.0", "2.0"), images_dir=places["images_dir"])
    with pytest.raises(images.ImageError, match=r"^small:1\.0 is not an image of the embedded AWS\.$"):
        images.name_of("small:1.0", images_dir=places["images_dir"])


def test_an_image_of_aws_is_one_in_its_registries_only(places: dict[str, Path]) -> None:
    """In another account it is somebody's own image, and in a region where AWS has none nobody's."""
    known = f"{ECR}/tensorflow-training:2.21-cpu-py312"
    assert images.name_of(known, images_dir=places["images_dir"]) == AWS
    for uri, where in (
        (known.replace("763104351884", "111122223333"), f"there it is {known}"),
        (known.replace("us-east-1", "af-south-1"), "there it is 626614931356.dkr.ecr.af-south-1.amazonaws.com/"),
        (known.replace("us-east-1", "nowhere-1"), "AWS has no tensorflow-training in nowhere-1"),
    ):
        with pytest.raises(images.AccountError, match=where):
            images.name_of(uri, images_dir=places["images_dir"])


def test_an_image_that_is_not_there_is_refused_with_the_nearest(places: dict[str, Path]) -> None:
    """For GPUs, older, newer, of another Python: by its URI in the region that was asked about."""
    for tag in ("2.21.0-gpu-py312-cu129-amzn2023-sagemaker", "2.3.0-cpu-py37", "2.99-cpu-py320", "2.21-cpu-py310"):
        uri = f"{ECR.replace('us-east-1', 'eu-west-1')}/tensorflow-training:{tag}"
        nearest = r"763104351884\.dkr\.ecr\.eu-west-1\.amazonaws\.com/tensorflow-training:2\.21-cpu-py312\.$"
        with pytest.raises(images.ImageError, match=f"The nearest that it has is {nearest}"):
            images.name_of(uri, images_dir=places["images_dir"])


def test_refuses_the_public_gallery(places: dict[str, Path]) -> None:
    """SageMaker pulls from private registries only: the refusal says what the same image is called there."""
    image = "tensorflow-training:2.21-cpu-py312-amzn2023-sagemaker"
    with pytest.raises(images.ImageError, match=rf"ACCOUNT.dkr.ecr.REGION.amazonaws.com/{image};"):
        images.name_of(f"public.ecr.aws/deep-learning-containers/{image}", images_dir=places["images_dir"])


def test_says_which_python_stands_in(places: dict[str, Path]) -> None:
    """An image whose Python can't be had runs on ours, with a notice; what it would be installed as is known then."""
    (places["images_dir"] / "small-1.0-cpu-py399.txt").write_text("")
    assert not images.is_installed("small-1.0-cpu-py399", **places)
    image = images.install("small-1.0-cpu-py399", **places)
    assert image.notice.startswith(f"This image stands for Python 3.99; Python {platform.python_version()} stands in")
    assert images.is_installed("small-1.0-cpu-py399", **places)
    assert not images.install("small-1.0", **places).notice


def test_a_python_that_is_found_makes_another_installation(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The installation of the Python that stood in is not taken for the one of the image's own."""
    name = "small-1.0-cpu-py398"
    (places["images_dir"] / f"{name}.txt").write_text("")
    stood_in = images.install(name, **places)
    found = replace(interpreters.find("", folder=places["cache_dir"], uv=images.uv), version="3.98.0")
    monkeypatch.setattr(interpreters, "look_up", lambda *_, **__: found)
    assert not images.is_installed(name, **places)
    image = images.install(name, **places)
    assert image.python != stood_in.python
    assert not image.notice


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


def publish(index: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a package index with the wheel of `brick` the only one that uv knows; return the wheel's SHA-256."""
    index.mkdir(parents=True)
    made = wheel("brick")
    (index / "brick-1.0-py3-none-any.whl").write_bytes(made)
    for name, value in {"UV_NO_INDEX": "1", "UV_FIND_LINKS": str(index), "UV_CACHE_DIR": str(index / "uv")}.items():
        monkeypatch.setenv(name, value)
    return hashlib.sha256(made).hexdigest()


def test_what_has_another_hash_is_refused(places: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A list with hashes is held to them: a file that it was not made of is refused in a sentence."""
    digest = publish(places["cache_dir"] / "index", monkeypatch)
    lock = places["images_dir"] / "brick-1.0.txt"
    lock.write_text(f"brick==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(images.ImageError, match=r"^brick==1\.0 is not the file that brick-1\.0\.txt names: "):
        images.install("brick-1.0", **places)
    assert not images.is_installed("brick-1.0", **places)
    lock.write_text(f"brick==1.0 --hash=sha256:{digest}\nneeded==1.0\n")
    with pytest.raises(images.ImageError, match=r"needed"):  # one line of it has no hash
        images.install("brick-1.0", **places)
    lock.write_text(f"brick==1.0 --hash=sha256:{digest}\n")
    assert (images.install("brick-1.0", **places).python.parent.parent / ".complete").exists()


def test_what_builds_a_package_is_held_to_its_hash(places: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A package without a wheel is built by what `build.constraints` has, with hashes, and without that file never."""
    index = places["cache_dir"] / "index"
    publish(index, monkeypatch)
    source = index / "wall-1.0.tar.gz"
    with tarfile.open(source, "w:gz") as archive:
        for name, content in {
            "PKG-INFO": b"Metadata-Version: 2.1\nName: wall\nVersion: 1.0\n",
            "pyproject.toml": b'[build-system]\nrequires = ["brick==1.0"]\nbuild-backend = "brick"\n',
        }.items():
            about = tarfile.TarInfo(f"wall-1.0/{name}")
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    lock = places["images_dir"] / "wall-1.0.txt"
    lock.write_text(f"wall==1.0 --hash=sha256:{hashlib.sha256(source.read_bytes()).hexdigest()}\n")
    with pytest.raises(images.ImageError, match=r"building from source is disabled"):
        images.install("wall-1.0", **places)
    (places["images_dir"] / "build.constraints").write_text(f"brick==1.0 --hash=sha256:{'0' * 64}\n")
    refused = r"^brick==1\.0 is not the file that wall-1\.0\.txt or build\.constraints names: "
    with pytest.raises(images.ImageError, match=refused):
        images.install("wall-1.0", **places)
