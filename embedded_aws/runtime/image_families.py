"""What the containers of AWS's repositories run, and which tags each image has: a table, and nothing is installed here.

A family is a repository of ECR. Its images train by AWS's training toolkit, which runs the script that a job brings, by
a program of this package that is the algorithm, or by either, as the job asks. They serve by one of our servers.

Sources. Which images there are, their tags, their Python, and until when AWS patches them: docs/src/data of
aws/deep-learning-containers, August 2026, and image_uri_config of the SageMaker SDK 3.27 (`sagemaker.core`). Which
module the toolkit calls: SAGEMAKER_TRAINING_MODULE in the Dockerfiles of aws/deep-learning-containers (docker/xgboost,
tensorflow, pytorch) and aws/sagemaker-scikit-learn-container, whose own module does what the toolkit does without one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain
from typing import TYPE_CHECKING

from embedded_aws.runtime.registries import ALGORITHMS, DEEP_LEARNING, FRAMEWORKS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_BUILD = re.compile(r"(?P<tag>.+-[a-z]+[\d.]+-sagemaker)-v\d+(?:\.\d+)?(?:-\d{4}(?:-\d\d){5})?(?:-soci)?")
_NAME = re.compile(r"(?P<repository>.+?)-(?P<tag>\d.*)")
_SCRIPT, _SCRIPT_VARIABLE = "sagemaker_program", "SAGEMAKER_PROGRAM"


@dataclass(frozen=True)
class Program:
    """A program of this package: its file below `embedded_aws/`, and the words that it is called with first.

    One that trains finds /opt/ml where the variable SAGEMAKER_BASE_DIR says. One that serves is called with two more
    words: the number of the socket that it listens on, and the folder that is /opt/ml.
    """

    file: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Release:
    """An image of a repository: all its tags, the shortest first, and what it is installed from.

    `python` is the version that AWS's image has, and `pythons` are those, the oldest first, for which its packages are
    there; empty: any that runs us. `packages` names the list of packages, if it has not its own name.
    """

    tags: tuple[str, ...]
    python: str = ""
    pythons: tuple[str, ...] = ()
    packages: str = ""

    def has(self, tag: str) -> bool:
        """Tell whether a tag is one of its tags, or a build's (`…-v1.12-2025-07-15-19-53-45`)."""
        build = _BUILD.fullmatch(tag)
        return (build["tag"] if build else tag) in self.tags


@dataclass(frozen=True)
class Family:
    """A repository: whose registry has it (registries.py), what its images run, and which there are.

    `toolkit` is the module that AWS's training toolkit calls, empty if that runs the job's script itself; None where
    there is no toolkit.
    """

    repository: str
    registry: int | None = None
    releases: tuple[Release, ...] = ()
    toolkit: str | None = None
    algorithm: Program | None = None
    server: Program | None = None
    script_server: Program | None = None

    def trainer(self, hyperparameters: Mapping[str, str]) -> Program:
        """Return what trains with these hyperparameters: the algorithm, or the toolkit for a script."""
        if self.algorithm and (self.toolkit is None or _SCRIPT not in hyperparameters):
            return self.algorithm
        return _TOOLKIT

    def serves_with(self, environment: Mapping[str, str]) -> Program | None:
        """Return what serves a model with this environment: the algorithm's server, or the one of a script."""
        if self.script_server and (self.server is None or _SCRIPT_VARIABLE in environment):
            return self.script_server
        return self.server


def of(name: str) -> tuple[Family, Release]:
    """Return family and release of an image by its name, `<repository>-<tag>`.

    A list of one's own has what a TensorFlow image has: AWS's toolkit for TensorFlow, and TensorFlow Serving.
    """
    if found := _BY_NAME.get(name):
        return found
    match = _NAME.fullmatch(name)
    repository, tag = (match["repository"], match["tag"]) if match else (name, "")
    return Family(repository, toolkit=_TENSORFLOW, server=_TENSORFLOW_SERVING), Release((tag,))


