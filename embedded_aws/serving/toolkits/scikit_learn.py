"""What scikit-learn's container does where a script has no function for it; model_fn each script must have.

Follows serving.py (one model) and handler_service.py (many) of aws/sagemaker-scikit-learn-container.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def defaults() -> dict[str, Any]:
    """Return input_fn, predict_fn and output_fn for one model."""
    from sagemaker_containers.beta.framework import content_types, encoders, worker  # noqa: PLC0415 - see flask_app

    def input_fn(data: Any, content_type: str) -> Any:
        array = encoders.decode(data, content_type)
        return array.astype(np.float32) if content_type in content_types.UTF8_TYPES else array

    def output_fn(prediction: Any, accept: str) -> Any:
        return worker.Response(encoders.encode(prediction, accept), mimetype=accept)

    return {"input_fn": input_fn, "predict_fn": _predict, "output_fn": output_fn}


def service() -> Any:
    """Return the handler service for one of many models."""
    from sagemaker_inference import content_types, decoder, encoder  # noqa: PLC0415 - an image has it that needs it
    from sagemaker_inference.default_handler_service import DefaultHandlerService  # noqa: PLC0415
    from sagemaker_inference.default_inference_handler import DefaultInferenceHandler  # noqa: PLC0415
    from sagemaker_inference.transformer import Transformer  # noqa: PLC0415

    class Handler(DefaultInferenceHandler):  # type: ignore[misc]  # it has no types
        def default_input_fn(self, input_data: Any, content_type: str) -> Any:
            array = decoder.decode(input_data, content_type)
            array = array.reshape(1, -1) if array.ndim == 1 else array
            return array.astype(np.float32) if content_type in content_types.UTF8_TYPES else array

        def default_predict_fn(self, data: Any, model: Any) -> Any:
            return _predict(data, model)

        def default_output_fn(self, prediction: Any, accept: str) -> Any:
            return encoder.encode(prediction, accept), accept

    return DefaultHandlerService(Transformer(default_inference_handler=Handler()))


def _predict(data: Any, model: Any) -> Any:
    return model.predict(data)
