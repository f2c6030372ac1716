"""A model's answers to a request, as JSON, JSON Lines, CSV or recordio-protobuf.

Sources: SageMaker's guide, "Common Data Formats - Inference" and the response formats of each algorithm. An answer for
one record maps names to numbers or lists of them.
Not compared with AWS: that an Accept of several types takes the first that is known, and that `*/*`, or none, is
answered in JSON.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from embedded_aws.algorithms import content_types, records

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Answer = Mapping[str, float | Sequence[float]]

_ANY = ("", "*/*", "application/*")


def accepted(header: str, supported: Sequence[str]) -> tuple[str, dict[str, str]] | None:
    """Return type and parameters of what an Accept header asks for; None if it asks for nothing that is supported."""
    for each in header.lower().split(","):
        kind, parameters = content_types.parse(each)
        if kind in _ANY:
            return content_types.JSON, parameters
        if kind in supported:
            return kind, parameters
    return None


def encode(answers: Iterable[Answer], kind: str, *, title: str) -> bytes:
    """Return the answers in a content type; `title` names their list in JSON."""
    if kind == content_types.RECORDIO_PROTOBUF:
        return records.write({name: _listed(value) for name, value in answer.items()} for answer in answers)
    if kind == content_types.JSON_LINES:
        return b"".join(json.dumps(answer).encode() + b"\n" for answer in answers)
    if kind == content_types.CSV:
        return "".join(",".join(map(str, _values(answer))) + "\n" for answer in answers).encode()
    return json.dumps({title: [*answers]}).encode()


def _listed(value: float | Sequence[float]) -> Sequence[float]:
    return [value] if isinstance(value, int | float) else value


def _values(answer: Answer) -> Iterable[float]:
    for value in answer.values():
        yield from _listed(value)