def find(repository: str, tag: str) -> str | None:
    """Return the name of the image that a repository has under a tag, among those of this table; None: none."""
    family = FAMILIES.get(repository)
    releases = family.releases if family else ()
    return next((f"{repository}-{each.tags[0]}" for each in releases if each.has(tag)), None)


def names() -> list[str]:
    """Return the names of all images of the table, sorted."""
    return sorted(_BY_NAME)


def shared_lists() -> set[str]:
    """Return the lists of packages that images share, and that are the list of none by its own name."""
    return {release.packages for _, release in _BY_NAME.values() if release.packages} - _BY_NAME.keys()


def nearest(repository: str, tag: str, known: Collection[str]) -> str | None:
    """Return the name, of those that are known, of the image that is most like one that is not; None if none is.

    It is of the same version; else the next newer one, else the newest that there is.
    """
    kin = _KIN.get(repository) or get_close_matches(repository, FAMILIES, n=1)
    found = [
        (_version(release.tags[0]), f"{each}-{release.tags[0]}") for each in kin for release in FAMILIES[each].releases
    ]
    wanted = _version(tag)
    there = [(version, name) for version, name in found if name in known]
    return min(there, key=lambda each: _distance(each[0], wanted), default=(None, None))[1]


def _version(tag: str) -> tuple[int, ...]:
    """Return the version that a tag begins with, without a patch's number: of `2.21.0-gpu-py312`, 2 and 21."""
    return tuple(map(int, re.findall(r"\d+", tag.partition("-")[0])))[:2]


