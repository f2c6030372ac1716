"""The student's notebook: a valid document without outputs, whose cells run from top to bottom."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import boto3
import keras
import matplotlib as mpl

from tests.model_code.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

NOTEBOOK = ROOT / "notebooks" / "bricks.ipynb"


class Endpoint:
    """Answers as the lab's endpoint does; keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        """Answer one prediction."""
        self.requests.append(request)
        prediction = {"class": 0, "label": "2x3 Brick", "probability": 0.97, "probabilities": {}}
        return {"Body": io.BytesIO(json.dumps({"predictions": [prediction]}).encode())}


def cells() -> list[dict[str, Any]]:
    """Return the notebook's cells."""
    return list(json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"])


def test_it_is_a_notebook_without_outputs() -> None:
    """Format 4.5: every cell has an id of its own, no output and no count of executions is stored."""
    document = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (document["nbformat"], document["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in cells()]
    assert len(set(ids)) == len(ids)
    for cell in cells():
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


def test_its_cells_run(channel: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """From the data to the endpoint, with the folder and the endpoint's name from the environment."""
    endpoint = Endpoint()
    monkeypatch.setattr(boto3, "client", lambda _service: endpoint)
    monkeypatch.setenv("BRICKLAB_DATA", str(channel))
    monkeypatch.setenv("BRICKLAB_ENDPOINT", "a-lab")
    source = "\n".join("".join(cell["source"]) for cell in cells() if cell["cell_type"] == "code")
    with mpl.rc_context():
        # No window and no warning that there is none: figures are drawn nowhere.
        mpl.use("template")
        exec(compile(source, str(NOTEBOOK), "exec"), {})  # noqa: S102 - a notebook is code to execute
    keras.backend.clear_session()
    assert [(one["EndpointName"], one["ContentType"]) for one in endpoint.requests] == [("a-lab", "application/x-npy")]
    assert "2x3 Brick (97.0%); it is a 2x3 Brick" in capsys.readouterr().out
