"""`embedded-aws images`: which images there are, pulled and removed by any name that somebody has for one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ECR = "382416733822.dkr.ecr.us-east-1.amazonaws.com"


@dataclass(frozen=True)
class Command:
    """`embedded-aws images` with a folder of lists and a cache of its own."""

    folder: Path

    def __call__(self, *words: str, code: int = 0) -> str:
        """Run it; return what it prints, or with another exit code what it says is wrong."""
        options = ["--images", str(self.folder / "lists"), "--cache", str(self.folder / "cache")]
        command = [sys.executable, "-m", "embedded_aws", "images", *words, *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr if code else done.stdout

    def document(self, *words: str) -> Any:
        """Return what it prints for programs."""
        return json.loads(self(*words, "--json"))


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """The command, with lists of two built-in algorithms' packages and one of one's own, which have none."""
    lists = tmp_path / "lists"
    lists.mkdir()
    for name in ("built-in-algorithms-1", "small-1.0-cpu-py311"):
        (lists / f"{name}.txt").write_text("")
    return Command(tmp_path)


def test_lists_images_and_what_is_installed(command: Command) -> None:
    """By name, with Python and size; for programs also the URI and which images share an installation."""
    lines = command("list").splitlines()
    assert [line.split()[0] for line in lines] == [
        "IMAGE",
        *(f"{each}-1" for each in ("factorization-machines", "kmeans", "knn", "linear-learner", "pca")),
        "small-1.0-cpu-py311",
    ]
    assert lines[-1].split()[1:] == ["3.11", "not", "installed"]
    kmeans = next(each for each in command.document() if each["name"] == "kmeans-1")
    assert (kmeans["uri"], kmeans["installed"], kmeans["bytes"]) == (f"{ECR}/kmeans:1", False, 0)
    assert "pca-1" in kmeans["shares"]


def test_pulls_and_removes(command: Command) -> None:
    """By its repository, its URI, or repository and tag; what shares an installation comes and goes with it."""
    for asked in ("kmeans", "kmeans:latest", f"{ECR}/kmeans:1"):
        (pulled,) = command.document("pull", asked)
        assert (pulled["name"], pulled["installed"]) == ("kmeans-1", True)
    assert Path(pulled["path"], "bin", "python").exists()
    there = {each["name"]: each["bytes"] for each in command.document("list")}
    assert there["pca-1"] == there["kmeans-1"] > 0 == there["small-1.0-cpu-py311"]
    assert "and with it factorization-machines-1, knn-1, linear-learner-1, pca-1" in command("remove", "kmeans-1")
    assert not any(each["installed"] for each in command.document("list"))
    assert "was not installed" in command("remove", "kmeans")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("kmean", "kmean is not an image of the embedded AWS. Do you mean kmeans-1"),
        ("kmeans:7", "kmeans:7 is not an image of the embedded AWS. Do you mean kmeans-1?"),
        (f"{ECR}/kmeans:7", f"The nearest that it has is {ECR}/kmeans:1."),
        (f"{ECR.replace('3824', '1111')}/kmeans:1", f"is not AWS's image: there it is {ECR}/kmeans:1."),
        ("zzz", "`embedded-aws images` lists those that it has."),
    ],
)
def test_a_wrong_name_is_answered_with_what_is_like_it(command: Command, asked: str, said: str) -> None:
    """In one sentence, and nothing is installed."""
    assert said in command("pull", asked, code=1)
    assert not (command.folder / "cache").exists()


def test_one_that_is_in_use_is_not_removed(command: Command) -> None:
    """While a process of it runs; which one is said."""
    (pulled,) = command.document("pull", "small:1.0-cpu-py311")
    with subprocess.Popen([Path(pulled["path"], "bin", "python"), "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert f"in use, by process {process.pid}" in command("remove", pulled["name"], code=1)
        process.communicate()
    command("remove", pulled["name"])
    assert not Path(pulled["path"]).exists()
