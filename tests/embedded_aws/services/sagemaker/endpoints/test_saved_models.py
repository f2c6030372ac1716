"""SavedModels of TensorFlow 1 and its estimators are served as TensorFlow Serving serves them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.embedded_aws.account import Account


def half_plus_three(folder: Path) -> dict[str, bytes]:
    """Return the files of an export that halves and adds three, as estimators wrote it.

    Beside the plain signature one of serialised examples, whose placeholder is declared as a scalar; beside the graph
    that is served one to train.
    """
    import tensorflow as tf  # noqa: PLC0415 - two seconds that only these tests need
    from tensorflow.core.protobuf import saved_model_pb2  # noqa: PLC0415

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        serialized = v1.placeholder(tf.string, shape=[None], name="examples")
        parsed = tf.raw_ops.ParseExample(
            serialized=serialized,
            names=[],
            sparse_keys=[],
            dense_keys=["x"],
            dense_defaults=[[]],
            sparse_types=[],
            dense_shapes=[[1]],
        )
        x = v1.placeholder_with_default(parsed.dense_values[0], shape=[None, 1], name="x")
        half, three = v1.get_variable("half", initializer=0.5), v1.get_variable("three", initializer=3.0)
        y = tf.identity(half * x + three, name="y")
        session.run(v1.global_variables_initializer())

        def signature(of: Any, inputs: str, outputs: str, method: str) -> Any:
            info = v1.saved_model.utils.build_tensor_info
            return v1.saved_model.signature_def_utils.build_signature_def(
                {inputs: info(of)}, {outputs: info(y)}, f"tensorflow/serving/{method}"
            )

        builder = v1.saved_model.builder.SavedModelBuilder(str(folder / "1"))
        signatures = {
            "serving_default": signature(x, "x", "y", "predict"),
            "regress": signature(serialized, "inputs", "outputs", "regress"),
        }
        builder.add_meta_graph_and_variables(session, ["serve"], signatures)
        builder.add_meta_graph(["train"])
        builder.save()
    file = folder / "1" / "saved_model.pb"
    content = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    for graph in content.meta_graphs:
        for node in graph.graph_def.node:
            node.attr.pop("_output_shapes", None)
            if node.name == "examples":
                del node.attr["shape"].shape.dim[:]
    file.write_bytes(content.SerializeToString())
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def endpoint(account: Account, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An endpoint that serves the export."""
    files = half_plus_three(tmp_path_factory.mktemp("export"))
    return account.endpoint(account.config(account.model(files), weights=(1,)))


@pytest.mark.parametrize(
    ("document", "answer"),
    [
        ({"instances": [1.0, 2.0, 5.0]}, {"predictions": [3.5, 4.0, 5.5]}),
        ({"instances": [[1.0], [2.0]]}, {"predictions": [[3.5], [4.0]]}),
        ({"inputs": {"x": [1, 5]}}, {"outputs": [3.5, 5.5]}),
    ],
)
def test_an_old_export_answers(account: Account, endpoint: str, document: Any, answer: Any) -> None:
    """Only what the signature needs counts, and what is fed need not have the placeholder's shape."""
    assert account.invoke(endpoint, document) == answer


@pytest.mark.parametrize("method", ["regress", "classify"])
def test_the_older_methods_are_refused_by_name(account: Account, endpoint: str, method: str) -> None:
    """A regression and a classification are not answered, and that is said."""
    with pytest.raises(account.runtime.exceptions.ModelError) as refused:
        account.invoke(endpoint, {"examples": [{"x": 1.0}]}, CustomAttributes=f"tfs-method={method}")
    said = json.loads(refused.value.response["OriginalMessage"])["error"]
    assert said == f"{method} is not offered by the embedded AWS; use predict."
