"""Write and read the ZIP in which an MXNet module lies as `model_algo-1`: its symbol, its parameters, and more.

Names in the ZIP differ between algorithms, which have them from what users unpack. Parameters are MXNet's file of
NDArrays, each named `arg:` and its name, as Module.load expects them.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

from embedded_aws.algorithms import ndarrays

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np

_ARGUMENT = "arg:"
_MXNET = 10400  # 1.4: what the version of a symbol says
_EPOCH = (1980, 1, 1, 0, 0, 0)


def write(file: Path, documents: Mapping[str, Any], *, params: str, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
    """Write a ZIP of JSON documents and, under the name `params`, the arrays."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, document in documents.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), json.dumps(document))
        named = {f"{_ARGUMENT}{name}": array for name, array in arrays.items()}
        archive.writestr(zipfile.ZipInfo(params, _EPOCH), ndarrays.dump(named))


def read(file: Path, document: str, *, params: str) -> tuple[Any, dict[str, np.ndarray[Any, Any]]]:
    """Return one of the documents of a ZIP, and its arrays. Raises ValueError, KeyError or zipfile.BadZipFile."""
    with zipfile.ZipFile(io.BytesIO(file.read_bytes())) as archive:
        arrays = ndarrays.load(archive.read(params))
        if not isinstance(arrays, dict):
            raise ValueError(f"{params} has arrays without names")  # noqa: TRY004 - what the file says
        return json.loads(archive.read(document)), {n.removeprefix(_ARGUMENT): each for n, each in arrays.items()}


def symbol(nodes: Sequence[tuple[str, str, Mapping[str, str], Sequence[str]]]) -> dict[str, Any]:
    """Return an MXNet symbol in JSON; a node is its operator, its name, its attributes, and the names of its inputs.

    An operator `null` is a variable. The last node is the output.
    """
    places = {name: place for place, (_, name, _, _) in enumerate(nodes)}
    return {
        "nodes": [
            {
                "op": operator,
                "name": name,
                **({"attrs": dict(attributes)} if attributes else {}),
                "inputs": [[places[each], 0, 0] for each in inputs],
            }
            for operator, name, attributes, inputs in nodes
        ],
        "arg_nodes": [place for place, (operator, *_) in enumerate(nodes) if operator == "null"],
        "node_row_ptr": [*range(len(nodes) + 1)],
        "heads": [[len(nodes) - 1, 0, 0]],
        "attrs": {"mxnet_version": ["int", _MXNET]},
    }
