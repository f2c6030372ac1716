"""The services of TensorFlow Serving's gRPC API: predictions and metadata of PredictionService, and a model's status.

The words of refusals are those of predict_util.cc, server_core.cc, get_model_metadata_impl.cc and
get_model_status_impl.cc of tensorflow/serving. What is not here is UNIMPLEMENTED, as gRPC says it.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from embedded_aws.serving import examples, saved_models
from embedded_aws.serving.tensorflow_serving import ServableNotFoundError
from embedded_aws.serving.tensors import DEFAULT_SIGNATURE, InvalidArgumentError, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from embedded_aws.serving.tensorflow_serving import ModelServer

# Where clients read a tensor's values in its message.
_FIELDS = {
    **dict.fromkeys(("int32", "int16", "int8", "uint16", "uint8"), "int_val"),
    **{name: f"{name}_val" for name in ("bool", "int64", "uint32", "uint64", "string")},
    "float32": "float_val",
    "float64": "double_val",
}


class _FailedPreconditionError(Exception):
    """What TensorFlow Serving refuses with FAILED_PRECONDITION."""


_CODES = {
    InvalidArgumentError: grpc.StatusCode.INVALID_ARGUMENT,
    ServableNotFoundError: grpc.StatusCode.NOT_FOUND,
    _FailedPreconditionError: grpc.StatusCode.FAILED_PRECONDITION,
}


def add(models: ModelServer, server: Any) -> None:
    """Have a gRPC server answer for these models."""
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Predictions(models), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(_Statuses(models), server)


def _answered(method: Callable[[Any, Any], Any]) -> Callable[[Any, Any, Any], Any]:
    """Return a method of a service that ends a call with the status of what is raised."""

    @wraps(method)
    def answer(self: Any, request: Any, context: Any) -> Any:
        try:
            if not request.HasField("model_spec"):
                raise InvalidArgumentError("Missing ModelSpec")
            return method(self, request)
        except (*_CODES,) as error:
            return context.abort(_CODES[type(error)], str(error))
        except tf.errors.OpError as error:
            code = next(each for each in grpc.StatusCode if each.value[0] == error.error_code)
            return context.abort(code, error.message)

    return answer


class _Predictions(prediction_service_pb2_grpc.PredictionServiceServicer):  # type: ignore[misc]  # it has no types
    """PredictionService."""

    def __init__(self, models: ModelServer) -> None:
        self._models = models

    @_answered
    def Predict(self, request: Any) -> Any:  # noqa: N802 - the service's own name, as below
        """Answer a prediction."""
        response = predict_pb2.PredictResponse()
        model, name = self._asked(request, response)
        signatures = model.signatures
        if name not in signatures:
            raise _FailedPreconditionError(f'Serving signature key "{name}" not found.')
        function = signatures[name]
        _check_outputs(request.output_filter, function.structured_outputs)
        outputs = function(**_inputs(request.inputs, function.structured_input_signature[1]))
        for output in request.output_filter or outputs:
            response.outputs[output].CopyFrom(_message(outputs[output]))
        return response

    @_answered
    def Classify(self, request: Any) -> Any:  # noqa: N802
        """Return each example's classes."""
        response = classification_pb2.ClassificationResponse()
        model, name = self._asked(request, response)
        for row in examples.classify(model, name, _examples(request.input)):
            classes = response.result.classifications.add().classes
            for label, score in row:
                classes.add(label=label, score=score)
        return response

    @_answered
    def Regress(self, request: Any) -> Any:  # noqa: N802
        """Return each example's number."""
        response = regression_pb2.RegressionResponse()
        model, name = self._asked(request, response)
        for value in examples.regress(model, name, _examples(request.input)):
            response.result.regressions.add(value=value)
        return response

    @_answered
    def GetModelMetadata(self, request: Any) -> Any:  # noqa: N802
        """Return a model's signatures."""
        if not request.metadata_field:
            raise InvalidArgumentError("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != "signature_def":
                raise InvalidArgumentError(f"Metadata field {field} is not supported")
        version, folder = _find(self._models, request.model_spec)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for name, signature in saved_models.signatures(folder).items():
            signatures.signature_def[name].CopyFrom(signature)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = version
        response.metadata["signature_def"].Pack(signatures)
        return response

    def _asked(self, request: Any, response: Any) -> tuple[Any, str]:
        """Return the model that is asked for, and the signature's name; note both in the response."""
        version, folder = _find(self._models, request.model_spec)
        spec, response.model_spec.version.value = response.model_spec, version
        spec.name, spec.signature_name = request.model_spec.name, request.model_spec.signature_name or DEFAULT_SIGNATURE
        return self._models.model(folder), spec.signature_name


class _Statuses(model_service_pb2_grpc.ModelServiceServicer):  # type: ignore[misc]  # it has no types
    """ModelService, as far as it only looks."""

    def __init__(self, models: ModelServer) -> None:
        self._models = models

    @_answered
    def GetModelStatus(self, request: Any) -> Any:  # noqa: N802
        """Return the state of a model's versions, or of one of them."""
        spec = request.model_spec
        versions = self._models.statuses(spec.name, spec.version.value if spec.HasField("version") else None)
        response = get_model_status_pb2.GetModelStatusResponse()
        for version in versions:
            available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
            response.model_version_status.add(version=version, state=available).status.SetInParent()
        return response


def _find(models: ModelServer, spec: Any) -> tuple[int, Path]:
    if not spec.name:
        raise InvalidArgumentError("ModelSpec has no name specified.")
    if spec.version_label:
        raise InvalidArgumentError("ModelSpec has 'version_label' set, but it is not currently allowed by the server.")
    return models.find_version(spec.name, spec.version.value if spec.HasField("version") else None)


def _examples(given: Any) -> list[bytes]:
    """Return the examples of a request, serialised, each after the context that all have in common."""
    listed = given.example_list_with_context if given.HasField("example_list_with_context") else given.example_list
    if not listed.examples:
        raise InvalidArgumentError("Input is empty.")
    context = given.example_list_with_context.context.SerializeToString()
    return [context + each.SerializeToString() for each in listed.examples]


def _inputs(messages: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    if len(messages) != len(inputs):
        sent, wanted = {*messages}, {*inputs}
        raise InvalidArgumentError(
            f"input size does not match signature: {len(sent)}!={len(wanted)} len({_set(sent)}) != "
            f"len({_set(wanted)}). Sent extra: {_set(sent - wanted)}. Missing but required: {_set(wanted - sent)}."
        )
    tensors = {}
    for position, (name, message) in enumerate(sorted(messages.items())):
        if name not in inputs:
            raise InvalidArgumentError(
                f"input tensor alias not found in signature: {name}. Inputs expected to be in the set {_set(inputs)}."
            )
        tensors[name] = _tensor(name, message, inputs[name], position)
    return tensors


def _tensor(name: str, message: Any, spec: Any, position: int) -> Any:
    kind = tf.dtypes.as_dtype(message.dtype) if message.dtype else None
    if kind != spec.dtype:
        sent, expected = type_name(kind) if kind else "invalid", type_name(spec.dtype)
        raise InvalidArgumentError(f"Expects arg[{position}] to be {expected} but {sent} is provided")
    try:
        array = tf.make_ndarray(message)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"tensor parsing error: {name}") from error
    if not spec.shape.is_compatible_with(array.shape):
        shape = f"shape {array.shape} for input {name}, which has shape {spec.shape}"
        raise InvalidArgumentError(f"Cannot feed value of {shape}")
    return tf.constant(array, spec.dtype)


def _check_outputs(wanted: Iterable[str], outputs: Mapping[str, Any]) -> None:
    seen = set()
    for name in wanted:
        if name not in outputs:
            raise InvalidArgumentError(
                f"output tensor alias not found in signature: {name} Outputs expected to be in the set {_set(outputs)}."
            )
        if name in seen:
            raise InvalidArgumentError(f"duplicate output tensor alias: {name}")
        seen.add(name)


def _message(tensor: Any) -> Any:
    """Return a tensor as a message with its values in the field of their type."""
    array = tensor.numpy()
    field = _FIELDS.get(tensor.dtype.name)
    if field is None:
        return tf.make_tensor_proto(array, tensor.dtype)
    message = tensor_pb2.TensorProto(dtype=tensor.dtype.as_datatype_enum, tensor_shape=tensor.shape.as_proto())
    values = np.asarray(array, object) if field == "string_val" else array
    getattr(message, field).extend(np.ravel(values).tolist())
    return message


def _set(names: Iterable[str]) -> str:
    return f"{{{','.join(sorted(names))}}}"
