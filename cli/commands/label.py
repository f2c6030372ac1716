"""`./lab label`: a page on which people say which brick each photo shows; `./lab labels`: what has come of it."""

from __future__ import annotations

import json
import shlex
import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.markup import escape

from cli import settings
from cli.aws import owner, stacks
from cli.aws.session import connect
from cli.aws.suggestions import Asking
from cli.ui import screen
from cli.ui.errors import LabError
from cli.ui.table import Column, Table
from infra.seats import safe
from labelling import folders, results, server, store, task
from labelling.task import Task
from labelling.worklist import Worklist

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from cli.aws.session import Session, Target
    from infra.settings import Settings
    from labelling.results import Results
    from labelling.store import JobStore

_SHOWN = 20  # disagreements
_CONFUSIONS = 3  # of a person


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
    asking = Asking(session, lab) if options.suggest or options.uncertain_first else None
    found = _open(session, lab, options)
    worker = _worker(session, options)
    review = sorted(results.read(found).disagreements) if options.review else None
    if review == []:
        raise LabError(f"People agree on all photos of {found.task.name} that they have labelled: nothing to review.")
    people = found.task.people if review is None else 1
    worklist = Worklist(len(found.lines), people=people, worker=worker, only=review)
    worklist.load(found.answered(reviewer=options.review))
    ended = threading.Event()
    with server.serving(
        found,
        worklist,
        worker=worker,
        opener="`./lab label`",
        reviewer=options.review,
        suggest=asking.suggest if asking and options.suggest else None,
    ) as link:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        if asking and options.uncertain_first:
            threading.Thread(target=_rank, args=(asking, found, worklist, ended), daemon=True).start()
        if as_json:
            print(json.dumps({"url": link, "job": found.task.name, "photos": len(found.lines)}, indent=2), flush=True)
        else:
            screen.open_page(link, browser=browser, remark="   opens once; Ctrl-C ends it")
        ended.wait()
    if not as_json:
        screen.console.print(f"`./lab labels {found.task.name}` shows how far people agree, and writes the manifest.")


def _rank(asking: Asking, found: JobStore, worklist: Worklist, ended: threading.Event) -> None:
    if why := asking.rank(found, worklist, ended):
        screen.errors.print(f"Photos come in no order of the endpoint's from here: {escape(why)}", soft_wrap=True)


def labels(
    target: Target, context: Sequence[str], options: LabelOptions, *, photos: Path | None, as_json: bool
) -> None:
    """Write a labelling job's manifest and annotations, and show how far its people agree.

    Labelled photos are copied to the folder `photos`, if there is to be one, for the setting lab.photos.
    """
    lab = settings.read(context)
    session = connect(target)
    found = results.read(_open(session, lab, options))
    copied = folders.fetch(found, photos) if photos else {}
    with screen.step("the output manifest written", quiet=as_json):
        manifest = found.write()
    if as_json:
        told = {"manifest": manifest, "copied": sum(copied.values())}
        print(json.dumps({**found.document(), **told}, indent=2))
        return
    _show(found, manifest)
    if photos:
        _show_copied(photos, copied, found.store.task.name)


def _show_copied(folder: Path, copied: Mapping[str, int], job: str) -> None:
    there = f"{sum(copied.values())} of them are in {folder}"
    if missing := folders.missing(copied):
        next_step = (
            f"The lab learns from photos of each brick, and there is none of {', '.join(missing)} yet: label some"
        )
        sentence = f"{there}. {next_step} (`./lab label {job}`), and copy them to another folder."
    else:
        setting = shlex.quote(f"lab.photos={folder}")
        sentence = f"{there}: `./lab up -c {setting}` learns from them."
    screen.console.print(escape(sentence), soft_wrap=True)


def _open(session: Session, lab: Settings, options: LabelOptions) -> JobStore:
    """Open the job that is meant, or begin it over a prefix or a manifest. Raises LabError."""
    bucket = options.bucket or stacks.outputs(session, lab.name).get("BucketName")
    if not bucket:
        raise LabError(f"The lab {lab.name} is not deployed: `./lab up` makes its bucket, where photos and labels lie.")
    s3 = session.client("s3", timeout=store.SECONDS, attempts=store.ATTEMPTS)
    if options.prefix is None and options.manifest is None:
        return store.open_job(s3, bucket, options.job or store.only_job(s3, bucket))
    if options.prefix is not None and options.manifest is not None:
        raise LabError("--prefix and --manifest both say what is labelled: give one of them.")
    if options.manifest is not None:
        lines = store.read_manifest(s3, bucket, options.manifest)
        given = options.manifest.rpartition("/")[2].removesuffix(".manifest")
    else:
        given = str(options.prefix).removeprefix(f"s3://{bucket}/").lstrip("/")
        lines = store.find_photos(s3, bucket, given)
    name = task.checked_name(options.job or task.name_of(given))
    people = None if options.people is None else task.checked_people(options.people)
    return store.begin(s3, Task(name=name, bucket=bucket, people=people or 1), lines, people=people)


def _worker(session: Session, options: LabelOptions) -> str:
    name = safe(options.worker or options.seat or owner.caller_name(owner.caller_arn(session)))
    if not name:
        raise LabError(f"--as {options.worker}: a person's name has a letter or a digit.")
    return name


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
        photos = f"{len(open_ones)} photo{'s' * (len(open_ones) > 1)}"
        least_sure = f" The {_SHOWN} least sure ones:" if len(open_ones) > _SHOWN else ""
        screen.console.print(
            f"\nPeople disagree on {photos}; `./lab label {found.store.task.name} --review` asks you.{least_sure}",
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
