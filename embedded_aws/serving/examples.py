"""Answer TensorFlow Serving's older methods, classify and regress, which take tf.Examples in the place of tensors.

Follows json_tensor.cc, classifier.cc and regressor.cc of tensorflow/serving, their checks and their words, except that
a signature is not shown whole.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from embedded_aws.serving.tensors import (
    DEFAULT_SIGNATURE,
    InvalidArgumentError,
    decode_text_or_base64,
    format_error,
    is_base64,
    json_type,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tensorflow.core.example.example_pb2 import Example

_INPUTS, _REGRESSION, _CLASSES, _SCORES = "inputs", "outputs", "classes", "scores"
_KINDS = {"bytes_list": "bytes", "float_list": "float", "int64_list": "int64"}
_INT64 = 2**63


def read(document: dict[str, Any]) -> list[bytes]:
    """Return the examples of a request, serialised, each after the context that all have in common."""
    context = b""
    if "context" in document:
        context = _example(document["context"]).SerializeToString()
    if "examples" not in document:
        raise format_error(document, "When method is classify, key 'examples' is expected and was not found")
    examples = document["examples"]
    if not isinstance(examples, list):
        raise format_error(document, "Expecting 'examples' value to be an list/array")
    if not examples:
        raise format_error(document, "'examples' value is an empty array")
    return [context + _example(each).SerializeToString() for each in examples]


def regress(model: Any, signature: str, examples: Sequence[bytes]) -> Any:
    """Return a number for each example."""
    function = _signature(model, signature, "regression")
    if len(function.structured_outputs) != 1:
        raise InvalidArgumentError("Expected one output Tensor.")
    if _REGRESSION not in function.structured_outputs:
        raise InvalidArgumentError("No regression outputs found in SignatureDef")
    output = _run(function, examples)[_REGRESSION]
    if output.ndim != 1 and output.shape[1:] != (1,):
        raise InvalidArgumentError(
            f"Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got {_shape(output)}"
        )
    if len(output) != len(examples):
        raise InvalidArgumentError(
            f"Input batch size did not match output batch size: {len(examples)} vs. {len(output)}"
        )
    return output.reshape(-1)


def classify(model: Any, signature: str, examples: Sequence[bytes]) -> list[list[tuple[bytes, Any]]]:
    """Return a label and a score for each class of each example; what the signature does not have is empty or 0."""
    import numpy as np  # noqa: PLC0415 - comes with TensorFlow, as below

    function = _signature(model, signature, "classification")
    if len(function.structured_outputs) not in (1, 2):
        found = len(function.structured_outputs)
        raise InvalidArgumentError(f"Expected one or two output Tensors, found {found}")
    if not {_CLASSES, _SCORES} & {*function.structured_outputs}:
        raise InvalidArgumentError(
            'Expected classification signature outputs to contain at least one of "classes" or "scores".'
        )
    outputs = _run(function, examples)
    for name in (_CLASSES, _SCORES):
        if name in outputs and outputs[name].ndim != 2:  # noqa: PLR2004 - the batch and the classes
            raise InvalidArgumentError(
                f"Expected Tensor shape: [batch_size num_classes] but got {_shape(outputs[name])}"
            )
        if name in outputs and len(outputs[name]) != len(examples):
            got = f"{len(examples)}. Got: {len(outputs[name])}"
            raise InvalidArgumentError(f"Expected {name} output batch size of {got}")
    shape = next(outputs[name].shape for name in (_CLASSES, _SCORES) if name in outputs)
    classes = outputs.get(_CLASSES, np.full(shape, b"", object))
    scores = outputs.get(_SCORES, np.zeros(shape, np.float32))
    if classes.shape != scores.shape:
        raise InvalidArgumentError(
            f"Tensors class and score should match in dim_size(1). Got {classes.shape[1]} vs. {scores.shape[1]}"
        )
    return [list(zip(*each, strict=True)) for each in zip(classes, scores, strict=True)]


def answer(method: str, model: Any, document: dict[str, Any]) -> str:
    """Return the answer to a request of one of the methods, as JSON."""
    name = document.get("signature_name", DEFAULT_SIGNATURE)
    if not isinstance(name, str):
        raise InvalidArgumentError("'signature_name' key must be a string value.")
    examples = read(document)
    if method == "regress":
        return f'{{"results": {text("", regress(model, name, examples))}}}'
    rows = (
        ", ".join(f"[{json.dumps(label.decode(errors='replace'))}, {text('', score)}]" for label, score in row)
        for row in classify(model, name, examples)
    )
    return f'{{"results": [{", ".join(f"[{row}]" for row in rows)}]}}'


def _signature(model: Any, name: str, kind: str) -> Any:
    if name not in model.signatures:
        raise InvalidArgumentError(f"No signature was found with the name: {name}")
    function = model.signatures[name]
    inputs = function.structured_input_signature[1]
    if len(inputs) != 1:
        raise InvalidArgumentError("Expected one input Tensor.")
    if _INPUTS not in inputs:
        raise InvalidArgumentError(f"No {kind} inputs found in SignatureDef")
    return function


def _run(function: Any, examples: Sequence[bytes]) -> dict[str, Any]:
    import tensorflow as tf  # noqa: PLC0415 - takes two seconds, which not every host needs

    outputs = function(**{_INPUTS: tf.constant([*examples], tf.string)})
    return {name: output.numpy() for name, output in outputs.items()}


def _example(value: Any) -> Example:
    from tensorflow.core.example import example_pb2  # noqa: PLC0415 - as above

    if not isinstance(value, dict):
        raise InvalidArgumentError(f"Example must be JSON object but got JSON {json_type(value)}")
    example = example_pb2.Example()
    for name, content in value.items():
        feature = example.features.feature[name]
        for kind, each in _values(name, content):
            if feature.WhichOneof("kind") not in (None, kind):
                expected = _KINDS[str(feature.WhichOneof("kind"))]
                raise InvalidArgumentError(f"Unexpected element type in feature: {name} expecting type: {expected}")
            getattr(feature, kind).value.append(each)
    return example


def _values(name: str, content: Any) -> Iterator[tuple[str, Any]]:
    """Yield each value with the kind of list that it goes to."""
    for value in content if isinstance(content, list) else [content]:
        if isinstance(value, int):  # True and False, too
            if not -_INT64 <= value < _INT64:
                raise InvalidArgumentError(f"Feature: {name} has uint64_t element. Only int64_t is supported.")
            yield "int64_list", int(value)
        elif isinstance(value, float):
            yield "float_list", value
        elif isinstance(value, str) or is_base64(value):
            yield "bytes_list", decode_text_or_base64(value)
        else:
            raise InvalidArgumentError(f"Feature: {name} has element with unexpected JSON type: {json_type(value)}")


def _shape(array: Any) -> str:
    return f"[{','.join(map(str, array.shape))}]"
