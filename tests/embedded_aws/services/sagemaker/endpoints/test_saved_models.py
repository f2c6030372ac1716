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
    import tensorflow as tf
    from tensorflow.core.protobuf import saved_model_pb2

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

        low_or_high = tf.tile(tf.constant([["low", "high"]]), [tf.shape(y)[0], 1])
        scores = tf.concat([5.0 - y, y], 1)

        def signature(of: Any, inputs: str, method: str, **outputs: Any) -> Any:
            info = v1.saved_model.utils.build_tensor_info
            return v1.saved_model.signature_def_utils.build_signature_def(
                {inputs: info(of)}, {name: info(each) for name, each in outputs.items()}, f"tensorflow/serving/{method}"
            )

        builder = v1.saved_model.builder.SavedModelBuilder(str(folder / "1"))
        signatures = {
            "serving_default": signature(x, "x", "predict", y=y),
            "regress": signature(serialized, "inputs", "regress", outputs=y),
            "classify": signature(serialized, "inputs", "classify", classes=low_or_high, scores=scores),
            "scores": signature(serialized, "inputs", "classify", scores=scores),
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


@pytest.mark.parametrize(
    ("method", "document", "answer"),
    [
        ("regress", {"signature_name": "regress", "examples": [{"x": 1.0}, {"x": [2.0]}]}, [3.5, 4.0]),
        ("regress", {"signature_name": "regress", "context": {"x": 3.0}, "examples": [{}]}, [4.5]),
        ("classify", {"signature_name": "classify", "examples": [{"x": 2.0}]}, [[["low", 1.0], ["high", 4.0]]]),
        ("classify", {"signature_name": "scores", "examples": [{"x": 2.0}]}, [[["", 1.0], ["", 4.0]]]),
    ],
)
def test_examples_are_classified_and_regressed(
    account: Account, endpoint: str, method: str, document: Any, answer: Any
) -> None:
    """The older methods take named features and answer with the results of all examples."""
    found = account.invoke(endpoint, document, CustomAttributes=f"tfs-method={method}")
    assert found == {"results": answer}


@pytest.mark.parametrize(
    ("method", "document", "said"),
    [
        ("regress", {"examples": [{"x": 1.0}]}, "No regression inputs found in SignatureDef"),
        ("classify", {"signature_name": "other", "examples": [{}]}, "No signature was found with the name: other"),
        ("classify", {"signature_name": "regress", "examples": [{"x": 1.0}]}, "at least one of"),
        ("regress", {"signature_name": "regress", "examples": []}, "'examples' value is an empty array"),
        ("regress", {"signature_name": "regress", "examples": [{"x": [1.0, 2]}]}, "feature: x expecting type: float"),
        ("regress", {"signature_name": "regress", "examples": [{"x": None}]}, "unexpected JSON type: Null"),
        ("regress", {"signature_name": "regress", "examples": [{"x": 1}]}, "Data types don't match"),
    ],
)
def test_what_is_wrong_with_examples_is_said(
    account: Account, endpoint: str, method: str, document: Any, said: str
) -> None:
    """Examples and signatures that do not fit are the caller's error, in TensorFlow Serving's words."""
    with pytest.raises(account.runtime.exceptions.ModelError) as refused:
        account.invoke(endpoint, document, CustomAttributes=f"tfs-method={method}")
    assert refused.value.response["OriginalStatusCode"] == 400
    assert said in json.loads(refused.value.response["OriginalMessage"])["error"]
