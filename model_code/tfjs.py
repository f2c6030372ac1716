"""The network as TensorFlow.js runs it in a browser: a graph model, model.json and weights.bin.

TensorFlow.js and not LiteRT.js or onnxruntime-web: its plain JavaScript weighs a tenth of their WebAssembly (9 and 12
MB), and a page that loads no WebAssembly may have the strictest Content-Security-Policy. The converter of the package
tensorflowjs is not used: it needs TensorFlow Decision Forests, of which there is none for this TensorFlow.

Large weights are numbers in fixed point, of as few bits as agree with the network: 16 of them are one weight of the
graph, the others a second one that is added to it. Random digits of a float can't be compressed, so these are left out.

Sources: io.ModelJSON in the API reference of TensorFlow.js, and decodeWeights in tfjs-core/src/io/io_utils.ts, by which
a quantized weight is `number * scale + min`; the operations are those of tfjs-converter/src/operations/op_list.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from google.protobuf.json_format import MessageToDict
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    Array = npt.NDArray[np.float32]

RUNTIME = "@tensorflow/tfjs"
"""The package that runs it, by its name in npm's registry."""

BITS = (16, 18, 20, 22, 24)
"""Of a weight in fixed point, the fewest first."""

OPERATIONS = frozenset(
    {
        *(
            "Add",
            "AddV2",
            "AvgPool",
            "BiasAdd",
            "Const",
            "Conv2D",
            "DepthwiseConv2dNative",
            "ExpandDims",
            "FusedBatchNormV3",
        ),
        *(
            "Identity",
            "MatMul",
            "MaxPool",
            "Mean",
            "Mul",
            "Pack",
            "Pad",
            "Placeholder",
            "Prod",
            "Relu",
            "Relu6",
            "Reshape",
        ),
        *("Rsqrt", "Shape", "Sigmoid", "Softmax", "Squeeze", "StridedSlice", "Sub", "Tanh", "Transpose"),
    }
)
"""What a layer of Keras for pictures comes to, and TensorFlow.js has for all of its backends."""

TYPES = frozenset({"float32", "int32"})
"""Of constants."""

_FIRST = 16
_HIGH, _LOW = "/high", "/low"
_LARGE = 1024  # weights; fewer are not worth two
_FILE = "weights.bin"


@dataclass(frozen=True)
class Weight:
    """One weight of the graph, as it stands in the file; quantized if there is a scale."""

    values: npt.NDArray[Any]
    scale: float = 0.0
    least: float = 0.0

    def entry(self, name: str) -> dict[str, Any]:
        """Return what the manifest says of it."""
        kind = "float32" if self.scale else self.values.dtype.name
        described = {"name": name, "shape": list(self.values.shape), "dtype": kind}
        if not self.scale:
            return described
        return {**described, "quantization": {"dtype": self.values.dtype.name, "min": self.least, "scale": self.scale}}

    def decoded(self) -> npt.NDArray[Any]:
        """Return the values as TensorFlow.js will have them."""
        if not self.scale:
            return self.values
        return (self.values * self.scale + self.least).astype(np.float32)


