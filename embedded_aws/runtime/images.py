"""Container images without a container engine: each is a virtual environment made from a requirements file.

`<account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>` is `<images_dir>/<repository>-<tag>.txt`, a compiled list
of pins. "Pulling" it installs them once with uv under `<cache_dir>/images/`, where every job and endpoint finds it.

A list with hashes is held to them: each file that is installed has one, and where a package has no wheel, what builds
it is pinned with hashes in `build.constraints` beside the list; without that file nothing is built. A list of one's own
may do without hashes.

AWS gives one image several tags: docs/src/data/tensorflow-training/2.21-cpu-sagemaker.yml of
aws/deep-learning-containers, and `image_uris.retrieve` of the SageMaker SDK 3.27 for the two that end in `py312`. In
public code there are also builds, `…-sagemaker-v1.12-2025-07-15-19-53-45`, and those to be loaded lazily, `…-soci`.

`public.ecr.aws/…`, where the same images are too, is refused: so users of SageMaker found it (#2605 and #4700 of
sagemaker-python-sdk), and the guide of AWS's vLLM image says to copy it to ECR, though the pages of the TensorFlow
images have it in their examples since 2026. Not compared with AWS: which of the two is right today.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from embedded_aws.runtime import interpreters, tampering

if TYPE_CHECKING:
    from embedded_aws.runtime.interpreters import Interpreter

_URI = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/(?P<repository>[\w./-]+):(?P<tag>[\w.-]+)")
_PRIVATE = re.compile(r"\d{12}\.dkr[.-]ecr[.-]")
_PUBLIC = re.compile(r"public\.ecr\.aws/[\w-]+/(?P<image>[\w./-]+:[\w.-]+)")
_OS = "amzn2023"  # of AWS's images that there are here
_BUILD = r"-v\d+(?:\.\d+)?(?:-\d{4}(?:-\d\d){5})?(?:-soci)?"
_TAG = re.compile(
    rf"(?P<version>\d+\.\d+)(?:\.0)?-(?P<kind>[a-z]+(?:-py\d+)?)(?:-sagemaker|-{_OS}-sagemaker(?:{_BUILD})?)?"
)
_COMPLETE = ".complete"


class ImageError(Exception):
    """An image that does not exist or could not be installed; the message says which and why."""


@dataclass(frozen=True)
class Image:
    """An installed image: its name, its interpreter, and the sha256 of what it consists of.

    `notice` says so if another Python than its tag's stands in, and why: the first line of a container's log.
    """

    name: str
    python: Path
    digest: str
    notice: str = ""

    @property
    def packages(self) -> Path:
        """Return where its packages lie, below its folder."""
        (found,) = self.python.parent.parent.glob("lib/python3.*/site-packages")
        return found.relative_to(self.python.parent.parent)


def available(images_dir: Path) -> list[str]:
    """Return the names of all images, sorted."""
    return sorted(path.stem for path in images_dir.glob("*.txt"))


def name_of(uri: str, *, images_dir: Path) -> str:
    """Return the name of the image that a URI speaks of.

    Raises ImageError, with the names that there are, for a URI that is none of them.
    """
    match = _URI.fullmatch(uri)
    name = f"{match['repository'].replace('/', '-')}-{short(match['tag'])}" if match else None
    if name is None or name not in available(images_dir):
        known = ", ".join(available(images_dir)) or "none"
        raise ImageError(f"{uri} is not an image of the embedded AWS; it has (repository-tag): {known}.{_advice(uri)}")
    return name


def check_registry(uri: str) -> None:
    """Raise ImageError, in AWS's words, unless a URI leads to a private registry of ECR (sagemaker-python-sdk#4700)."""
    if not _PRIVATE.match(uri):
        raise ImageError(
            f'Using non-ECR image "{uri}" without Vpc repository access mode is not supported.{_advice(uri)}'
        )


def _advice(uri: str) -> str:
    if not (public := _PUBLIC.fullmatch(uri)):
        return ""
    return (
        f" SageMaker pulls from ECR's private registries only, where AWS has it as ACCOUNT.dkr.ecr.REGION."
        f"amazonaws.com/{public['image']}; `image_uris.retrieve` of the SageMaker SDK gives the URI."
    )


