"""What holds for each of the students' notebooks, as it is committed."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cli import paths

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nbformat import NotebookNode

VARIABLES = ("BUCKET", "ENDPOINT", "INSTANCE_TYPE", "PREFIX", "ROLE", "SEAT", "SEAT_URI")


@pytest.fixture(params=sorted(path.name for path in (paths.ROOT / "notebooks").glob("*.ipynb")))
def notebook(request: pytest.FixtureRequest) -> NotebookNode:
    """One of them."""
    import nbformat

    read: NotebookNode = nbformat.read(paths.ROOT / "notebooks" / request.param, as_version=nbformat.NO_CONVERT)
    return read


def test_it_is_a_notebook_without_outputs(notebook: NotebookNode) -> None:
    """Format 4.5: every cell has an id of its own, no output and no count of executions is stored."""
    import nbformat

    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


class Setup:
    """A notebook's first cell, which is plain Python, where every variable of the lab's is set."""

    def __init__(self, notebook: NotebookNode, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        for name in VARIABLES:
            monkeypatch.setenv(f"BRICKLAB_{name}", "known")
        [self._source] = [cell.source for cell in notebook.cells if cell.id == "setup"]
        self._folder = folder

    def run(self, *, shown: str = "", then: Callable[[], object] = lambda: None) -> str:
        """Return the sentence with which it stops the notebook; once it has printed `shown`, do what is `then` due."""
        cell = subprocess.Popen(
            [sys.executable, "-c", self._source],
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with cell:
            assert cell.stdout
            assert cell.stdout.read(len(shown)) == shown
            then()
            said = cell.communicate()[1]
        assert cell.returncode == 1
        return said.strip()


@pytest.fixture
def first_cell(notebook: NotebookNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setup:
    """The first cell of the notebook."""
    return Setup(notebook, tmp_path, monkeypatch)


@pytest.mark.parametrize("missing", ["BRICKLAB_BUCKET", "BRICKLAB_ROLE"])
def test_a_missing_variable_is_one_sentence(first_cell: Setup, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """Outside a seat the first cell names the variable and the next step, and stops the notebook."""
    monkeypatch.delenv(missing)
    said = first_cell.run()
    assert said.startswith(f"{missing} is not set.")
    assert 'eval "$(./lab env SEAT)"' in said
    assert 'the kernel "Python 3 (lab)"' in said


@pytest.mark.parametrize("end", ["Ready: choose Restart Kernel.", "Not installed: a reason. The log is packages.log."])
def test_the_first_cell_waits_for_the_packages(
    first_cell: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    """In a kernel from before they were there it says how far they are, for how long, and how that ended."""
    status = tmp_path / "packages.txt"
    status.write_text("Installing TensorFlow: three minutes.\n")
    monkeypatch.setenv("BRICKLAB_PACKAGES", str(status))
    shown = "\nInstalling TensorFlow: three minutes. 0 s"  # its carriage return
    assert first_cell.run(shown=shown, then=lambda: status.write_text(f"{end}\n")) == end
