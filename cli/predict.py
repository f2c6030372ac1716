"""`./lab predict`: which brick is it? The lab's endpoint is asked, file by file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from rich.markup import escape
from rich.table import Table

from cli import paused, place, screen, settings
from cli.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.place import Place, Target

CONTENT_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".npy": "application/x-npy",
}
_BAR = 30  # characters of a bar that stands for certainty


def predict(target: Target, context: Sequence[str], files: Sequence[str], *, as_json: bool) -> None:
    """Print the endpoint's answer for each file. Raises LabError when a file or the endpoint is not fit for it."""
    lab = settings.read(context)
    photos = [(Path(name), _content_type(Path(name))) for name in files]
    here = place.find(target)
    answers = {str(path): _ask(here, lab.name, path, kind) for path, kind in photos}
    if as_json:
        print(json.dumps(answers, indent=2))
        return
    for name, predictions in answers.items():
        for number, prediction in enumerate(predictions):
            _show(name if len(predictions) == 1 else f"{name}[{number}]", prediction)


def _content_type(path: Path) -> str:
    if not path.is_file():
        raise LabError(f"{path} is not a file: name photos (png, jpeg) or arrays (npy).")
    kind = CONTENT_TYPES.get(path.suffix.lower())
    if not kind:
        raise LabError(f"{path} ends with {path.suffix or 'nothing'}; the endpoint takes {', '.join(CONTENT_TYPES)}.")
    return kind


def _ask(here: Place, endpoint: str, path: Path, content_type: str) -> list[dict[str, Any]]:
    try:
        answer = here.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, ContentType=content_type, Accept="application/json", Body=path.read_bytes()
        )
    except ClientError as error:
        if any((kept.kind, kept.name) == ("endpoint", endpoint) for kept in paused.find(here, endpoint)):
            raise LabError(f"{endpoint} is paused: `./lab resume` brings its endpoint back.") from None
        raise LabError(_reason(error, endpoint, path)) from None
    predictions: list[dict[str, Any]] = json.loads(answer["Body"].read())["predictions"]
    return predictions


def _reason(error: ClientError, endpoint: str, path: Path) -> str:
    if error.response["Error"]["Code"] == "ModelError":
        said = error.response.get("OriginalMessage") or error.response["Error"]["Message"]
        return f"{path}: the model refused it: {said}"
    said = error.response["Error"]["Message"]
    return f"Endpoint {endpoint} did not answer ({said}): see `./lab status`, then `./lab up`."


def _show(name: str, prediction: dict[str, Any]) -> None:
    screen.console.print(
        f"{escape(name)}: [bold]{escape(prediction['label'])}[/] {prediction['probability']:.1%}", soft_wrap=True
    )
    table = Table(show_header=False, box=None, padding=(0, 1))
    for label, probability in prediction["probabilities"].items():
        style = "bold green" if label == prediction["label"] else "dim"
        table.add_row(
            f"[{style}]{escape(label)}[/]",
            f"[{style}]{'█' * round(probability * _BAR):<{_BAR}}[/]",
            f"{probability:6.1%}",
        )
    screen.console.print(table)
