"""Convert TensorFlow Serving's JSON, row form `{"instances": […]}` and column form `{"inputs": …}`, to arrays and back.

Follows tensorflow_serving/util/json_tensor.cc, its checks and their words. One difference: what JSON's own parser says
about a document that is not JSON is Python's wording, not RapidJSON's.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Array = np.ndarray[Any, np.dtype[Any]]

DEFAULT_SIGNATURE = "serving_default"
_NAMES = {"float32": "float", "float64": "double"}
_SHOWN = 256  # characters of a value in a message
_KINDS = {"f": "fiu", "i": "iu", "u": "iu", "b": "b"}


class InvalidArgumentError(Exception):
    """A request that TensorFlow Serving refuses with INVALID_ARGUMENT (HTTP 400)."""


def parse(body: bytes) -> dict[str, Any]:
    """Return the request's document, an object. Raises InvalidArgumentError for anything else."""
    if not body:
        raise InvalidArgumentError("JSON Parse error: The document is empty")
    try:
        document = json.loads(body)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(f"JSON Parse error: {error}") from error
    if not isinstance(document, dict):
        raise InvalidArgumentError(f"JSON Value: {_show(document)} Is not object")
    return document


def read(document: dict[str, Any], inputs: Mapping[str, Any]) -> tuple[bool, dict[str, Array]]:
    """Return whether the request is in row form, and an array for every input (name: TensorSpec)."""
    if "instances" in document and "inputs" in document:
        raise format_error(
            document, "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "
        )
    if "instances" in document:
        arrays = _rows(document, inputs)
    elif "inputs" in document:
        arrays = _columns(document["inputs"], inputs)
    else:
        raise InvalidArgumentError("Missing 'inputs' or 'instances' key")
    for name, array in arrays.items():
        if not inputs[name].shape.is_compatible_with(array.shape):
            raise InvalidArgumentError(
                f"Cannot feed value of shape {array.shape} for input {name}, which has shape {inputs[name].shape}"
            )
    return "instances" in document, arrays


def write(outputs: Mapping[str, Array], *, row: bool) -> str:
    """Return the answer's document: predictions for rows, outputs for columns; names only where there are several."""
    if not row:
        return f'{{"outputs": {_named({name: text(name, array) for name, array in outputs.items()})}}}'
    sizes = {name: len(array) for name, array in outputs.items()}
    expected = next(iter(sizes.values()))
    for name, size in sizes.items():
        if size != expected:
            raise InvalidArgumentError(f"Tensor name: {name} has inconsistent batch size: {size} expecting: {expected}")
    rows = zip(*outputs.values(), strict=True)
    items = [_named({name: text(name, value) for name, value in zip(outputs, each, strict=True)}) for each in rows]
    return f'{{"predictions": [{", ".join(items)}]}}'


def type_name(dtype: Any) -> str:
    """Return a type's name as TensorFlow Serving says it."""
    name: str = dtype.name
    return _NAMES.get(name, name)


