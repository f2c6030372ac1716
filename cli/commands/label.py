"""`./lab label`: a page on which people say which brick each photo shows; `./lab labels`: what has come of it."""

from __future__ import annotations

import json
import math
import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from cli import settings
from cli.aws import owner, predictions, stacks
from cli.aws.endpoint import Endpoint, FailedRequestError, NoAnswerError
from cli.aws.session import connect
from cli.labelling import results, server, store, task
from cli.labelling.task import Task
from cli.labelling.worklist import Worklist
from cli.ui import screen
from cli.ui.errors import LabError
from cli.ui.table import Column, Table
from infra.seats import safe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cli.aws.session import Session, Target
    from cli.labelling.results import Results
    from cli.labelling.store import JobStore
    from infra.settings import Settings

_SHOWN = 20  # disagreements
_CONFUSIONS = 3  # of a person
_PNG, _JPEG = "image/png", "image/jpeg"


@dataclass(frozen=True, kw_only=True)
class LabelOptions:
    """What is labelled: the photos below a prefix, or of a manifest, or what is left of a job. And by whom, and how."""

    job: str | None = None
    prefix: str | None = None
    manifest: str | None = None
    people: int | None = None
    worker: str | None = None
    seat: str | None = None
    bucket: str | None = None
    suggest: bool = False
    uncertain_first: bool = False
    review: bool = False


def label(target: Target, context: Sequence[str], options: LabelOptions, *, browser: bool, as_json: bool) -> None:
    """Serve the page of a labelling job on this machine, and open it, until Ctrl-C; then write what has come of it."""
    lab = settings.read(context)
    session = connect(target)
    found = _open(session, lab, options)
    worker = _worker(session, options)
    review = sorted(results.read(found).disagreements) if options.review else None
    if review == []:
        raise LabError(f"People agree on all photos of {found.task.name} that they have labelled: nothing to review.")
    people = found.task.people if review is None else 1
    worklist = Worklist(len(found.lines), people=people, worker=worker, only=review)
    worklist.load(found.answered(reviewer=options.review))
    asking = _Asking(session, lab) if options.suggest or options.uncertain_first else None
    ended = threading.Event()
    with server.serving(
        found,
        worklist,
        lab,
        worker=worker,
        account=session.account,
        reviewer=options.review,
        suggest=asking.predict if asking and options.suggest else None,
    ) as link:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        if asking and options.uncertain_first:
            ranking = threading.Thread(target=asking.rank, args=(found, worklist, ended), daemon=True)
            ranking.start()
        if as_json:
            print(json.dumps({"url": link, "job": found.task.name, "photos": len(found.lines)}, indent=2), flush=True)
        else:
            screen.open_page(link, browser=browser, remark="   opens once; Ctrl-C ends it")
        ended.wait()
    if not as_json:
        screen.console.print(f"`./lab labels {found.task.name}` shows how far people agree, and writes the manifest.")


def labels(target: Target, context: Sequence[str], options: LabelOptions, *, as_json: bool) -> None:
    """Write a labelling job's manifest and annotations, and show how far its people agree."""
    lab = settings.read(context)
    session = connect(target)
    found = results.read(_open(session, lab, options))
    with screen.step("the output manifest written", quiet=as_json):
        manifest = found.write()
    if as_json:
        print(json.dumps({**found.document(), "manifest": manifest}, indent=2))
        return
    _show(found, manifest)


def _open(session: Session, lab: Settings, options: LabelOptions) -> JobStore:
    """Open the job that is meant, or begin it over a prefix or a manifest. Raises LabError."""
    bucket = options.bucket or stacks.outputs(session, lab.name).get("BucketName")
    if not bucket:
        raise LabError(f"The lab {lab.name} is not deployed: `./lab up` makes its bucket, where photos and labels lie.")
    if options.prefix is None and options.manifest is None:
        return store.open_job(session, bucket, options.job or _only_job(session, bucket))
    if options.prefix is not None and options.manifest is not None:
        raise LabError("--prefix and --manifest both say what is labelled: give one of them.")
    if options.manifest is not None:
        lines = store.read_manifest(session, bucket, options.manifest)
        given = options.manifest.rpartition("/")[2].removesuffix(".manifest")
    else:
        given = str(options.prefix).removeprefix(f"s3://{bucket}/").lstrip("/")
        lines = store.find_photos(session, bucket, given)
    name = task.checked_name(options.job or task.name_of(given))
    people = None if options.people is None else task.checked_people(options.people)
    return store.begin(session, Task(name=name, bucket=bucket, people=people or 1), lines, people=people)


