"""Answer what a SavedModel is asked in TensorFlow Serving's JSON.

Imported with the first question, when TensorFlow is: a host whose handler answers by itself has neither it nor NumPy.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from embedded_aws.serving import examples, tensors
from embedded_aws.serving.tensors import DEFAULT_SIGNATURE, InvalidArgumentError

__all__ = ["InvalidArgumentError", "answer"]


def answer(method: str, model: Any, body: bytes) -> str:
    """Return the JSON that answers a request to predict, classify or regress. Raises InvalidArgumentError."""
    document = tensors.parse(body)
    try:
        return _predict(model, document) if method == "predict" else examples.answer(method, model, document)
    except tf.errors.InvalidArgumentError as error:
        raise InvalidArgumentError(error.message) from error


def _predict(model: Any, document: dict[str, Any]) -> str:
    function = _signature(model, document.get("signature_name", DEFAULT_SIGNATURE))
    inputs = function.structured_input_signature[1]
    row, arrays = tensors.read(document, inputs)
    outputs = function(**{name: tf.constant(value, inputs[name].dtype) for name, value in arrays.items()})
    return tensors.write({name: output.numpy() for name, output in sorted(outputs.items())}, row=row)


def _signature(model: Any, name: Any) -> Any:
    if not isinstance(name, str):
        raise InvalidArgumentError("'signature_name' key must be a string value.")
    if name not in model.signatures:
        raise InvalidArgumentError(f'Serving signature name: "{name}" not found in signature def')
    return model.signatures[name]