def _rows(document: dict[str, Any], inputs: Mapping[str, Any]) -> dict[str, Array]:
    instances = document["instances"]
    if not isinstance(instances, list):
        raise format_error(document, "Expecting 'instances' to be an list/array")
    if not instances:
        raise format_error(document, "No values in 'instances' array")
    named = _is_named(instances[0])
    if not named and len(inputs) > 1:
        raise InvalidArgumentError(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    for position, each in enumerate(instances):
        if _is_named(each) != named:
            expected, got = ("object", "list") if named else ("value/list", "object")
            raise InvalidArgumentError(f"Expecting {expected} but got {got} at item {position} of input list")
    if not named:
        (name,) = inputs
        return {name: _column(instances, inputs[name], "")}
    for position, each in enumerate(instances):
        _check_names(each, position, inputs)
    return {name: _column([each[name] for each in instances], inputs[name], f" key: {name}") for name in inputs}


def _check_names(instance: dict[str, Any], position: int, inputs: Mapping[str, Any]) -> None:
    failed = f"Failed to process element: {position}"
    for name in instance:
        if name not in inputs:
            raise InvalidArgumentError(
                f"{failed} key: {name} of 'instances' list. Error: INVALID_ARGUMENT: JSON object: "
                f"does not have named input: {name}"
            )
    if instance.keys() != inputs.keys():
        raise InvalidArgumentError(
            f"{failed} of 'instances' list. JSON object: {_show(instance)} keys must be equal to: "
            f"{','.join(sorted(inputs))}"
        )


def _columns(value: Any, inputs: Mapping[str, Any]) -> dict[str, Array]:
    if _is_named(value):
        missing = [name for name in inputs if name not in value]
        if missing:
            raise InvalidArgumentError(f"Missing named input: {missing[0]} in 'inputs' object.")
        return {name: _array(value[name], spec) for name, spec in inputs.items()}
    if len(inputs) > 1:
        raise InvalidArgumentError(
            "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
            "tensorinfo_map"
        )
    ((name, spec),) = inputs.items()
    return {name: _array(value, spec)}


def _column(values: list[Any], spec: Any, key: str) -> Array:
    """Return the array of one input of all rows. Raises InvalidArgumentError that says which row is wrong."""
    array = _array_by_numpy(values, spec)
    if array is not None:
        return array
    shape = _shape(values[0])
    for position, value in enumerate(values):
        try:
            _check_shape(value, shape)
            _check(value, 0, shape, spec)
        except InvalidArgumentError as error:
            raise InvalidArgumentError(
                f"Failed to process element: {position}{key} of 'instances' list. Error: INVALID_ARGUMENT: {error}"
            ) from error
    return _array_of_values(values, (len(values), *shape), spec)


def _array(value: Any, spec: Any) -> Array:
    array = _array_by_numpy(value, spec)
    if array is not None:
        return array
    shape = _shape(value)
    _check(value, 0, shape, spec)
    return _array_of_values(value, shape, spec)


def _array_by_numpy(value: Any, spec: Any) -> Array | None:
    """Return the array if NumPy makes one of the right kind; None if it takes a closer look to say what is wrong."""
    kind = np.dtype(spec.dtype.as_numpy_dtype).kind
    if kind not in _KINDS:
        return None
    try:
        array = np.array(value)
    except (ValueError, OverflowError):
        return None
    return array.astype(spec.dtype.as_numpy_dtype) if array.dtype.kind in _KINDS[kind] else None


def _array_of_values(value: Any, shape: Sequence[int], spec: Any) -> Array:
    flat: list[Any] = []
    _flatten(value, flat)
    if spec.dtype.name == "string":
        flat = [decode_text_or_base64(each) for each in flat]
    array = np.empty(len(flat), object)
    array[:] = flat
    return (
        array.reshape(shape) if spec.dtype.name == "string" else array.astype(spec.dtype.as_numpy_dtype).reshape(shape)
    )


def _flatten(value: Any, into: list[Any]) -> None:
    if isinstance(value, list):
        for each in value:
            _flatten(each, into)
    else:
        into.append(value)


def decode_text_or_base64(value: Any) -> bytes:
    """Return text's bytes, or those that {"b64": "…"} stands for."""
    if isinstance(value, str):
        return value.encode()
    try:
        return base64.b64decode(value["b64"], validate=True)
    except binascii.Error as error:
        raise InvalidArgumentError("Unable to base64 decode") from error


def _check(value: Any, level: int, shape: tuple[int, ...], spec: Any) -> None:
    """Check nesting, sizes, and the type of every value, as FillTensorProto does."""
    if not isinstance(value, list):
        if level != len(shape):
            raise InvalidArgumentError(
                f"JSON Value: {_show(value)} found at incorrect level: {level + 1} in the JSON DOM. "
                f"Expected at level: {len(shape)}"
            )
        _check_type(value, spec)
        return
    if level >= len(shape):
        raise InvalidArgumentError(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise InvalidArgumentError(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
        )
    for each in value:
        _check(each, level + 1, shape, spec)


def _check_shape(value: Any, shape: tuple[int, ...]) -> None:
    if _shape(value) != shape:
        raise InvalidArgumentError(f"Expecting shape {_list(shape)} but got: {_list(_shape(value))}")


def _check_type(value: Any, spec: Any) -> None:
    if spec.dtype.name == "string":
        right = isinstance(value, str) or is_base64(value)
        if isinstance(value, dict) and not right:
            raise InvalidArgumentError(f"JSON Value: {_show(value)} not formatted correctly for base64 data")
    elif spec.dtype.name == "bool":
        right = isinstance(value, bool)
    else:
        numbers = (int, float) if spec.dtype.is_floating else (int,)
        right = isinstance(value, numbers) and not isinstance(value, bool)
    if not right:
        expected = type_name(spec.dtype)
        raise InvalidArgumentError(
            f"JSON Value: {_show(value)} Type: {json_type(value)} is not of expected type: {expected}"
        )


def json_type(value: Any) -> str:
    """Return the type of a JSON value as RapidJSON names it."""
    if value is None or isinstance(value, bool):
        return {None: "Null", True: "True", False: "False"}[value]
    names = ((dict, "Object"), (list, "Array"), (str, "String"))
    return next((name for kind, name in names if isinstance(value, kind)), "Number")


def _shape(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list):
        return ()
    return (len(value), *_shape(value[0])) if value else (0,)


def is_base64(value: Any) -> bool:
    """Return whether it is bytes as JSON has them, {"b64": "…"}."""
    return isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not is_base64(value)


def text(name: str, array: Any) -> str:
    """Return an array as JSON, numbers as short as they round-trip in their own precision."""
    if np.ndim(array):
        return f"[{', '.join(text(name, each) for each in array)}]"
    value = array.item() if hasattr(array, "item") else array
    if isinstance(value, float):
        return _decimal(value, array.dtype.type)
    if isinstance(value, bytes):
        # A name that ends so speaks of bytes, any other of text: json_tensor.cc, IsNamedTensorBytes.
        if name.endswith("_bytes"):
            return json.dumps({"b64": base64.b64encode(value).decode()})
        return json.dumps(value.decode(errors="replace"))
    return json.dumps(value)


def _decimal(value: float, kind: Any) -> str:
    if not np.isfinite(value):
        return json.dumps(value)
    text = f"{value:g}"
    if kind(text) != value:
        text = f"{value:.{np.finfo(kind).precision + 3 - (kind is np.float64)}g}"
    return text if set(text) & {".", "e"} else f"{text}.0"


def _named(texts: Mapping[str, str]) -> str:
    """Return the only text, or an object of several."""
    if len(texts) == 1:
        return next(iter(texts.values()))
    return f"{{{', '.join(f'{json.dumps(name)}: {text}' for name, text in texts.items())}}}"


def _list(shape: Sequence[int]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _show(value: Any) -> str:
    return json.dumps(value)[:_SHOWN]


def format_error(document: Any, problem: str) -> InvalidArgumentError:
    """Return a refusal that shows the document."""
    return InvalidArgumentError(f"JSON Value: {_show(document)} {problem}")
