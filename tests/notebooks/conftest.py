"""A student: Ada, of the class of two. Notebooks are executed on her notebook instance, and on a laptop."""

from __future__ import annotations

import copy
import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from cli import paths
from tests.cli.console.conftest import chromium
from tests.embedded_aws.account import until
from tests.embedded_aws.jupyter import Jupyter
from tests.seats.class_of_two import NAME

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from nbformat import NotebookNode

    from tests.seats.class_of_two import ClassOfTwo

__all__ = ["Student", "chromium", "student"]

SEAT = "ada"
# Runs a notebook where Jupyter runs; the notebook itself says in which kernel.
EXECUTE = """
import subprocess, sys
command = [sys.executable, *"-m nbconvert --execute --to notebook --inplace".split(), "NAME"]
with open("NAME.log", "w") as log:
    subprocess.Popen(
        ["bash", "-c", '"$@"; echo $? > NAME.status', "bash", *command],
        stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
    )
"""


class Student:
    """Whoever sits at the seat ada of the class.

    `variables` are what `./lab env ada` tells a notebook on a laptop, with the seat's own role in the place of the
    user's credentials. `volume` is the seat's notebook instance's, with what its lifecycle script has put there.
    """

    lab, seat = NAME, SEAT
    prefix = f"{NAME}-{SEAT}-"

    def __init__(self, class_of_two: ClassOfTwo, folder: Path) -> None:
        lab, settings = class_of_two.lab, class_of_two.settings
        exports = [shlex.split(line)[1] for line in lab("env", SEAT, *settings).splitlines()]
        told = dict(export.split("=", 1) for export in exports)
        role = lab.client("sts").assume_role(RoleArn=told["BRICKLAB_ROLE"], RoleSessionName="SageMaker")["Credentials"]
        self._lab, self._folder = lab, folder
        self.variables = {
            **told,
            "AWS_ACCESS_KEY_ID": role["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": role["SecretAccessKey"],
            "AWS_SESSION_TOKEN": role["SessionToken"],
            "BRICKLAB_DATA": str(folder / "data"),
        }
        self._keys_before = self._keys()
        self.jupyter = Jupyter(json.loads(lab("notebook", SEAT, "--json", *settings))["url"])
        [self.volume] = lab.home.glob(f"aws/state/notebooks/*-{SEAT}-*/home/ec2-user/SageMaker")

    def client(self, service: str) -> Any:
        """A client with the account's own rights."""
        return self._lab.client(service)

    def written(self) -> set[str]:
        """The keys in the lab's bucket that were not there when the student came; capture is the lab's endpoint's."""
        return {key for key in self._keys() - self._keys_before if not key.startswith("capture/")}

    def _keys(self) -> set[str]:
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.variables["BRICKLAB_BUCKET"])
        return {each["Key"] for page in pages for each in page.get("Contents", [])}

    def run_on_laptop(self, name: str, *, last: str, numbers: Mapping[str, int]) -> dict[str, NotebookNode]:
        """Execute a notebook of the lab up to a cell, in a kernel that has only these variables of ours; its cells."""
        import nbformat
        from nbclient import NotebookClient

        notebook = _given(nbformat.read(paths.ROOT / "notebooks" / name, as_version=nbformat.NO_CONVERT), numbers)
        notebook.cells = notebook.cells[: [cell.id for cell in notebook.cells].index(last) + 1]
        client = NotebookClient(
            notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(self._folder)}}
        )
        environment = {name: value for name, value in self._lab.environment.items() if not name.startswith("BRICKLAB_")}
        own = {"IPYTHONDIR": str(self._folder / "ipython")}
        executed = client.execute(env={**environment, **own, **self.variables})
        return {cell.id: cell for cell in executed.cells}

    def wait_for_packages(self) -> None:
        """Wait until the notebook instance has the lab's packages, which its kernel "Python 3 (lab)" runs with."""
        status = self.volume / ".lab" / "packages.txt"
        until(lambda: not status.read_text().startswith("Installing"), 120)
        assert status.read_text().startswith("Ready")

    def run_on_seat(self, name: str, *, twice: AbstractSet[str], numbers: Mapping[str, int]) -> dict[str, NotebookNode]:
        """Execute a notebook on the notebook instance, once its packages are there; its cells by their ids.

        It is the one that lies there, with these numbers in the place of its own; the cells whose ids are in `twice`
        run again right after themselves.
        """
        import nbformat

        self.wait_for_packages()
        notebook = _given(nbformat.read(self.volume / name, as_version=nbformat.NO_CONVERT), numbers)
        notebook.cells = [one for cell in notebook.cells for one in _again(cell, twice=twice)]
        run = f"run-{name}"
        nbformat.write(notebook, self.volume / run)
        self.jupyter.run(EXECUTE.replace("NAME", run))
        until((self.volume / f"{run}.status").exists, 1500)
        assert (self.volume / f"{run}.status").read_text() == "0\n", (self.volume / f"{run}.log").read_text()[-5000:]
        executed = nbformat.read(self.volume / run, as_version=nbformat.NO_CONVERT)
        return {cell.id: cell for cell in executed.cells}


def _given(notebook: NotebookNode, numbers: Mapping[str, int]) -> NotebookNode:
    """Set the numbers of the notebook's cell with the tag "parameters", as papermill would."""
    [cell] = [each for each in notebook.cells if "parameters" in each.metadata.get("tags", ())]
    assert [line.split(" = ")[0] for line in cell.source.splitlines()] == [*numbers]
    cell.source = "\n".join(f"{name} = {number}" for name, number in numbers.items())
    return notebook


def _again(cell: NotebookNode, *, twice: AbstractSet[str]) -> list[NotebookNode]:
    second = copy.deepcopy(cell)
    second.id = f"{cell.id}-again"
    return [cell, second] if cell.id in twice else [cell]


@pytest.fixture(scope="package")
def student(class_of_two: ClassOfTwo, tmp_path_factory: pytest.TempPathFactory) -> Student:
    """A student who has just come."""
    return Student(class_of_two, tmp_path_factory.mktemp("jupyter"))
