"""The newest examples that endpoints captured: the picture or the words that were sent, and the answer.

Where they lie and what a line holds: SageMaker's guide, "Capture data from real-time endpoint". Files lie under
<destination>/<endpoint>/<variant>/yyyy/mm/dd/hh/, so that the newest are found from the last hour backwards.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cli.aws import predictions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cli.aws.endpoint_load import ServedEndpoint
    from cli.aws.session import Session

_SHOWN = 6  # of an endpoint
_HOURS = 3  # that are looked through, backwards
_MOST_BYTES = 1_000_000  # of a file: its beginning is enough
_PICTURES = {"image/png", "image/jpeg"}
_ARRAY = "application/x-npy"
_WORDS = 120  # characters of what is no picture


@dataclass(frozen=True)
class Example:
    """One request and its answer; `picture` is a data URI, "" if it was none, `words` is what it was then."""

    variant: str
    at: datetime
    picture: str
    words: str
    answer: str


def read(session: Session, served: Sequence[ServedEndpoint], now: datetime) -> dict[str, list[Example]]:
    """Return the newest examples of each endpoint that captures, newest first."""
    s3 = session.client("s3")
    return {each.name: _newest(s3, each, now) for each in served if each.captures}


def _newest(s3: Any, served: ServedEndpoint, now: datetime) -> list[Example]:
    bucket, _, prefix = served.captures.removeprefix("s3://").partition("/")
    found: list[Example] = []
    for hour in (now.astimezone(UTC) - timedelta(hours=number) for number in range(_HOURS)):
        for variant in served.variants:
            place = f"{prefix.rstrip('/')}/{served.name}/{variant.name}/{hour:%Y/%m/%d/%H}/".lstrip("/")
            listed = [
                each["Key"]
                for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=place)
                for each in page.get("Contents", ())
            ]
            for key in sorted(listed, reverse=True)[:_SHOWN]:
                found += _examples(s3, bucket, key, variant.name)
        if len(found) >= _SHOWN:
            break
    return sorted(found, key=lambda each: each.at, reverse=True)[:_SHOWN]


def _examples(s3: Any, bucket: str, key: str, variant: str) -> Iterator[Example]:
    body: bytes = s3.get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{_MOST_BYTES - 1}")["Body"].read()
    for line in body.decode(errors="replace").splitlines()[-_SHOWN:]:
        try:
            record = json.loads(line)
            yield _example(record["captureData"], record["eventMetadata"], variant)
        except (ValueError, KeyError, TypeError, AttributeError):  # its end is cut off, or it is none of AWS's files
            continue


def _example(data: Mapping[str, Any], event: Mapping[str, Any], variant: str) -> Example:
    sent, answered = data.get("endpointInput", {}), data.get("endpointOutput", {})
    content_type = sent.get("observedContentType", "").partition(";")[0].strip()
    picture = ""
    if content_type in _PICTURES and sent.get("encoding") == "BASE64":
        picture = f"data:{content_type};base64,{sent['data']}"
    elif content_type == _ARRAY and sent.get("encoding") == "BASE64":
        picture = _drawn(base64.b64decode(sent["data"]))
    words = "" if picture else f"{content_type} {_text(sent)}".strip()
    moment = datetime.fromisoformat(event["inferenceTime"])
    return Example(variant, moment, picture, words[:_WORDS], _answer(_text(answered)))


def _drawn(content: bytes) -> str:
    """Return an array's first image as a data URI; "" for what is no grey image of the lab's."""
    import numpy as np  # noqa: PLC0415 - it is big, and not every lab is sent arrays
    from PIL import Image  # noqa: PLC0415 - as above

    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
        pixels = array.reshape(-1, *array.shape[-2:])[0]
    except (ValueError, IndexError, AttributeError, EOFError):
        return ""
    grey = pixels if pixels.dtype == np.uint8 else np.clip(pixels * 255, 0, 255).astype(np.uint8)
    drawn = io.BytesIO()
    Image.fromarray(grey).save(drawn, "PNG")
    return f"data:image/png;base64,{base64.b64encode(drawn.getvalue()).decode()}"


def _text(side: Mapping[str, Any]) -> str:
    if side.get("encoding") != "BASE64":
        return str(side.get("data", ""))
    try:
        return base64.b64decode(side["data"], validate=True).decode()
    except (UnicodeDecodeError, binascii.Error):
        return f"{len(side['data']) * 3 // 4:,} bytes"


def _answer(text: str) -> str:
    """Return what the model saw and how sure it is, if the answer is one of the lab's models'; else its beginning."""
    try:
        [first, *_] = predictions.read(text.encode())
        if not first.get("known", True):
            return "nothing that it knows"
        if "cluster" in first:
            return f"cluster {first['cluster']}"
        return f"{first['label']} {first['probability']:.0%}" if "probability" in first else str(first["label"])
    except (ValueError, KeyError, TypeError, IndexError):
        return text[:_WORDS]
