"""`./lab predict`: ask the lab which brick is in each file, by its endpoint or another way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from rich.markup import escape

from cli import settings
from cli.aws import pausing, predictions, stacks, ways
from cli.aws.endpoint import FailedRequestError, NoAnswerError
from cli.aws.session import connect
from cli.ui import screen
from cli.ui.errors import LabError
from cli.ui.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cli.aws.predictions import Prediction
    from cli.aws.session import Session, Target
    from cli.aws.ways import Answering, Way

CONTENT_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".npy": "application/x-npy",
}
_BAR = 30  # characters of a bar that stands for certainty, if there is room
_BESIDE = 12  # characters beside label and bar


def predict(target: Target, context: Sequence[str], files: Sequence[str], *, via: Way, as_json: bool) -> None:
    """Print the answer for each file.

    Raises LabError, after the answers for all others, that names each file that is not fit for it.
    """
    lab = settings.read(context)
    kinds: dict[Path, str] = {}
    refused: dict[Path, str] = {}
    for path in map(Path, dict.fromkeys(files)):
        try:
            kinds[path] = _content_type(path, ways.LARGEST[via])
        except LabError as error:
            refused[path] = str(error)
    if not kinds:
        raise LabError("\n".join(refused.values()))
    session = connect(target)
    answering = ways.of(via, session, lab, stacks.outputs(session, lab.name))
    try:
        answers = _ask_all(answering, kinds, refused, quiet=as_json)
    except ClientError as error:
        raise _no_answer(session, lab.name, answering.called, error.response["Error"]["Message"]) from None
    except NoAnswerError as error:
        raise _no_answer(session, lab.name, answering.called, str(error)) from None
    if as_json:
        print(json.dumps(answers, indent=2))
    if refused:
        raise LabError("\n".join(refused.values()))


def _ask_all(
    answering: Answering, kinds: Mapping[Path, str], refused: dict[Path, str], *, quiet: bool
) -> dict[str, list[dict[str, Any]]]:
    """Return the predictions by file, shown as they come unless `quiet`; note what is refused."""
    answers: dict[str, list[dict[str, Any]]] = {}
    for path, kind in kinds.items():
        try:
            answers[str(path)] = _ask(answering, path, kind, quiet=quiet)
        except _RefusedError as error:
            refused[path] = str(error)
        else:
            if not quiet:
                _show_all(str(path), answers[str(path)])
    return answers


class _RefusedError(Exception):
    """The file is not fit; the message says why. Another one may be."""


def _content_type(path: Path, largest: int) -> str:
    if not path.is_file():
        raise LabError(f"{path} is not a file: name photos (png, jpeg) or arrays (npy).")
    kind = CONTENT_TYPES.get(path.suffix.lower())
    if not kind:
        raise LabError(f"{path} ends with {path.suffix or 'nothing'}; the endpoint takes {', '.join(CONTENT_TYPES)}.")
    size = path.stat().st_size
    if size > largest:
        smaller = "save it smaller: 1,000 pixels a side are plenty"
        advice = "send it in parts" if kind == "application/x-npy" else smaller
        raise LabError(f"{path} has {size:,} bytes; it may have {largest:,} at most: {advice}.")
    return kind


def _ask(answering: Answering, path: Path, content_type: str, *, quiet: bool) -> list[dict[str, Any]]:
    """Return the predictions. Raises _RefusedError for the file, what the way of asking itself raises for it."""
    try:
        body = path.read_bytes()
    except OSError as error:
        raise _RefusedError(f"{path} can't be read: {error.strerror}.") from None
    with screen.waiting(f"{path}: asking {answering.called}", quiet=quiet) as notice:
        try:
            answer = answering.ask(body, content_type, notice=lambda what: notice(f"{path}: {what}"))
        except FailedRequestError as error:
            raise _RefusedError(f"{path}: the model refused it: {_innermost_of_failure(str(error))}") from None
        except ClientError as error:
            if error.response["Error"]["Code"] == "ModelError":
                raise _RefusedError(f"{path}: the model refused it: {sentence(error)}") from None
            raise
    return predictions.read(answer)


def _no_answer(session: Session, lab: str, called: str, said: str) -> LabError:
    if any(one.kind == "endpoint" for one in pausing.find_paused(session, lab)):
        return LabError(f"{lab} is paused: `./lab resume` brings its endpoint back.")
    return LabError(f"{called[0].upper()}{called[1:]} did not answer ({said}): see `./lab status`, then `./lab up`.")


def sentence(error: ClientError) -> str:
    """Return the model's own sentence, which SageMaker passes on as the container answers it."""
    return _innermost(str(error.response.get("OriginalMessage") or error.response["Error"]["Message"]))


def _innermost_of_failure(said: str) -> str:
    """Return the model's own sentence in what SageMaker wrote of a failure, where that has the container's answer."""
    start, end = said.find('{"'), said.rfind("}")
    return _innermost(said[start : end + 1]) if 0 <= start < end else said


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


def _show_all(name: str, answered: Sequence[Prediction]) -> None:
    for number, prediction in enumerate(answered):
        _show(name if len(answered) == 1 else f"{name}[{number}]", prediction)


def _show(name: str, prediction: Prediction) -> None:
    screen.console.print(f"{escape(name)}: {_in_words(prediction)}", soft_wrap=True)
    labels = prediction.get("probabilities")
    if not labels:
        return
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


def _in_words(prediction: Prediction) -> str:
    """Return what was found: a brick, how probable it is where the model says so, or a cluster of k-means.

    Whether a picture is of a brick at all, the model says by its novelty, which is above 1 if not.
    """
    if "cluster" in prediction:
        return f"[bold]cluster {prediction['cluster']}[/], {prediction['distance']:.2f} from its center"
    probability = f" {prediction['probability']:.1%}" if "probability" in prediction else ""
    brick = f"[bold]{escape(prediction['label'])}[/]{probability}"
    if prediction.get("known", True):
        return brick
    novelty = f"novelty {prediction['novelty']:.1f}, where bricks have 1 at most"
    return f"[bold yellow]no brick that this model knows[/] ({novelty}); the likest is {brick}"
