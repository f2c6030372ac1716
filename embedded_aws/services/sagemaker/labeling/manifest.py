"""A labeling job's input manifest and its label categories, read from S3.

Sources: SageMaker's guide, "Input data" (lines of JSON in UTF-8, `source-ref` or `source`, the limits) and botocore's
model of LabelCategoryConfigS3Uri. Not compared with AWS: that one broken line fails the whole job, and the sentences.
"""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.runtime import s3_uris
from embedded_aws.services.sagemaker.failure import FailedError

SOURCES = ("source-ref", "source")
_LINE_CHARACTERS, _ATTRIBUTE_CHARACTERS = 100_000, 20_000
_FEWEST_LABELS = 2


def read_text(s3: Any, uri: str) -> str:
    """Return the text of an object. Raises FailedError."""
    try:
        bucket, key = s3_uris.split(uri)
        return str(s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode())
    except (ClientError, BotoCoreError) as error:
        raise FailedError(f"ClientError: Unable to access {uri}. Error message from S3: {error}") from error
    except ValueError as error:  # an address that is no place in S3, or bytes that are no text
        raise FailedError(f"ClientError: {uri} can't be read: {error}") from error


def read(s3: Any, uri: str) -> list[dict[str, Any]]:
    """Return the objects of an input manifest, in its order. Raises FailedError that names each broken line."""
    objects, problems = [], []
    for number, line in enumerate(read_text(s3, uri).splitlines(), 1):
        if not line.strip():
            continue
        try:
            objects.append(_object(line))
        except ValueError as error:
            problems.append(f"line {number} {error}")
    if problems:
        raise FailedError(f"ClientError: The manifest {uri} is not valid: {'; '.join(problems)}.")
    if not objects:
        raise FailedError(f"ClientError: The manifest {uri} has no data objects.")
    return objects


def read_categories(s3: Any, uri: str) -> list[str]:
    """Return the labels of a label category configuration file. Raises FailedError."""
    try:
        labels = [str(each["label"]) for each in json.loads(read_text(s3, uri))["labels"]]
    except (ValueError, KeyError, TypeError) as error:
        form = '{"document-version": "2018-11-28", "labels": [{"label": "…"}]}'
        raise FailedError(
            f"ClientError: The label category file {uri} is not valid, it has the form {form}."
        ) from error
    if len(labels) < _FEWEST_LABELS or len({*labels}) != len(labels):
        raise FailedError(
            f"ClientError: The label category file {uri} must have at least {_FEWEST_LABELS} labels, and none twice."
        )
    return labels


def _object(line: str) -> dict[str, Any]:
    """Return the object that a line describes. Raises ValueError that says what the line is or lacks."""
    if len(line) > _LINE_CHARACTERS:
        raise ValueError(f"has more than {_LINE_CHARACTERS} characters")
    try:
        found = json.loads(line)
    except ValueError as error:
        raise ValueError("is not valid JSON") from error
    if not isinstance(found, dict):
        raise ValueError("is not a JSON object")  # noqa: TRY004 - it is about the line
    given = [name for name in SOURCES if name in found]
    if len(given) != 1 or not isinstance(found[given[0]], str):
        raise ValueError("must have one of source-ref and source, as text")
    for name, value in found.items():
        if name.startswith("$"):
            raise ValueError(f"has the attribute {name}, whose name begins with $")
        if len(json.dumps(value, ensure_ascii=False)) > _ATTRIBUTE_CHARACTERS:
            raise ValueError(f"has more than {_ATTRIBUTE_CHARACTERS} characters in {name}")
    if given == ["source-ref"]:
        s3_uris.split(found["source-ref"])
    return found
