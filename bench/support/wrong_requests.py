"""Requests that nobody should send, as hypothesis thinks them up from a seed: the same ones for the same seed.

Some are right by accident, as a picture with one byte changed is: what counts is that none makes the endpoint err.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as some

_JSON, _NPY, _PNG, _JPEG = "application/json", "application/x-npy", "image/png", "image/jpeg"
_SIDE = 48
_TOO_LARGE = 6_291_457  # bytes, one more than InvokeEndpoint takes
_NUMBERS = some.one_of(
    some.floats(), some.integers(), some.booleans(), some.none(), some.text(max_size=5), some.just("1e999")
)
_DOCUMENTS = some.recursive(
    _NUMBERS,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@dataclass(frozen=True)
class Request:
    """What InvokeEndpoint is told; `more` are members beside body and content type."""

    content_type: str
    body: bytes
    more: dict[str, Any] = field(default_factory=dict)


def make(count: int, *, seed_: int, right: dict[str, bytes]) -> list[Request]:
    """Return as many requests as asked for; `right` are bodies that are in order, by content type, to be spoilt."""
    made: list[Request] = []

    @seed(seed_)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=[*HealthCheck],
    )
    @given(_requests(right))
    def keep(request: Request) -> None:
        made.append(request)

    keep()
    return made


def _requests(right: dict[str, bytes]) -> some.SearchStrategy[Request]:
    types = some.sampled_from([_JSON, _NPY, _PNG, _JPEG])
    ascii_text = some.text(some.characters(min_codepoint=33, max_codepoint=126), max_size=40)
    names = some.text("abcXYZ019-", min_size=1, max_size=20).filter(lambda name: name[0].isalnum() and name[-1] != "-")
    return some.one_of(
        some.builds(Request, types, some.binary(max_size=4096)),
        types.flatmap(lambda kind: some.builds(Request, some.just(kind), _spoilt(right[kind]))),
        some.builds(Request, some.just(_JSON), _documents()),
        some.builds(Request, some.just(_NPY), _arrays()),
        some.builds(Request, ascii_text, some.sampled_from([*right.values()])),
        some.builds(Request, types, some.sampled_from([*right.values()])),
        some.builds(
            Request,
            types,
            some.just(b""),
            some.fixed_dictionaries({}, optional={"Accept": ascii_text, "CustomAttributes": ascii_text}),
        ),
        some.builds(
            Request,
            some.just(_PNG),
            some.just(right[_PNG]),
            some.one_of(
                some.fixed_dictionaries({"TargetVariant": names}), some.fixed_dictionaries({"EndpointName": names})
            ),
        ),
        some.just(Request(_NPY, bytes(_TOO_LARGE))),
    )


def _spoilt(body: bytes) -> some.SearchStrategy[bytes]:
    """Return bodies that end early, have bytes more, or one that is another."""
    places = some.integers(0, len(body) - 1)
    return some.one_of(
        places.map(lambda end: body[:end]),
        some.binary(max_size=64).map(lambda more: body + more),
        some.builds(
            lambda place, value: body[:place] + bytes([value]) + body[place + 1 :], places, some.integers(0, 255)
        ),
    )


def _documents() -> some.SearchStrategy[bytes]:
    """Return JSON of any form, of nearly the right one, and nested beyond reason."""
    row = some.lists(_NUMBERS, min_size=_SIDE - 1, max_size=_SIDE)
    image = row.map(lambda numbers: [numbers] * _SIDE)
    nearly = some.fixed_dictionaries({"instances": some.lists(image, max_size=2)})
    depth = some.integers(1, 20_000).map(lambda levels: b'{"instances": ' + b"[" * levels + b"]" * levels + b"}")
    return some.one_of(some.one_of(_DOCUMENTS, nearly).map(lambda document: json.dumps(document).encode()), depth)


def _arrays() -> some.SearchStrategy[bytes]:
    """Return .npy headers that claim whatever they like before a body that is not that."""
    sizes = some.lists(some.integers(0, 2**40), max_size=5).map(tuple)
    types = some.sampled_from(["|u1", "<f4", "<f8", ">i8", "<c16", "|O", "<U4", "|b1", "|V8", "<M8[s]"])
    return some.builds(_array, sizes, types, some.binary(max_size=2304))


def _array(shape: tuple[int, ...], dtype: str, data: bytes) -> bytes:
    file = io.BytesIO()
    header: dict[str, Any] = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + data