def short(tag: str) -> str:
    """Return the shortest tag of the image of AWS's that a tag names: of `2.21.0-cpu-py312`, `2.21-cpu-py312`."""
    match = _TAG.fullmatch(tag)
    return f"{match['version']}-{match['kind']}" if match else tag


def tags(tag: str) -> list[str]:
    """Return all tags under which AWS lists an image, given the shortest."""
    version, _, kind = tag.partition("-")
    ends = ("", "-sagemaker", f"-{_OS}-sagemaker")
    known = [f"{each}-{kind}{end}" for each in (version, f"{version}.0") for end in ends]
    return known if short(known[-1]) == tag else [tag]


def is_installed(name: str, *, images_dir: Path, cache_dir: Path) -> bool:
    """Return whether `install` would find it and have nothing to do."""
    python = interpreters.look_up(interpreters.wanted(name), folder=cache_dir / "images", uv=uv)
    return bool(python and _is_complete(_folder(name, python, images_dir=images_dir, cache_dir=cache_dir)))


def install(name: str, *, images_dir: Path, cache_dir: Path) -> Image:
    """Return the installed image; install it first if need be. Safe to call from several processes at once.

    Raises ImageError when the installation fails; what is half installed is redone at the next call.
    """
    requirements = images_dir / f"{name}.txt"
    python = interpreters.find(interpreters.wanted(name), folder=cache_dir / "images", uv=uv)
    folder = _folder(name, python, images_dir=images_dir, cache_dir=cache_dir)
    image = Image(name, folder / "bin" / "python", _digest(requirements), python.notice)
    if _is_complete(folder):
        return image
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if not _is_complete(folder):
            shutil.rmtree(folder, ignore_errors=True)
            # Its programs find their Python beside them, for a sandbox has the image in another place.
            _uv("venv", "--relocatable", "--python", python.python, str(folder))
            # The list of pins is whole: what it leaves out of what a package asks for is left out on purpose.
            # Without compiled sources every start of a job would parse them anew: 5.6 s against 3.0 s.
            options = ["--no-deps", "--compile-bytecode", *_hashes(requirements), "-p", str(image.python)]
            _uv("pip", "install", *options, "-r", str(requirements))
            (folder / _COMPLETE).touch()
    return image


def _hashes(requirements: Path) -> list[str]:
    if "--hash=" not in requirements.read_text(encoding="utf-8"):
        return []
    builders = requirements.with_name("build.constraints")
    return ["--require-hashes", *(["--build-constraints", str(builders)] if builders.exists() else ["--no-build"])]


def _digest(requirements: Path) -> str:
    return hashlib.sha256(requirements.read_bytes()).hexdigest()


def _folder(name: str, python: Interpreter, *, images_dir: Path, cache_dir: Path) -> Path:
    """Return where it is or will be: other pins or another interpreter make another installation."""
    made_of = f"{_digest(images_dir / f'{name}.txt')} {python.prefix} {python.version} relocatable"
    return cache_dir / "images" / f"{name}-{hashlib.sha256(made_of.encode()).hexdigest()[:16]}"


def _is_complete(folder: Path) -> bool:
    """Return whether the installation ended well and its base interpreter (a link) is still there."""
    return (folder / _COMPLETE).exists() and (folder / "bin" / "python").exists()


def uv() -> Path:
    """Find the program that installs. Raises ImageError if it is not there."""
    found = shutil.which("uv", path=sysconfig.get_path("scripts")) or shutil.which("uv")
    if found is None:
        raise ImageError("uv is needed to install images and was not found; run `pip install uv`.")
    return Path(found)


def uv_cache() -> str:
    """Return the folder in which uv keeps what it has fetched."""
    return _uv("cache", "dir").strip()


def _uv(*arguments: str) -> str:
    command = [str(uv()), "--no-progress", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        locks = [Path(each).name for each in arguments if each.endswith((".txt", ".constraints"))]
        if sentence := tampering.refusal(result.stderr, lock=" or ".join(reversed(locks))):
            raise ImageError(sentence)
        last = " ".join(result.stderr.split()[-60:])
        raise ImageError(f"`uv {' '.join(arguments[:2])}` failed: {last}")
    return result.stdout
