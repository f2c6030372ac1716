"""Load SavedModels as TensorFlow Serving does, also those of TensorFlow 1, which Python refuses more often.

TensorFlow Serving runs a graph of TensorFlow 1 in a session: only what an answer needs counts, and what is fed is held
to its type, not to the shape that the placeholder was declared with. Python's loader infers all shapes first, and so
refuses exports whose `ParseExample` has a placeholder declared as a scalar, which TensorFlow 1 let pass.
"""

from __future__ import annotations

import gc
import importlib
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

_FILE = "saved_model.pb"
_SERVE = "serve"  # of several graphs, as one to train and one to serve, the one that is served
_FED = ("Placeholder", "PlaceholderWithDefault", "PlaceholderV2")


def load(folder: Path) -> Any:
    """Return the SavedModel of a folder. Raises what TensorFlow raises."""
    tf = _tensorflow()
    from tensorflow.core.protobuf import saved_model_pb2  # noqa: PLC0415 - needs TensorFlow

    content = saved_model_pb2.SavedModel.FromString((folder / _FILE).read_bytes())
    if any(graph.HasField("object_graph_def") for graph in content.meta_graphs):
        return tf.saved_model.load(str(folder))
    for graph in content.meta_graphs:
        _accept_any_shape(graph.graph_def)
    # Stays as long as the host: a graph may read its assets whenever it is asked.
    mended = Path(tempfile.mkdtemp(prefix="saved-model-"))
    for part in folder.iterdir():
        if part.name != _FILE:
            (mended / part.name).symlink_to(part.resolve())
    (mended / _FILE).write_bytes(content.SerializeToString())
    return tf.saved_model.load(str(mended), tags=[_SERVE])


def signatures(folder: Path) -> Mapping[str, SignatureDef]:
    """Return the signatures of a SavedModel's graph that is served, by name."""
    _tensorflow()
    from tensorflow.core.protobuf import saved_model_pb2  # noqa: PLC0415 - as above

    content = saved_model_pb2.SavedModel.FromString((folder / _FILE).read_bytes())
    [served] = [graph for graph in content.meta_graphs if [*graph.meta_info_def.tags] == [_SERVE]]
    return dict(served.signature_def)


def _accept_any_shape(graph: GraphDef) -> None:
    """Let the graph's inputs have any shape; what was inferred from their shapes is inferred anew."""
    for node in graph.node:
        node.attr.pop("_output_shapes", None)
        if node.op in _FED:
            node.attr["shape"].Clear()
            node.attr["shape"].shape.unknown_rank = True


class _NoKeras:
    """Lets one thread not import Keras, as long as it is on `sys.meta_path`; where it is can be found."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        """Raise ModuleNotFoundError for what Keras consists of, in this thread; leave all else to the next finder."""
        if name == "keras.src" and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _tensorflow() -> ModuleType:
    """Return TensorFlow. Its import brings no Keras, which no SavedModel needs to be served: half of its seconds.

    It is imported here, once it is needed, for not every host is asked. Whatever asks for Keras later finds it. Garbage
    is not looked for meanwhile: an import leaves none.
    """
    if "tensorflow" not in sys.modules:
        finder = _NoKeras()
        sys.meta_path.insert(0, finder)
        gc.disable()
        try:
            importlib.import_module("tensorflow")
        finally:
            gc.enable()
            sys.meta_path.remove(finder)
    return importlib.import_module("tensorflow")  # waits where another thread is importing it
