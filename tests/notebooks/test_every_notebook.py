"""What holds for each of the students' notebooks, as it is committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nbformat
import pytest
from nbclient import NotebookClient

from cli import paths

if TYPE_CHECKING:
    from pathlib import Path

    from nbformat import NotebookNode

VARIABLES = ("BUCKET", "ENDPOINT", "INSTANCE_TYPE", "PREFIX", "ROLE", "SEAT", "SEAT_URI")


@pytest.fixture(params=sorted(path.name for path in (paths.ROOT / "notebooks").glob("*.ipynb")))
def notebook(request: pytest.FixtureRequest) -> NotebookNode:
    """One of them."""
    return nbformat.read(paths.ROOT / "notebooks" / request.param, as_version=nbformat.NO_CONVERT)


def test_it_is_a_notebook_without_outputs(notebook: NotebookNode) -> None:
    """Format 4.5: every cell has an id of its own, no output and no count of executions is stored."""
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.parametrize("missing", ["BRICKLAB_BUCKET", "BRICKLAB_ROLE"])
def test_a_missing_variable_is_one_sentence(
    notebook: NotebookNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """Outside a seat the first cell names the variable and the next step, and stops the notebook."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    for name in VARIABLES:
        monkeypatch.setenv(f"BRICKLAB_{name}", "known")
    monkeypatch.delenv(missing)
    notebook.cells = [cell for cell in notebook.cells if cell.id == "setup"]
    notebook.cells[0].metadata["tags"] = ["raises-exception"]
    [cell] = NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute().cells
    [error] = [output for output in cell.outputs if output.output_type == "error"]
    assert error.ename == "SystemExit"
    assert error.evalue.startswith(f"{missing} is not set.")
    assert 'eval "$(./lab env SEAT)"' in error.evalue
