"""The containers of the closed algorithms as SageMaker uses them: a folder that is /opt/ml, a process, HTTP requests.

In this process, for their images have nothing that the tests' own Python lacks, but for FAISS.
"""

from __future__ import annotations

import json
import logging
import re
import uuid
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from embedded_aws.algorithms import job
from embedded_aws.serving.app import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np
    import pytest

    from embedded_aws.serving.app import HttpResponse

    Train = Callable[..., "Trained"]

RECORDIO, CSV = "application/x-recordio-protobuf", "text/csv"
JSON, JSONLINES = "application/json", "application/jsonlines"


class Trained(NamedTuple):
    """How a training job ended: exit status, what it logged, what it wrote as its failure, and its model's folder."""

    status: int
    log: str
    failure: str
    model: Path

    def metric(self, name: str) -> float:
        """Return the last value that the regular expression of an algorithm's metric finds in the log."""
        return self.metrics(name)[-1]

    def metrics(self, name: str) -> list[float]:
        """Return all of them."""
        definitions = import_module(f"embedded_aws.algorithms.{self.model.parent.name}.metrics").DEFINITIONS
        [pattern] = [each["Regex"] for each in definitions if each["Name"] == name]
        return [float(found) for found in re.findall(pattern, self.log)]


def train(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    algorithm: str,
    hyperparameters: Mapping[str, Any],
    channels: Mapping[str, bytes],
    **more: Any,
) -> Trained:
    """Run a training job of an algorithm; `more` is what `prepare` takes by name."""
    ml = prepare(folder / uuid.uuid4().hex / algorithm, hyperparameters, channels, **more)
    program = import_module(f"embedded_aws.algorithms.{algorithm}.training")
    handlers, level = logging.root.handlers[:], logging.root.level
    try:
        status = job.run(program.train, job.TrainingJob(ml), report=program.report)
    finally:
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
    return ended(status, capsys.readouterr().out, ml)


def prepare(
    ml: Path,
    hyperparameters: Mapping[str, Any],
    channels: Mapping[str, bytes],
    *,
    content_type: str | None = None,
    hosts: int = 1,
) -> Path:
    """Fill a folder that is to be /opt/ml as SageMaker does."""
    config = ml / "input" / "config"
    for made in (config, ml / "model", ml / "output"):
        made.mkdir(parents=True)
    for name, data in channels.items():
        (ml / "input" / "data" / name).mkdir(parents=True)
        (ml / "input" / "data" / name / "part").write_bytes(data)
    names = [f"algo-{number}" for number in range(1, hosts + 1)]
    kind = {"ContentType": content_type} if content_type else {}
    documents = {
        "hyperparameters": {name: str(value) for name, value in hyperparameters.items()},
        "inputdataconfig": {name: {"TrainingInputMode": "File", **kind} for name in channels},
        "resourceconfig": {"current_host": names[0], "hosts": names},
    }
    for name, document in documents.items():
        (config / f"{name}.json").write_text(json.dumps(document))
    return ml


def ended(status: int, log: str, ml: Path) -> Trained:
    """Return how the job of an /opt/ml ended."""
    failure = ml / "output" / "failure"
    return Trained(status, log, failure.read_text() if failure.exists() else "", ml / "model")


def ask(trained: Trained, body: bytes | str, content_type: str | None = JSON, accept: str = "") -> HttpResponse:
    """Post a request to /invocations of the model of a training job."""
    program = import_module(f"embedded_aws.algorithms.{trained.model.parent.name}.serving")
    headers = {"content-type": content_type or "", "accept": accept}
    content = body.encode() if isinstance(body, str) else body
    response: HttpResponse = program.load(trained.model).invoke(HttpRequest("POST", "/invocations", headers, content))
    return response


def predictions(trained: Trained, features: np.ndarray[Any, Any]) -> list[dict[str, Any]]:
    """Return what the model answers for rows of features, sent as CSV or, if it has none, as JSON."""
    answer = ask(trained, csv(features), CSV)
    if answer.status == 415:
        answer = ask(trained, json.dumps({"instances": [{"features": [*map(float, row)]} for row in features]}))
    document = json.loads(answer.body)
    [found] = document.values()
    return list(found)


def csv(features: np.ndarray[Any, Any], labels: np.ndarray[Any, Any] | None = None) -> bytes:
    """Return rows of features as CSV, after their labels if there are any."""
    rows = ([*(() if labels is None else (labels[number],)), *row] for number, row in enumerate(features))
    return "".join(",".join(repr(float(value)) for value in row) + "\n" for row in rows).encode()
