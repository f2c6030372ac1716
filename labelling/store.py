"""A labelling job's objects in the lab's bucket: its documents, its photos, and every person's answers.

An answer is one object, whose key says whose it is and of which photo: sent twice it is there once, and two people who
answer at the same time write two. A person lists the others' keys and needs to read none of their answers.
Documents are written by whoever is first, and photos that several people add at the same moment are all there.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from labelling import manifests, objects, task
from labelling.errors import LabellingError
from labelling.manifests import Answer, Line
from labelling.task import ANSWERS, CATEGORIES, DOCUMENT, FOLDER, INPUT, Task
from teardown import refusals
from teardown.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


_REVIEW = "review/"  # a reviewer's answers, the last word
_PICTURES = (".jpeg", ".jpg", ".png")
SECONDS, ATTEMPTS = 10, 2
"""How long a client waits for S3, and how often it asks: the page keeps an answer, and sends it again."""
_READERS = 16
MOST_PHOTOS = 100_000  # data objects of a labelling job, SageMaker's guide, "Input data quotas"


class JobStore:
    """One job and where it is kept."""

    def __init__(self, s3: Any, job: Task, lines: Sequence[Line]) -> None:
        self._s3, self.task, self.lines = s3, job, lines

    # Answers.

    def put(self, answer: Answer) -> None:
        """Store an answer, in the place of what the same person has answered for the photo before."""
        body = json.dumps(answer.document(self.task.labels)).encode()
        key = self._key(answer.worker, answer.photo, reviewer=answer.reviewer)
        self._s3.put_object(Bucket=self.task.bucket, Key=key, Body=body, ContentType="application/json")

    def take_back(self, worker: str, photo: int, *, reviewer: bool = False) -> None:
        """Delete an answer, if there is one."""
        self._s3.delete_object(Bucket=self.task.bucket, Key=self._key(worker, photo, reviewer=reviewer))

    def answered(self, *, reviewer: bool = False) -> list[tuple[str, int]]:
        """List who has answered which photo."""
        folder = self._folder(reviewer=reviewer)
        return [*_answered((key.removeprefix(folder) for key in self._keys(folder)), len(self.lines))]

    def answers(self, *, reviewer: bool = False) -> list[Answer]:
        """Read all answers. Raises LabellingError for one that is none."""

        def read(found: tuple[str, int]) -> Answer:
            worker, photo = found
            content = self._read(self._key(worker, photo, reviewer=reviewer))
            return manifests.read_answer(content, self.task.labels, photo=photo, worker=worker, reviewer=reviewer)

        with ThreadPoolExecutor(_READERS) as pool:
            try:
                return [*pool.map(read, self.answered(reviewer=reviewer))]
            except ValueError as error:
                raise LabellingError(f"{self.task.uri('')}: {error}; delete it, and it can be given again.") from None

    # Photos and what comes of the job.

    def photo(self, number: int) -> bytes:
        """Read a photo. Raises ClientError."""
        return self._read(self.lines[number].key)

    def read(self, name: str) -> bytes | None:
        """Read one of the job's objects; None if it is not there."""
        return objects.read(self._s3, self.task.bucket, self.task.key(name))

    def change(self, name: str, changed: Callable[[bytes | None], bytes | None]) -> None:
        """Write one of the job's objects as a change of what it is, whoever else changes it at the same moment."""
        objects.change(self._s3, self.task.bucket, self.task.key(name), changed)

    def write(self, name: str, content: bytes) -> None:
        """Write one of the job's objects."""
        self._s3.put_object(Bucket=self.task.bucket, Key=self.task.key(name), Body=content)

    def write_all(self, contents: Iterable[tuple[str, bytes]]) -> None:
        """Write many of them."""
        with ThreadPoolExecutor(_READERS) as pool:
            for _ in pool.map(lambda each: self.write(*each), contents):
                pass

    def names(self, folder: str) -> set[str]:
        """List the names, below the job's own, of its objects in a folder."""
        return {key.removeprefix(self.task.folder) for key in self._keys(self.task.key(folder))}

    def delete(self, names: Iterable[str]) -> None:
        """Delete some of its objects."""
        for name in names:
            self._s3.delete_object(Bucket=self.task.bucket, Key=self.task.key(name))

    def _folder(self, *, reviewer: bool) -> str:
        return self.task.key(_REVIEW if reviewer else ANSWERS)

    def _key(self, worker: str, photo: int, *, reviewer: bool) -> str:
        return f"{self._folder(reviewer=reviewer)}{worker}/{photo}.json"

    def _keys(self, prefix: str) -> Iterator[str]:
        return _keys(self._s3, self.task.bucket, prefix)

    def _read(self, key: str) -> bytes:
        return bytes(self._s3.get_object(Bucket=self.task.bucket, Key=key)["Body"].read())


def open_job(s3: Any, bucket: str, name: str, home: str = FOLDER) -> JobStore:
    """Open a job that is there, in a folder of jobs. Raises LabellingError if it is not."""
    job = Task(name=task.checked_name(name), bucket=bucket, home=home)
    request, categories, manifest = _documents(s3, job)
    if request is None or categories is None or manifest is None:
        there = job_names(s3, bucket, home)
        hint = (
            f"there are {', '.join(there)}" if there else "`./lab label --prefix raw/` begins one over the photos there"
        )
        raise LabellingError(f"There is no labelling job {name} in s3://{bucket}/{home}: {hint}.")
    found = task.read(bucket, home, request, categories)
    return JobStore(s3, found, manifests.read_lines(manifest.decode(), bucket, found.uri(INPUT)))