def _only_job(session: Session, bucket: str) -> str:
    """Return the name of the only job that there is. Raises LabError if there is none, or several."""
    there = store.job_names(session, bucket)
    if len(there) == 1:
        return there[0]
    if not there:
        raise LabError("No photos are labelled yet: `./lab label --prefix raw/` begins with those below raw/.")
    raise LabError(f"There are the labelling jobs {', '.join(there)}: name one.")


def _worker(session: Session, options: LabelOptions) -> str:
    name = safe(options.worker or options.seat or owner.caller_name(owner.caller_arn(session)))
    if not name:
        raise LabError(f"--as {options.worker}: a person's name has a letter or a digit.")
    return name


class _Asking:
    """The lab's endpoint, asked what it sees in a photo."""

    def __init__(self, session: Session, lab: Settings) -> None:
        self._endpoint = Endpoint(session, lab)

    def predict(self, photo: bytes, content_type: str) -> Mapping[str, Any]:
        """Return its answer. Raises ValueError for what is no picture, or has none."""
        if content_type not in {_PNG, _JPEG}:
            raise ValueError("It is no picture.")
        try:
            [found] = predictions.read(self._endpoint.ask(photo, content_type, notice=lambda _: None))
        except (NoAnswerError, FailedRequestError) as error:
            raise ValueError(str(error)) from error
        return found

    def rank(self, found: JobStore, worklist: Worklist, ended: threading.Event) -> None:
        """Ask about each photo that is left, and let those come first that it is least sure of, as more is known."""
        uncertainty: dict[int, float] = {}
        for photo in worklist.next(len(found.lines)):
            if ended.is_set():
                return
            try:
                content = found.photo(photo)
                kind = _PNG if content.startswith(b"\x89PNG") else _JPEG
                uncertainty[photo] = entropy(self.predict(content, kind).get("probabilities", {}))
            except (ClientError, BotoCoreError, ValueError, KeyError):
                continue  # it comes after those of which something is known
            worklist.rank(uncertainty.copy())


def entropy(probabilities: Mapping[str, float]) -> float:
    """Return how unsure a network is, in bits: 0 if it gives one class all."""
    return -sum(share * math.log2(share) for share in probabilities.values() if share > 0)


def _show(found: Results, manifest: str) -> None:
    names = found.store.task.labels
    table = Table("person", Column("answers", numbers=True), Column("as the others", numbers=True), "takes most often")
    for worker, counts in found.agreement.confusion.items():
        most = [f"{names[t]} for {names[s]} ({count})" for t, s, count in found.confusions(worker)][:_CONFUSIONS]
        table.add_row(escape(worker), str(counts.sum()), f"{found.agreement.share(worker):.0%}", "; ".join(most))
    if found.answers:
        table.show()
    open_ones = [each for each in found.disagreements if all(each != review.photo for review in found.reviews)]
    if open_ones:
        screen.console.print(
            f"\nPeople disagree on {len(open_ones)} photos; `./lab label {found.store.task.name} --review` asks you:",
            soft_wrap=True,
        )
        disagreements = Table("photo", "answers", "likeliest", "")
        for photo in open_ones[:_SHOWN]:
            said = ", ".join(f"{each.worker}: {names[each.label]}" for each in found.by_photo[photo])
            sure = f"{found.agreement.probabilities[photo].max():.0%}"
            likeliest = names[found.agreement.label(photo)]
            disagreements.add_row(escape(found.store.lines[photo].key), escape(said), likeliest, sure)
        disagreements.show()
    screen.console.print(
        f"\n{len(found.consensus)} of {len(found.store.lines)} photos have a label: {escape(manifest)}", soft_wrap=True
    )
