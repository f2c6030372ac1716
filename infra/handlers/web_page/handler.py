"""The custom resource Custom::WebPage: the page's files, and the network that it runs, in the bucket behind CloudFront.

Properties: Bucket; Files, a list of {Key, SourceBucket, SourceKey, ContentType}; Config, a part of config.json's
content; Artifact, where the model is, whose form for browsers (model_code/exports.py) goes to `model/`, and its labels
to config.json. An artifact without that form is no failure: the page then does not offer to ask a model of its own.

All is kept compressed, for CloudFront compresses by itself neither numbers nor what is small. Browsers ask again for
each file whether there is another (`no-cache`): the page and its model go together.
"""

from __future__ import annotations

import gzip
import json
import tarfile
from functools import partial
from typing import IO, TYPE_CHECKING, Any, cast

from infra.handlers.custom_resource import ANSWER_SECONDS, Event, answer
from infra.handlers.served_model.asynchronous import place_of
from teardown import buckets, clients

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FORM, _PLACE, _LABELS = "exports/tfjs/", "model/", "labels.json"
_JSON, _BINARY = "application/json", "application/octet-stream"
_MOST = 100_000_000  # bytes of a network for a browser; the function's memory has to hold it


class WebPageError(Exception):
    """The page could not be written; the message goes to the stack's events."""


def handler(event: Event, context: Any) -> None:
    """Entry point of the Lambda function that CloudFormation calls."""
    seconds = context.get_remaining_time_in_millis() / 1000 - ANSWER_SECONDS
    answer(event, partial(work, s3=clients.client("s3"), seconds=seconds))


def work(event: Event, *, s3: Any, seconds: float) -> dict[str, Any]:
    """Do what CloudFormation asks: fill the bucket, or within these seconds empty it. Raises WebPageError."""
    properties = event["ResourceProperties"]
    bucket = properties["Bucket"]
    if event["RequestType"] == "Delete":
        if not buckets.empty(s3, bucket, seconds=seconds):
            raise WebPageError(f"Bucket {bucket} is not empty yet: delete the stack again, and it goes on.")
        return {"PhysicalResourceId": event["PhysicalResourceId"]}
    written = dict(_files(s3, properties))
    for key, (content, content_type) in written.items():
        s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=gzip.compress(content, mtime=0),
            CacheControl="no-cache",
            ContentEncoding="gzip",
            ContentType=content_type,
        )
    _delete_others(s3, bucket, written)
    return {"PhysicalResourceId": bucket}


def _files(s3: Any, properties: Mapping[str, Any]) -> Iterator[tuple[str, tuple[bytes, str]]]:
    """Yield the key of each file with content and type."""
    for file in properties["Files"]:
        source = s3.get_object(Bucket=file["SourceBucket"], Key=file["SourceKey"])
        yield file["Key"], (source["Body"].read(), file["ContentType"])
    found = dict(_model(s3, properties["Artifact"]))
    labels = json.loads(found.pop(_LABELS))
    yield from ((name, (content, _type_of(name))) for name, content in found.items())
    config = {**json.loads(properties["Config"]), "labels": labels, "model": bool(found)}
    yield "config.json", (json.dumps(config).encode(), _JSON)


def _model(s3: Any, uri: str) -> Iterator[tuple[str, bytes]]:
    """Yield the labels of an artifact, and the files of its form for browsers by their keys."""
    body = s3.get_object(**place_of(uri))["Body"]
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", body), mode="r|gz") as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                if not (name == _LABELS or name.startswith(_FORM)) or not member.isfile():
                    continue
                if member.size > _MOST:
                    raise WebPageError(f"{name} in {uri} has {member.size:,} bytes; a page takes {_MOST:,} at most.")
                if file := archive.extractfile(member):
                    yield name.replace(_FORM, _PLACE), file.read()
    finally:
        body.close()


def _type_of(name: str) -> str:
    return _JSON if name.endswith(".json") else _BINARY


def _delete_others(s3: Any, bucket: str, written: Mapping[str, Any]) -> None:
    """Delete what an earlier page had and this one has not."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    for key in [item["Key"] for page in pages for item in page.get("Contents", []) if item["Key"] not in written]:
        s3.delete_object(Bucket=bucket, Key=key)
