"""A bucket with photos of bricks in it, and `./lab label` as its user runs it."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from datasets.dataset import images, labels
from tests.cli.console.conftest import NAME, aws, chromium, opened, served, start

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tests.conftest import Lab
    from tests.embedded_aws.account import Account

__all__ = ["LabelledBucket", "aws", "chromium", "opened", "served", "start"]

SETTINGS = ("-c", f"lab.name={NAME}")


class LabelledBucket:
    """The lab's bucket, with what tests put into it and what people have answered."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name = lab, name
        self._s3 = lab.client("s3")

    def photos(self, prefix: str, count: int) -> list[int]:
        """Put photos below a prefix, by number; what they show."""
        for number, picture in enumerate(images("test", count=count)):
            written = io.BytesIO()
            Image.fromarray(picture).resize((96, 96)).save(written, "png")
            self.put(f"{prefix}{number:03d}.png", written.getvalue())
        return [int(each) for each in labels("test", count=count)]

    def put(self, key: str, content: bytes) -> None:
        """Put an object."""
        self._s3.put_object(Bucket=self.name, Key=key, Body=content)

    def read(self, key: str) -> bytes:
        """Return an object's content."""
        return bytes(self._s3.get_object(Bucket=self.name, Key=key)["Body"].read())

    def keys(self, prefix: str) -> list[str]:
        """Return the keys below a prefix."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", ())]

    def answers(self, job: str) -> dict[str, dict[int, str]]:
        """Return what each person has answered for each photo, as it lies in the bucket."""
        folder = f"labels/{job}/answers/"
        found: dict[str, dict[int, str]] = {}
        for key in self.keys(folder):
            worker, _, number = key.removeprefix(folder).removesuffix(".json").partition("/")
            document = json.loads(self.read(key))
            found.setdefault(worker, {})[int(number)] = document["answerContent"]["crowd-image-classifier"]["label"]
        return found

    def answer(self, job: str, worker: str, photo: int, label: str) -> None:
        """Put an answer as the page does."""
        document = {
            "acceptanceTime": "2026-11-30T10:00:00.000Z",
            "answerContent": {"crowd-image-classifier": {"label": label}},
            "submissionTime": f"2026-11-30T10:00:{photo % 60:02d}.500Z",
            "timeSpentInSeconds": 1.5,
            "workerId": worker,
        }
        self.put(f"labels/{job}/answers/{worker}/{photo}.json", json.dumps(document).encode())

    def page(self, *words: str) -> AbstractContextManager[str]:
        """Run `./lab label`; its link."""
        return served(self.lab, "label", *words, "--bucket", self.name, *SETTINGS)

    def __call__(self, *words: str, code: int = 0) -> str:
        """Run a command about labels, to its end; what it prints."""
        return self.lab(*words, "--bucket", self.name, *SETTINGS, code=code)

    def manifest(self, job: str) -> list[dict[str, Any]]:
        """Return the lines of a job's output manifest."""
        return [json.loads(each) for each in self.read(f"labels/{job}/manifests/output/output.manifest").splitlines()]


@pytest.fixture(scope="module")
def bucket(lab: Lab, aws: Account) -> LabelledBucket:
    """A bucket of the module's own."""
    assert aws
    lab.client("s3").create_bucket(Bucket="labelled")
    return LabelledBucket(lab, "labelled")
