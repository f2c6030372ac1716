"""`./lab predict`: ask the lab's endpoint which brick is in each file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from rich.markup import escape

from cli import settings
from cli.aws import pausing
from cli.aws.session import connect
from cli.ui import screen
from cli.ui.errors import LabError
from cli.ui.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.aws.session import Session, Target

CONTENT_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".npy": "application/x-npy",
}
_LARGEST = 6_291_456  # bytes, what InvokeEndpoint takes in botocore's model
_BAR = 30  # characters of a bar that stands for certainty, if there is room
_BESIDE = 12  # characters beside label and bar


def predict(target: Target, context: Sequence[str], files: Sequence[str], *, as_json: bool) -> None:
    """Print the endpoint's answer for each file.

    Raises LabError, after the answers for all others, that names each file that is not fit for it.
    """
    lab = settings.read(context)
    kinds: dict[Path, str] = {}
    refused: dict[Path, str] = {}
    for path in map(Path, dict.fromkeys(files)):
        try:
            kinds[path] = _content_type(path)
        except LabError as error:
            refused[path] = str(error)
    if not kinds:
        raise LabError("\n".join(refused.values()))
    answers: dict[str, list[dict[str, Any]]] = {}
    session = connect(target)
    for path, kind in kinds.items():
        try:
            answers[str(path)] = _ask(session, lab.name, path, kind)
        except _RefusedError as error:
            refused[path] = str(error)
        else:
            if not as_json:
                _show_all(str(path), answers[str(path)])
    if as_json:
        print(json.dumps(answers, indent=2))
    if refused:
        raise LabError("\n".join(refused.values()))


class _RefusedError(Exception):
    """The file is not fit; the message says why. Another one may be."""


def _content_type(path: Path) -> str:
    if not path.is_file():
        raise LabError(f"{path} is not a file: name photos (png, jpeg) or arrays (npy).")
    kind = CONTENT_TYPES.get(path.suffix.lower())
    if not kind:
        raise LabError(f"{path} ends with {path.suffix or 'nothing'}; the endpoint takes {', '.join(CONTENT_TYPES)}.")
    size = path.stat().st_size
    if size > _LARGEST:
        smaller = "save it smaller: 1,000 pixels a side are plenty"
        advice = "send it in parts" if kind == "application/x-npy" else smaller
        raise LabError(f"{path} has {size:,} bytes; an endpoint takes {_LARGEST:,} bytes at most: {advice}.")
    return kind


def _ask(session: Session, endpoint: str, path: Path, content_type: str) -> list[dict[str, Any]]:
    """Return the endpoint's predictions. Raises _RefusedError for the file, LabError for the endpoint."""
    try:
        body = path.read_bytes()
    except OSError as error:
        raise _RefusedError(f"{path} can't be read: {error.strerror}.") from None
    try:
        answer = session.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, ContentType=content_type, Accept="application/json", Body=body
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ModelError":
            raise _RefusedError(f"{path}: the model refused it: {sentence(error)}") from None
        if any((one.kind, one.name) == ("endpoint", endpoint) for one in pausing.find_paused(session, endpoint)):
            raise LabError(f"{endpoint} is paused: `./lab resume` brings its endpoint back.") from None
        said = error.response["Error"]["Message"]
        raise LabError(f"Endpoint {endpoint} did not answer ({said}): see `./lab status`, then `./lab up`.") from None
    predictions: list[dict[str, Any]] = json.loads(answer["Body"].read())["predictions"]
    return predictions


def sentence(error: ClientError) -> str:
    """Return the model's own sentence, which SageMaker passes on as the container answers it."""
    return _innermost(str(error.response.get("OriginalMessage") or error.response["Error"]["Message"]))


def _innermost(said: str) -> str:
    """Return the sentence in {"error": …}, also where the container has that in the "description" of another answer."""
    try:
        answer = json.loads(said)
    except ValueError:
        return said
    if isinstance(answer, dict):
        for inner in (answer.get("error"), answer.get("description")):
            if isinstance(inner, str):
                return _innermost(inner)
    return said


def _show_all(name: str, predictions: Sequence[dict[str, Any]]) -> None:
    for number, prediction in enumerate(predictions):
        _show(name if len(predictions) == 1 else f"{name}[{number}]", prediction)


def _show(name: str, prediction: dict[str, Any]) -> None:
    screen.console.print(
        f"{escape(name)}: [bold]{escape(prediction['label'])}[/] {prediction['probability']:.1%}", soft_wrap=True
    )
    labels = prediction["probabilities"]
    bar = max(0, min(_BAR, screen.console.size.width - max(map(len, labels)) - _BESIDE))
    table = Table("", "", "")
    for label, probability in labels.items():
        style = "bold green" if label == prediction["label"] else "dim"
        table.add_row(
            f"[{style}]{escape(label)}[/]",
            f"[{style}]{'█' * round(probability * bar):<{bar}}[/]",
            f"{probability:6.1%}",
        )
    table.show()
