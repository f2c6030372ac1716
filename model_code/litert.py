"""The network as LiteRT (formerly TensorFlow Lite) runs it: on functions, small devices and phones, without TensorFlow.

Source of the calls: the Interpreter's docstrings in ai_edge_litert/interpreter.py, 2.3.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[np.float32]

RUNTIME = "ai-edge-litert"
"""The package that runs it, by its name in the package index."""


class LiteRTNetwork:
    """A network in LiteRT's form, the bytes of a .tflite file; not for several threads at a time.

    Raises ValueError, in one sentence, if the bytes are no such file.
    """

    def __init__(self, content: bytes) -> None:
        try:
            self._interpreter: Any = Interpreter(model_content=content, num_threads=1)
        except ValueError as error:
            raise ValueError(f"This is not a whole LiteRT model: {str(error).partition('.')[0]}.") from None
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]
        self._count = 0

    def __call__(self, images: Array) -> Array:
        """Return the probabilities (n, 10) of images (n, 48, 48) float32 0..1."""
        if len(images) != self._count:
            self._interpreter.resize_tensor_input(self._input, images.shape)
            self._interpreter.allocate_tensors()
            self._count = len(images)
        self._interpreter.set_tensor(self._input, np.ascontiguousarray(images))
        self._interpreter.invoke()
        probabilities: Array = self._interpreter.get_tensor(self._output)
        return probabilities