def job_names(s3: Any, bucket: str, home: str = FOLDER) -> list[str]:
    """List the labelling jobs that there are in a folder of jobs."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=home, Delimiter="/")
    folders = [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", ())]
    return [folder.removeprefix(home).rstrip("/") for folder in folders]


def only_job(s3: Any, bucket: str) -> str:
    """Return the name of the only job that there is. Raises LabellingError if there is none, or several."""
    there = job_names(s3, bucket)
    if len(there) == 1:
        return there[0]
    if not there:
        raise LabellingError("No photos are labelled yet: `./lab label --prefix raw/` begins with those below raw/.")
    raise LabellingError(f"There are the labelling jobs {', '.join(there)}: name one.")


def begin(s3: Any, job: Task, lines: Sequence[Line], *, people: int | None) -> JobStore:
    """Begin a job, or open it as whoever was first has begun it; photos that came since are added at its end.

    Raises LabellingError if it is there for another number of `people` than was asked for.
    """
    bucket = job.bucket
    manifest = manifests.write_lines([each.document for each in lines])
    for name, content in ((INPUT, manifest), (CATEGORIES, _json(job.categories())), (DOCUMENT, _json(job.request()))):
        objects.put_if_absent(s3, bucket, job.key(name), content)
    found = open_job(s3, bucket, job.name, job.home)
    if people is not None and found.task.people != people:
        raise LabellingError(
            f"The labelling job {job.name} is there already, and its photos go to {found.task.people} people each: "
            f"leave --people out to go on with it, or name another job to begin."
        )

    def with_new(there: bytes | None) -> bytes | None:
        before = manifests.read_lines((there or b"").decode(), bucket, job.uri(INPUT))
        known = {line.key for line in before}
        new = [line for line in lines if line.key not in known]
        return manifests.write_lines([each.document for each in (*before, *new)]) if new else None

    # Answers know photos by their lines: nobody's new ones may take the places of somebody else's.
    changed = objects.change(s3, bucket, job.key(INPUT), with_new)
    return open_job(s3, bucket, job.name, job.home) if changed else found


def find_photos(s3: Any, bucket: str, prefix: str) -> list[Line]:
    """Return a line for every picture below a prefix, by key. Raises LabellingError for none, and for too many.

    What is no PNG or JPEG by its name is left out.
    """
    keys = [key for key in _keys(s3, bucket, prefix) if key.lower().endswith(_PICTURES)]
    if not keys:
        raise LabellingError(
            f"There is no photo (.png, .jpg) below s3://{bucket}/{prefix}: `aws s3 cp --recursive FOLDER "
            f"s3://{bucket}/{prefix}` brings some."
        )
    if len(keys) > MOST_PHOTOS:
        raise LabellingError(
            f"There are {len(keys):,} photos below s3://{bucket}/{prefix}; a labelling job takes {MOST_PHOTOS:,}, so "
            "give a longer --prefix."
        )
    return [Line(key, {manifests.SOURCE: f"s3://{bucket}/{key}"}) for key in sorted(keys)]


def read_manifest(s3: Any, bucket: str, key: str) -> list[Line]:
    """Return the lines of an input manifest in the bucket. Raises LabellingError for what is not there, or is none."""
    key = key.removeprefix(f"s3://{bucket}/")
    content = None if key.startswith("s3://") else objects.read(s3, bucket, key)
    where = key if key.startswith("s3://") else f"s3://{bucket}/{key}"
    if content is None:
        raise LabellingError(
            f"There is no manifest {where} in the lab's bucket: `aws s3 cp FILE s3://{bucket}/raw/` brings it."
        )
    try:
        return manifests.read_lines(content.decode(), bucket, where)
    except UnicodeDecodeError:
        raise LabellingError(f"{where} is no text: a manifest is UTF-8, with a JSON object a line.") from None


def _json(document: Any) -> bytes:
    return (json.dumps(document, indent=2) + "\n").encode()


def _keys(s3: Any, bucket: str, prefix: str) -> Iterator[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from (each["Key"] for each in page.get("Contents", ()))


def _documents(s3: Any, job: Task) -> list[bytes | None]:
    """Read what says what a job is; None for what is not there."""
    try:
        return [objects.read(s3, job.bucket, job.key(each)) for each in (DOCUMENT, CATEGORIES, INPUT)]
    except ClientError as error:
        # Whoever may not list all of the bucket is not told that there is no such object (botocore, GetObject).
        if refusals.classify(error) is Refusal.DENIED and job.name not in job_names(s3, job.bucket, job.home):
            return [None, None, None]
        raise


def _answered(names: Iterable[str], photos: int) -> Iterator[tuple[str, int]]:
    """Yield who has answered which photo, of names such as ada/12.json; others are nobody's answers."""
    for name in names:
        worker, _, file = name.partition("/")
        number = file.removesuffix(".json")
        if number.isdecimal() and file == f"{int(number)}.json" and int(number) < photos:
            yield worker, int(number)