def _distance(version: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[bool, tuple[int, ...]]:
    older = version < wanted
    return older, tuple(-part for part in version) if older else version


def packages_of(name: str) -> str:
    """Return the name of an image's list of packages."""
    return of(name)[1].packages or name


def _framework(
    version: str, *kinds: str, system: str, python: str = "", pythons: tuple[str, ...] = (), plain: bool = True
) -> Release:
    """Return a release of a deep learning container: long and short version; with the system, and without if `plain`.

    `2.21.0-cpu-py312`, `2.21-cpu-py312`, `2.21-cpu-py312-sagemaker`, `2.21-cpu-py312-amzn2023-sagemaker`, ….
    """
    versions = version.rpartition(".")[0], version
    ends = ("", "-sagemaker", f"-{system}-sagemaker") if plain else (f"-{system}-sagemaker",)
    return Release(tuple(f"{each}-{kind}{end}" for each in versions for kind in kinds for end in ends), python, pythons)


def _algorithm(version: str, python: str, *pythons: str, packages: str = "") -> Release:
    """Return a release of XGBoost or scikit-learn: `1.7-1`, and `1.7-1-cpu-py3`, as fw_utils.py of the SDK has them."""
    return Release((version, f"{version}-cpu-py3"), python, pythons, packages)


def _built_in(algorithm: str) -> Family:
    """Return the family of a built-in algorithm, all in one list: they are libraries of ours and scikit-learn."""
    return Family(
        algorithm,
        ALGORITHMS,
        (Release(("1", "latest"), packages="built-in-algorithms-1"),),
        algorithm=Program(_ALGORITHMS, (algorithm, "train")),
        server=Program(_ALGORITHMS, (algorithm, "serve")),
    )


_OURS = ("3.11", "3.12", "3.13")  # what serves and what the built-in algorithms are needs one of these
_TENSORFLOW = "sagemaker_tensorflow_container.training:main"
_PYTORCH = "sagemaker_pytorch_container.training:main"
_TOOLKIT = Program("runtime/launch/train.py")
_TENSORFLOW_SERVING = Program("serving/__main__.py")
_MODEL_FUNCTIONS = "serving/toolkits/__main__.py"
_ALGORITHMS = "algorithms/__main__.py"

# Where a repository's images are sought that AWS has in another one, or under an older name.
_KIN = {
    "pytorch": ("pytorch", "pytorch-training"),
    "pytorch-training": ("pytorch-training", "pytorch"),
    "sagemaker-tensorflow-scriptmode": ("tensorflow-training",),
    "xgboost": ("sagemaker-xgboost",),
}
_UBUNTU_20, _UBUNTU_22, _AMAZON_LINUX = "ubuntu20.04", "ubuntu22.04", "amzn2023"
FAMILIES = {
    family.repository: family
    for family in (
        Family(
            "tensorflow-training",
            DEEP_LEARNING,
            (
                _framework("2.16.2", "cpu-py310", system=_UBUNTU_20, pythons=("3.10", "3.11", "3.12")),
                _framework("2.18.0", "cpu-py310", system=_UBUNTU_22, pythons=("3.10", "3.11", "3.12")),
                _framework("2.19.0", "cpu-py312", system=_UBUNTU_22, pythons=("3.11", "3.12")),
                _framework("2.21.0", "cpu-py312", system=_AMAZON_LINUX),
            ),
            toolkit=_TENSORFLOW,
        ),
        Family(
            "tensorflow-inference",
            DEEP_LEARNING,
            (
                _framework("2.16.1", "cpu-py310", "cpu", system=_UBUNTU_20, pythons=("3.11", "3.12")),
                _framework("2.18.0", "cpu-py310", "cpu", system=_UBUNTU_20, pythons=("3.11", "3.12")),
                _framework("2.19.0", "cpu-py312", "cpu", system=_UBUNTU_22, pythons=("3.11", "3.12")),
                _framework("2.20.0", "cpu-py312", system=_AMAZON_LINUX),
            ),
            server=_TENSORFLOW_SERVING,
        ),
        Family(
            "pytorch-training",
            DEEP_LEARNING,
            (_framework("2.10.0", "cpu-py313", system=_UBUNTU_22, pythons=("3.12", "3.13")),),
            toolkit=_PYTORCH,
        ),
        Family(
            "pytorch",
            DEEP_LEARNING,
            (
                _framework("2.11.0", "cpu", system=_AMAZON_LINUX, python="3.12", pythons=("3.12",), plain=False),
                _framework("2.12.1", "cpu", system=_AMAZON_LINUX, python="3.12", pythons=("3.12",), plain=False),
                _framework("2.13.0", "cpu", system=_AMAZON_LINUX, python="3.12", pythons=("3.11", "3.12"), plain=False),
            ),
            toolkit=_PYTORCH,
        ),
        Family(
            "pytorch-inference",
            DEEP_LEARNING,
            (_framework("2.6.0", "cpu-py312", system=_UBUNTU_22, pythons=("3.12",)),),
            script_server=Program(_MODEL_FUNCTIONS, ("pytorch",)),
        ),
        Family(
            "sagemaker-scikit-learn",
            FRAMEWORKS,
            (
                _algorithm("1.2-1", "3.9", "3.11"),
                _algorithm("1.4-2", "3.10", "3.11", "3.12", packages="sagemaker-scikit-learn-1.4-2-py312"),
                _algorithm("1.4-2-py312", "3.12", "3.11", "3.12"),
                _algorithm("1.9-0", "3.12"),
            ),
            toolkit="",
            script_server=Program(_MODEL_FUNCTIONS, ("scikit-learn",)),
        ),
        Family(
            "sagemaker-xgboost",
            FRAMEWORKS,
            (
                _algorithm("1.7-1", "3.10", *_OURS),
                _algorithm("3.0-5", "3.10", *_OURS),
                _algorithm("3.2-0", "3.12"),
            ),
            toolkit="",
            algorithm=Program(_ALGORITHMS, ("xgboost", "train")),
            server=Program(_ALGORITHMS, ("xgboost", "serve")),
            script_server=Program(_MODEL_FUNCTIONS, ("xgboost",)),
        ),
        *map(_built_in, ("linear-learner", "kmeans", "factorization-machines", "pca", "knn")),
    )
}
_BY_NAME = {
    f"{family.repository}-{release.tags[0]}": (family, release)
    for family, release in chain.from_iterable(((f, r) for r in f.releases) for f in FAMILIES.values())
}