class Graph:
    """The graph of a SavedModel with its variables as constants. Raises ValueError for what TensorFlow.js has not."""

    def __init__(self, saved_model: Path) -> None:
        loaded = tf.saved_model.load(str(saved_model))
        frozen = convert_variables_to_constants_v2(loaded.signatures["serving_default"])
        self._input, self._output = frozen.inputs[0], frozen.outputs[0]
        self._graph = _leading_to(self._output.op.name, frozen.graph.as_graph_def())
        if foreign := {node.op for node in self._graph.node} - OPERATIONS:
            raise ValueError(f"its layers come to {', '.join(sorted(foreign))}, with which no page was tried")
        self._constants: dict[str, npt.NDArray[Any]] = {
            node.name: tf.make_ndarray(node.attr["value"].tensor) for node in self._graph.node if node.op == "Const"
        }
        if foreign := {values.dtype.name for values in self._constants.values()} - TYPES:
            raise ValueError(f"its weights are {', '.join(sorted(foreign))}, which TensorFlow.js has not")

    def weights(self, bits: int) -> dict[str, Weight]:
        """Return the weights, the large ones in fixed point of so many bits; 0: all as they are."""
        large = {name for name, values in self._constants.items() if bits and _is_large(values)}
        pairs = {name: _fixed_point(self._constants[name], bits) for name in sorted(large)}
        # Like beside like, which compresses better.
        return {
            **{name: Weight(values) for name, values in self._constants.items() if name not in large},
            **{f"{name}{_HIGH}": high for name, (high, _) in pairs.items()},
            **{f"{name}{_LOW}": low for name, (_, low) in pairs.items()},
        }

    def __call__(self, weights: Mapping[str, Weight], images: Array) -> Array:
        """Return the probabilities (n, 10) that the graph finds with these weights."""
        graph = self._with({name: tf.make_tensor_proto(weight.decoded()) for name, weight in weights.items()})
        function = tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(graph, name=""), [])
        network = function.prune(*(function.graph.as_graph_element(end.name) for end in (self._input, self._output)))
        probabilities: Array = network(tf.constant(images)).numpy()
        return probabilities

    def write(self, weights: Mapping[str, Weight], folder: Path) -> None:
        """Write model.json and weights.bin to a folder, which is made."""
        topology = self._with({name: _without_content(weight.decoded()) for name, weight in weights.items()})
        document = {
            "format": "graph-model",
            "generatedBy": tf.__version__,
            "signature": {
                "inputs": {"image": _signature(self._input)},
                "outputs": {"probabilities": _signature(self._output)},
            },
            "modelTopology": MessageToDict(topology),
            "weightsManifest": [
                {"paths": [_FILE], "weights": [weight.entry(name) for name, weight in weights.items()]}
            ],
        }
        folder.mkdir(parents=True)
        # Sorted: a map of the protocol's is written in another order each time, and equal runs give equal files.
        (folder / "model.json").write_text(
            json.dumps(document, separators=(",", ":"), sort_keys=True), encoding="utf-8"
        )
        (folder / _FILE).write_bytes(b"".join(_little_endian(weight.values) for weight in weights.values()))

    def _with(self, tensors: Mapping[str, Any]) -> Any:
        """Return the graph with these constants: where there are two of a name it is their sum."""
        graph = tf.compat.v1.GraphDef(versions=self._graph.versions)
        for node in self._graph.node:
            if node.op != "Const":
                graph.node.append(node)
            elif node.name in tensors:
                _add_constant(graph, node.name, tensors[node.name])
            else:
                parts = [f"{node.name}{_HIGH}", f"{node.name}{_LOW}"]
                for part in parts:
                    _add_constant(graph, part, tensors[part])
                graph.node.add(name=node.name, op="AddV2", input=parts).attr["T"].type = tf.float32.as_datatype_enum
        return graph


def smallest(graph: Graph, images: Array, probabilities: Array, *, within: float) -> tuple[dict[str, Weight], float]:
    """Return weights of the fewest bits that agree with the trained network, and by how much a probability differs."""
    for bits in (*BITS, 0):
        weights = graph.weights(bits)
        difference = float(np.abs(graph(weights, images) - probabilities).max())
        if difference <= within:
            break
    return weights, difference


def _leading_to(output: str, graph: Any) -> Any:
    """Return the part of a graph that its output is made of, without what only had to be done before."""
    nodes = {node.name: node for node in graph.node}
    wanted, waiting = set(), [output]
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            inputs = [each for each in nodes[name].input if not each.startswith("^")]
            nodes[name].input[:] = inputs
            waiting += [each.partition(":")[0] for each in inputs]
    return type(graph)(node=[node for node in graph.node if node.name in wanted], versions=graph.versions)


def _is_large(values: npt.NDArray[Any]) -> bool:
    return values.dtype == np.float32 and values.size >= _LARGE and bool(np.ptp(values) > 0)


def _fixed_point(values: Array, bits: int) -> tuple[Weight, Weight]:
    """Return the two parts of weights: the first 16 bits of each, and the others."""
    least, most = float(values.min()), float(values.max())
    scale, below = (most - least) / (2**bits - 1), 2 ** (bits - _FIRST)
    numbers = np.rint((values.astype(np.float64) - least) / scale).astype(np.uint32)
    high, low = (numbers // below).astype(np.uint16), (numbers % below).astype(np.uint8)
    return Weight(high, scale=scale * below, least=least), Weight(low, scale=scale)


def _add_constant(graph: Any, name: str, tensor: Any) -> None:
    node = graph.node.add(name=name, op="Const")
    node.attr["dtype"].type = tensor.dtype
    node.attr["value"].tensor.CopyFrom(tensor)


def _without_content(values: npt.NDArray[Any]) -> Any:
    """Return the tensor's type and shape: its content stands in weights.bin."""
    whole = tf.make_tensor_proto(values)
    return type(whole)(dtype=whole.dtype, tensor_shape=whole.tensor_shape)


def _signature(tensor: Any) -> dict[str, Any]:
    return {
        "name": tensor.name,
        "dtype": "DT_FLOAT",
        "tensorShape": MessageToDict(tensor.shape.as_proto()),
    }


def _little_endian(values: npt.NDArray[Any]) -> bytes:
    return values.astype(values.dtype.newbyteorder("<")).tobytes()
