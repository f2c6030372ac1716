"""Container images without a container engine: each is a virtual environment made from a requirements file.

`<account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>` is `<images_dir>/<repository>-<tag>.txt`, a compiled list
of pins. "Pulling" it installs them once with uv under `<cache_dir>/images/`, where every job and endpoint finds it.
Images of one list are one installation (image_families.py knows them).

A list with hashes is held to them: each file that is installed has one, and where a package has no wheel, what builds
it is pinned with hashes in `build.constraints` beside the list; without that file nothing is built. A list of one's own
may do without hashes.

`public.ecr.aws/…`, where the same images are too, is refused: so users of SageMaker found it (#2605 and #4700 of
sagemaker-python-sdk), and the guide of AWS's vLLM image says to copy it to ECR, though the pages of the TensorFlow
images have it in their examples since 2026. Not compared with AWS: which of the two is right today.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from filelock import FileLock

from embedded_aws.runtime import image_families, interpreters, registries, tampering

if TYPE_CHECKING:
    from collections.abc import Callable

    from embedded_aws.runtime.image_families import Family
    from embedded_aws.runtime.interpreters import Interpreter

    Tell = Callable[[str], None]

_URI = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.(?P<suffix>[a-z0-9.-]+)"
    r"/(?P<repository>[\w./-]+):(?P<tag>[\w.-]+)"
)
_PRIVATE = re.compile(r"\d{12}\.dkr[.-]ecr[.-]")
_PUBLIC = re.compile(r"public\.ecr\.aws/[\w-]+/(?P<image>[\w./-]+:[\w.-]+)")
COMPLETE = ".complete"

_TORCH = ("--torch-backend", "cpu")
_INSTALLED = " + "  # with this begins what uv says of each package at the end: more than a person wants to read
_Found = TypeVar("_Found")


def _say_nothing(_line: str) -> None:
    """Take a line of progress that nobody wants."""


class ImageError(Exception):
    """An image that does not exist or could not be installed; the message says which and why."""


class AccountError(ImageError):
    """One of AWS's images in an account in which AWS has not got it."""


@dataclass(frozen=True)
class Reference:
    """What an image's URI in ECR says."""

    account: str
    region: str
    suffix: str
    repository: str
    tag: str


@dataclass(frozen=True)
class Image:
    """An installed image: its name, its interpreter, and the sha256 of what it consists of.

    `notice` says so if another Python than AWS's stands in, and why: the first line of a container's log.
    """

    name: str
    python: Path
    digest: str
    notice: str = ""

    @property
    def family(self) -> Family:
        """Return what its repository's images run."""
        return image_families.of(self.name)[0]

    @property
    def packages(self) -> Path:
        """Return where its packages lie, below its folder."""
        (found,) = self.python.parent.parent.glob("lib/python3.*/site-packages")
        return found.relative_to(self.python.parent.parent)


def available(images_dir: Path) -> list[str]:
    """Return the names of all images, sorted: AWS's whose lists of packages are there, and lists of one's own."""
    lists = {path.stem for path in images_dir.glob("*.txt")}
    known = {name for name in image_families.names() if image_families.packages_of(name) in lists}
    return sorted(known | (lists - image_families.shared_lists()))


def name_of(uri: str, *, images_dir: Path) -> str:
    """Return the name of the image that a URI speaks of.

    Raises ImageError, which says what is like it, for a URI that is none of them, and for one of AWS's images in an
    account that is not AWS's in that region: its owner's image of that name is not here.
    """
    found = parse(uri)
    if found is None:
        raise ImageError(f"{uri} is not an image of the embedded AWS.{_advice(uri)}")
    name = image_families.find(found.repository, found.tag)
    if name is None or name not in available(images_dir):
        name = f"{found.repository.replace('/', '-')}-{found.tag}"  # perhaps a list of one's own
        if name not in available(images_dir):
            raise ImageError(f"{uri} is not an image of the embedded AWS.{_like(found, images_dir)}")
        return name
    if (right := uri_of(name, found.region)) is None or not right.startswith(found.account):
        where = f"there it is {right}" if right else f"AWS has no {found.repository} in {found.region}"
        raise AccountError(f"{uri} is not AWS's image: {where}.")
    return name


def parse(uri: str) -> Reference | None:
    """Return what a URI says, if it is one of an image in ECR with a tag."""
    match = _URI.fullmatch(uri)
    return Reference(**match.groupdict()) if match else None


def uri_of(name: str, region: str) -> str | None:
    """Return the URI of one of AWS's images in a region; None where AWS has none."""
    family, release = image_families.of(name)
    account = registries.account(family.registry, region) if family.registry is not None else None
    return account and f"{registries.host(account, region)}/{family.repository}:{release.tags[0]}"


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


def _like(asked: Reference, images_dir: Path) -> str:
    """Return a sentence on the image that is most like the one asked for, of AWS's or of a list of one's own."""
    known = available(images_dir)
    if name := image_families.nearest(asked.repository, asked.tag, known):
        return f" The nearest that it has is {uri_of(name, asked.region) or name}."
    own = get_close_matches(f"{asked.repository}-{asked.tag}", known, n=1)
    return f" The nearest that it has is {own[0]}." if own else " `embedded-aws images` lists those that it has."


