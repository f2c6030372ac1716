"""What XGBoost's container does in script mode where a script has no function for it; model_fn each script must have.

Follows serving.py (one model), handler_service.py (many) and encoder.py of aws/sagemaker-xgboost-container.
"""

from __future__ import annotations

import csv
from email.message import Message
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

_SNIFFED = 512  # characters of the first line, of which the delimiter is told


def defaults() -> dict[str, Any]:
    """Return input_fn, predict_fn and output_fn for one model."""
    from sagemaker_containers.beta.framework import encoders, errors, worker  # noqa: PLC0415 - see flask_app

    def output_fn(prediction: Any, accept: str) -> Any:
        return worker.Response(encoders.encode(prediction, accept), mimetype=accept)

    input_fn = _decoder(errors.UnsupportedFormatError)
    return {"input_fn": input_fn, "predict_fn": _predict, "output_fn": output_fn}


def service() -> Any:
    """Return the handler service for one of many models."""
    from sagemaker_inference import encoder, errors  # noqa: PLC0415 - an image has it that needs it
    from sagemaker_inference.default_handler_service import DefaultHandlerService  # noqa: PLC0415
    from sagemaker_inference.default_inference_handler import DefaultInferenceHandler  # noqa: PLC0415
    from sagemaker_inference.transformer import Transformer  # noqa: PLC0415

    decode = _decoder(errors.UnsupportedFormatError)

    class Handler(DefaultInferenceHandler):  # type: ignore[misc]  # it has no types
        def default_input_fn(self, input_data: Any, content_type: str) -> Any:
            return decode(input_data, content_type)

        def default_predict_fn(self, data: Any, model: Any) -> Any:
            return _predict(data, model)

        def default_output_fn(self, prediction: Any, accept: str) -> Any:
            return encoder.encode(prediction, accept)

    return DefaultHandlerService(Transformer(default_inference_handler=Handler()))


def _predict(data: Any, model: Any) -> Any:
    return model.predict(data, validate_features=False)


def _decoder(unsupported: type[Exception]) -> Callable[[Any, str], Any]:
    """Return the default input_fn, which makes a DMatrix; it raises this error for a content type it has not."""
    import xgboost  # noqa: PLC0415 - the library, which has this module's name

    def decode(data: Any, content_type: str) -> Any:
        header = Message()
        header["Content-Type"] = content_type
        read = _READERS.get(header.get_content_type())
        if read is None:
            raise unsupported(header.get_content_type())
        return xgboost.DMatrix(read(data if isinstance(data, str) else bytes(data).decode()))

    return decode


def _from_csv(text: str) -> Any:
    """Return the rows of a CSV without a header, nan for an empty field. No line may be empty, the last neither."""
    found = csv.Sniffer().sniff(text.partition("\n")[0][:_SNIFFED]).delimiter
    delimiter = "," if found.isalnum() else found
    rows = [[field or "nan" for field in line.split(delimiter)] for line in text.split("\n")]
    return np.array(rows).astype(float)


def _from_libsvm(text: str) -> Any:
    """Return the rows of libsvm, with or without labels; columns are numbered from one if none has number zero."""
    lines = [[token.split(":", 1) for token in line.split() if ":" in token] for line in text.strip().split("\n")]
    rows = [{int(column): float(value) for column, value in line} for line in lines]
    columns = {column for row in rows for column in row}
    if not columns:
        return np.empty((0, 0))
    first = min(*columns, 1)
    dense = np.zeros((len(rows), max(columns) - first + 1))
    for number, row in enumerate(rows):
        dense[number, [column - first for column in row]] = [*row.values()]
    return dense


_READERS: dict[str, Callable[[str], Any]] = {
    "text/csv": _from_csv,
    "text/libsvm": _from_libsvm,
    "text/x-libsvm": _from_libsvm,
}
