"""The labelling page, opened from a notebook: `open_page("raw-first")`, or over photos of one's own.

On a notebook instance Jupyter shows a port of the machine below /proxy/PORT/, and lets nobody in but who may open the
instance: AWS's Graph Explorer is opened so (its guide, "Deploy on Amazon SageMaker"). BRICKLAB_PROXY says where. On a
laptop, without it, the link is the page's own address. The page asks S3 with what the kernel has: on an instance the
seat's rights.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from html import escape
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from labelling import results, server, store, task
from labelling.errors import LabellingError
from labelling.task import FOLDER, Task
from labelling.worklist import Worklist

if TYPE_CHECKING:
    from IPython.display import DisplayHandle

    from labelling.results import Results
    from labelling.store import JobStore
    from labelling.worklist import Progress

_open: dict[str, OpenPage] = {}  # the pages of this kernel, by their jobs


class OpenPage:
    """A page that is served by this kernel, until `close` or the kernel's end.

    A notebook shows its link, and how far its person is: each answer is activity of the kernel's, so that nobody stops
    an instance as idle on which somebody labels.
    """

    def __init__(self, job: JobStore, worker: str) -> None:
        self.job = job
        worklist = Worklist(len(job.lines), people=job.task.people, worker=worker)
        worklist.load(job.answered())
        self._progress = worklist.progress()
        self._shown: DisplayHandle | None = None
        self._served = ExitStack()
        self.link = self._served.enter_context(
            server.serving(
                job,
                worklist,
                worker=worker,
                opener="the cell",
                proxy=os.environ.get("BRICKLAB_PROXY", ""),
                heard=self._hear,
            )
        )

    def results(self) -> Results:
        """Read what people have answered until now; its `write()` makes the output manifest. Raises LabellingError."""
        return results.read(self.job)

    def close(self) -> None:
        """End the page; what is answered stays."""
        self._served.close()

    def _hear(self, progress: Progress) -> None:
        self._progress = progress
        if self._shown:
            self._shown.update(self._bundle(), raw=True)

    def _ipython_display_(self) -> None:
        from IPython.display import display  # noqa: PLC0415 - whoever has no notebook has none

        self._shown = display(self._bundle(), raw=True, display_id=True)

    def _bundle(self) -> dict[str, str]:
        """Return what a notebook shows, by media type."""
        return {"text/html": self.html(), "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"Label the {len(self.job.lines)} photos of {self.job.task.name}: {self.link}"

    def html(self) -> str:
        """Return the link, and how far its person is."""
        told = self._progress
        return (
            f'<p><a href="{escape(self.link)}" target="_blank" rel="noopener">Label the {told.photos} photos</a> of '
            f"{escape(self.job.task.name)} (the link opens once; run the cell again for another)</p>"
            f'<p><progress max="{told.mine + told.left}" value="{told.mine}"></progress> '
            f"{told.mine} labelled by you, {told.left} left</p>"
        )


def open_page(job: str = "", *, photos: str = "", people: int = 1) -> OpenPage:
    """Serve the page of a labelling job of the class; with `photos`, of one's own over the photos below that address.

    `photos` is a prefix below BRICKLAB_SEAT_URI, and such a job lies there too, in labels/. Each photo goes to `people`
    people; a job that is there already goes on as it was begun, and new photos join it. Raises LabellingError.
    """
    bucket, worker = _variable("BRICKLAB_BUCKET"), _variable("BRICKLAB_SEAT")
    waiting = Config(
        connect_timeout=store.SECONDS,
        read_timeout=store.SECONDS,
        retries={"mode": "standard", "total_max_attempts": store.ATTEMPTS},
    )
    s3 = boto3.client("s3", config=waiting)
    root = f"s3://{bucket}/"
    if not photos:
        found = store.open_job(s3, bucket, job or store.only_job(s3, bucket))
    else:
        own = _variable("BRICKLAB_SEAT_URI")
        if not photos.startswith(own):
            raise LabellingError(f"{photos} is not yours: copy the photos below {own} first.")
        prefix = photos.removeprefix(root)
        name = task.checked_name(job or task.name_of(photos.removeprefix(own)))
        asked = Task(
            name=name,
            bucket=bucket,
            home=f"{own.removeprefix(root)}{FOLDER}",
            people=task.checked_people(people),
        )
        found = store.begin(s3, asked, store.find_photos(s3, bucket, prefix), people=people)
    key = found.task.uri("")
    if before := _open.pop(key, None):
        before.close()
    _open[key] = page = OpenPage(found, worker)
    return page


def _variable(name: str) -> str:
    if value := os.environ.get(name):
        return value
    raise LabellingError(
        f"{name} is not set: choose the kernel Python 3 (lab) on a notebook instance; on a laptop start Jupyter in a "
        'shell in which you ran  eval "$(./lab env SEAT)"  with your seat\'s name.'
    )