def is_installed(name: str, *, images_dir: Path, cache_dir: Path) -> bool:
    """Return whether `install` would find it and have nothing to do."""
    return installation(name, images_dir=images_dir, cache_dir=cache_dir) is not None


def installation(name: str, *, images_dir: Path, cache_dir: Path) -> Path | None:
    """Return the folder in which an image is installed; None if it is not."""
    try:
        python = _interpreter(interpreters.look_up, name, cache_dir)
    except interpreters.InterpreterError:
        return None
    folder = _folder(name, python, images_dir=images_dir, cache_dir=cache_dir) if python else None
    return folder if folder and _is_complete(folder) else None


def install(name: str, *, images_dir: Path, cache_dir: Path) -> Image:
    """Return the installed image; install it first if need be. Safe to call from several processes at once.

    Raises ImageError when the installation fails; what is half installed is redone at the next call.
    """
    return pull(name, images_dir=images_dir, cache_dir=cache_dir, tell=_say_nothing)


def pull(name: str, *, images_dir: Path, cache_dir: Path, tell: Tell) -> Image:
    """Do as `install` does, and tell, line by line, what uv says meanwhile, but for the list of all packages."""
    requirements = list_of(name, images_dir)
    try:
        python = _interpreter(interpreters.find, name, cache_dir)
    except interpreters.InterpreterError as error:
        raise ImageError(f"{name} can't be installed. {error}") from error
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
            _uv("pip", "install", *options, *_torch_index(), "-r", str(requirements), tell=tell)
            (folder / COMPLETE).touch()
    return image


def _interpreter(find: Callable[..., _Found], name: str, cache_dir: Path) -> _Found:
    """Find the Python of an image: AWS's, as the table has it, or the one of its tag."""
    release = image_families.of(name)[1]
    version = release.python or interpreters.wanted(name)
    return find(version, among=release.pythons, folder=cache_dir / "images", uv=uv)


def list_of(name: str, images_dir: Path) -> Path:
    """Return the list of packages that an image is made of."""
    return images_dir / f"{image_families.packages_of(name)}.txt"


def _hashes(requirements: Path) -> list[str]:
    if "--hash=" not in requirements.read_text(encoding="utf-8"):
        return []
    builders = requirements.with_name("build.constraints")
    return ["--require-hashes", *(["--build-constraints", str(builders)] if builders.exists() else ["--no-build"])]


def _digest(requirements: Path) -> str:
    return hashlib.sha256(requirements.read_bytes()).hexdigest()


def _folder(name: str, python: Interpreter, *, images_dir: Path, cache_dir: Path) -> Path:
    """Return where it is or will be: other pins or another interpreter make another installation."""
    requirements = list_of(name, images_dir)
    made_of = f"{_digest(requirements)} {python.prefix} {python.version} relocatable"
    return cache_dir / "images" / f"{requirements.stem}-{hashlib.sha256(made_of.encode()).hexdigest()[:16]}"


def _is_complete(folder: Path) -> bool:
    """Return whether the installation ended well and its base interpreter (a link) is still there."""
    return (folder / COMPLETE).exists() and (folder / "bin" / "python").exists()


def uv() -> Path:
    """Find the program that installs. Raises ImageError if it is not there."""
    found = shutil.which("uv", path=sysconfig.get_path("scripts")) or shutil.which("uv")
    if found is None:
        raise ImageError("uv is needed to install images and was not found; run `pip install uv`.")
    return Path(found)


def uv_cache() -> str:
    """Return the folder in which uv keeps what it has fetched."""
    return _uv("cache", "dir").strip()


def _torch_index() -> list[str]:
    """Return from where PyTorch's packages for CPUs are: its own index, for PyPI has them for GPUs only.

    Nowhere else are they looked for then, so it is left out where a folder of wheels on this machine has them.
    """
    folders = _environment().get("UV_FIND_LINKS", "").split(",")
    return [] if any(folder and [*Path(folder).glob("torch-*.whl")] for folder in folders) else [*_TORCH]


def _environment() -> dict[str, str]:
    """Return the environment for uv, which is told of folders of wheels on this machine as pip is."""
    wheels = ",".join(os.environ.get("PIP_FIND_LINKS", "").split())
    return {**({"UV_FIND_LINKS": wheels} if wheels else {}), **os.environ}


def _uv(*arguments: str, tell: Tell = _say_nothing) -> str:
    command = [str(uv()), *(["--no-progress"] if tell is _say_nothing else []), *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment()
    ) as process:
        assert process.stdout  # noqa: S101 - it is a pipe
        assert process.stderr  # noqa: S101
        said = []
        for line in process.stderr:  # it writes little to its standard output, or at its end
            said.append(line)
            if not line.startswith(_INSTALLED):
                tell(line.rstrip())
        answer = process.stdout.read()
    if process.returncode:
        errors = "".join(said)
        locks = [Path(each).name for each in arguments if each.endswith((".txt", ".constraints"))]
        if sentence := tampering.refusal(errors, lock=" or ".join(reversed(locks))):
            raise ImageError(sentence)
        raise ImageError(f"`uv {' '.join(arguments[:2])}` failed: {' '.join(errors.split()[-60:])}")
    return answer
