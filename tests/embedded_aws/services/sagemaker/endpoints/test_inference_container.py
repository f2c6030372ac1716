"""The inference container lays out models and code, and answers by gRPC, as AWS's of TensorFlow 2.20 does.

https://github.com/aws/deep-learning-containers, docker/tensorflow/inference/2.20 and its handlers and tests.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.embedded_aws.account import Account

    SavedModel = Callable[[float], dict[str, bytes]]

# Calls TensorFlow Serving by gRPC as its clients do: by its channel, and by one that the handler makes of the port.
HANDLER = b"""
import json
import falcon
import grpc
from helper import rows_of
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, predict_pb2
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc, regression_pb2

def handler(data, context):
    if context.request_content_type == "text/teapot":
        raise falcon.HTTPError("418 I'm a teapot", description="short and stout")
    asked = json.loads(data.read())
    own = grpc.insecure_channel(f"localhost:{context.grpc_port}") if asked.get("own") else context.channel
    service = prediction_service_pb2_grpc.PredictionServiceStub(own)
    try:
        answer = ASK[asked["method"]](service, asked, context)
    except grpc.RpcError as error:
        answer = [error.code().name, error.details()]
    return json.dumps(answer), "application/json"

def predict(service, asked, context):
    from tensorflow import make_tensor_proto
    request = predict_pb2.PredictRequest(output_filter=asked.get("outputs", []))
    request.model_spec.name = asked["model"]
    request.model_spec.signature_name = asked.get("signature", "")
    if "version" in asked:
        request.model_spec.version.value = asked["version"]
    for name, value in asked["inputs"].items():
        request.inputs[name].CopyFrom(make_tensor_proto(rows_of(value), dtype=asked.get("type", "float32")))
    response = service.Predict(request, timeout=context.timeout)
    spec = response.model_spec
    return [spec.name, spec.version.value, spec.signature_name, list(response.outputs["total"].float_val)]

def metadata(service, asked, context):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=asked["fields"])
    request.model_spec.name = asked["model"]
    response = service.GetModelMetadata(request, timeout=context.timeout)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    response.metadata["signature_def"].Unpack(signatures)
    inputs = signatures.signature_def["serving_default"].inputs
    shapes = {name: [dim.size for dim in inputs[name].tensor_shape.dim] for name in inputs}
    return [response.model_spec.version.value, shapes]

def status(service, asked, context):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = asked["model"]
    stub = model_service_pb2_grpc.ModelServiceStub(context.channel)
    response = stub.GetModelStatus(request, timeout=context.timeout)
    return [[each.version, each.state] for each in response.model_version_status]

def multi(service, asked, context):
    from tensorflow_serving.apis import inference_pb2
    return str(service.MultiInference(inference_pb2.MultiInferenceRequest(), timeout=context.timeout))

ASK = {"predict": predict, "metadata": metadata, "status": status, "multi": multi}
"""
TENSORFLOW = b"""
tensorflow-cpu==2.20.0; sys_platform == "linux" and platform_machine == "x86_64"
tensorflow==2.20.0; sys_platform != "linux" or platform_machine != "x86_64"
"""
IMPORTING = b"""
import importlib
import json
import helper
import pandas

def handler(data, context):
    return json.dumps([helper.attempt(line) for line in json.load(data)]), "application/json"
"""
HELPER = b"""
def attempt(line):
    try:
        exec(line, globals())
    except ImportError as error:
        return f"{type(error).__name__}: {error} ({error.name})"
"""
ROWS = [[1.0, 2.0, 3.0], [0.0, 0.0, 0.5]]


@pytest.fixture(scope="module")
def endpoint(account: Account, saved_model: SavedModel) -> str:
    """An endpoint with two variants.

    v0: several models in the places where tutorials and the SDKs put them, and code/ without handlers. v1: a handler
    in two processes that asks by gRPC, with the TensorFlow that it requires.
    """
    places = {"export/Servo/00000123": 1.0, "export/Servo/124": 10.0, "extra/half/7": 0.5}
    models = {
        f"{place}/{name.removeprefix('1/')}": content
        for place, factor in places.items()
        for name, content in saved_model(factor).items()
    }
    none = {"extra/unversioned/saved_model.pb": b"", "code/requirements.txt": b"packaging\n"}
    code = {
        "code/inference.py": HANDLER,
        "code/helper.py": b"rows_of = list",
        "code/requirements.txt": TENSORFLOW,
    }
    return account.endpoint(
        account.config(
            account.model({**models, **none}, environment={"SAGEMAKER_TFS_DEFAULT_MODEL_NAME": "Servo"}),
            account.model({**saved_model(1.0), **code}, environment={"SAGEMAKER_GUNICORN_WORKERS": "2"}),
            weights=(1, 0),
        )
    )


@pytest.mark.parametrize(
    ("attributes", "total"),
    [
        ("", 60.0),
        ("tfs-model-version=123", 6.0),
        ("tfs-model-name=Servo,tfs-model-version=124,tfs-method=predict", 60.0),
        ("tfs-model-name=half", 3.0),
    ],
)
def test_models_are_found_wherever_they_are(account: Account, endpoint: str, attributes: str, total: float) -> None:
    """Each SavedModel in a numeric folder is a version of the model that the folder above names; the latest answers."""
    chosen = {"CustomAttributes": attributes} if attributes else {}
    assert account.invoke(endpoint, {"instances": ROWS[:1]}, **chosen) == {"predictions": [[total]]}


def test_a_model_s_module_may_have_any_name(account: Account, saved_model: SavedModel) -> None:
    """Also that of a package with which the host itself reads the requirements."""
    code = {
        "code/inference.py": b'import json\n\ndef handler(data, context):\n    return "1", "application/json"\n',
        "code/packaging.py": b"raise ImportError\n",
        "code/requirements.txt": b"numpy\n",
    }
    model = account.model({**saved_model(1.0), **code})
    assert account.invoke(account.endpoint(account.config(model)), {}) == 1


def test_code_without_handlers_passes_requests_on(account: Account, endpoint: str) -> None:
    """Then nothing makes TensorFlow Serving's form of CSV; its refusals and types come with the status they have."""
    call = {"EndpointName": endpoint, "Accept": "application/json;verbose"}
    answer = account.runtime.invoke_endpoint(**call, ContentType="text/csv", Body=json.dumps({"inputs": ROWS}))
    assert answer["ContentType"] == "application/json;verbose"
    assert json.loads(answer["Body"].read()) == {"outputs": [[60.0], [5.0]]}
    with pytest.raises(account.runtime.exceptions.ModelError) as refused:
        account.runtime.invoke_endpoint(**call, ContentType="text/csv", Body=b"1,2,3")
    assert refused.value.response["OriginalStatusCode"] == 400
    assert json.loads(refused.value.response["OriginalMessage"])["title"] == "400 Bad Request"
    with pytest.raises(account.runtime.exceptions.ModelError) as refused:
        account.runtime.invoke_endpoint(**call, ContentType="image/png", Body=b"x")
    assert refused.value.response["OriginalStatusCode"] == 415
    assert json.loads(refused.value.response["OriginalMessage"]) == {"error": "Unsupported Media Type: image/png"}


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"inputs": {"rows": ROWS}}, ["model", 1, "serving_default", [6.0, 0.5]]),
        ({"inputs": {"rows": ROWS}, "own": True}, ["model", 1, "serving_default", [6.0, 0.5]]),
        ({"inputs": {"rows": ROWS}, "outputs": ["total"], "version": 1}, ["model", 1, "serving_default", [6.0, 0.5]]),
        (
            {"inputs": {"rows": ROWS}, "version": 2},
            ["NOT_FOUND", "Servable not found for request: Specific(model, 2)"],
        ),
        (
            {"inputs": {"rows": ROWS}, "signature": "other"},
            ["FAILED_PRECONDITION", 'Serving signature key "other" not found.'],
        ),
        (
            {"inputs": {}},
            [
                "INVALID_ARGUMENT",
                (
                    "input size does not match signature: 0!=1 len({}) != len({rows}). Sent extra: {}. "
                    "Missing but required: {rows}."
                ),
            ],
        ),
        (
            {"inputs": {"rows": ROWS}, "type": "float64"},
            ["INVALID_ARGUMENT", "Expects arg[0] to be float but double is provided"],
        ),
        (
            {"inputs": {"rows": ROWS}, "outputs": ["sum"]},
            [
                "INVALID_ARGUMENT",
                "output tensor alias not found in signature: sum Outputs expected to be in the set {total}.",
            ],
        ),
        ({"method": "metadata", "fields": ["signature_def"]}, [1, {"rows": [-1, 3]}]),
        ({"method": "metadata", "fields": ["x"]}, ["INVALID_ARGUMENT", "Metadata field x is not supported"]),
        ({"method": "status"}, [[1, 30]]),
        ({"method": "status", "model": "other"}, ["NOT_FOUND", "Could not find any versions of model other"]),
        ({"method": "multi"}, ["UNIMPLEMENTED", "Method not implemented!"]),
    ],
)
def test_a_handler_may_ask_by_grpc(account: Account, endpoint: str, asked: dict[str, Any], answer: Any) -> None:
    """context.channel, and a handler's own channel to context.grpc_port, lead to TensorFlow Serving's gRPC API."""
    assert account.invoke(endpoint, {"method": "predict", "model": "model", **asked}, TargetVariant="v1") == answer


def test_a_handler_may_choose_the_status(account: Account, endpoint: str) -> None:
    """The errors of falcon, on which the container's Python service is built, are answered as falcon does."""
    with pytest.raises(account.runtime.exceptions.ModelError) as refused:
        account.runtime.invoke_endpoint(
            EndpointName=endpoint, TargetVariant="v1", ContentType="text/teapot", Accept="*/*", Body=b""
        )
    assert refused.value.response["OriginalStatusCode"] == 418
    document = {"title": "418 I'm a teapot", "description": "short and stout"}
    assert json.loads(refused.value.response["OriginalMessage"]) == document


@pytest.fixture(scope="module")
def importing(account: Account, saved_model: SavedModel) -> str:
    """An endpoint whose handlers import what they are told: v0's bring modules in code/lib, v1's require packages.

    v0's requirements could not be installed: code/lib is in their place.
    """
    code = {**saved_model(1.0), "code/inference.py": IMPORTING, "code/helper.py": HELPER}
    library = {"code/lib/h5py/__init__.py": b"", "code/requirements.txt": b"no-such-package==9\nnumpy\n"}
    required = {"code/requirements.txt": b"-r more.txt\n", "code/more.txt": b"keras\n"}
    models = (account.model({**code, **library}), account.model({**code, **required}))
    return account.endpoint(account.config(*models, weights=(1, 0)))


MISSING = "ModuleNotFoundError: No module named '{0}' ({0})"


@pytest.mark.parametrize(
    ("line", "library", "required"),
    [
        ("import tensorflow as tf", "tensorflow", "tensorflow"),
        ("from tensorflow.core.framework import types_pb2", "tensorflow", "tensorflow"),
        ("from tensorflow_serving.apis import predict_pb2", "tensorflow", "tensorflow"),
        ("import tensorflow_serving.apis.prediction_service_pb2_grpc", "tensorflow", "tensorflow"),
        ("from tensorflow_serving.apis import model_pb2", None, None),
        ("import keras", "keras", None),
        ("import h5py", None, None),
        ("import rich.console", "rich", None),
        ("import PIL", "PIL", "PIL"),
        ("import uvicorn", "uvicorn", "uvicorn"),
        ("import numpy, pandas, sklearn, scipy, requests, boto3, grpc, falcon, google.protobuf", None, None),
        ("from concurrent import futures", None, None),
        ("import no_such_module", "no_such_module", "no_such_module"),
    ],
)
def test_a_handler_imports_what_the_image_has(
    account: Account, importing: str, line: str, library: str | None, required: str | None
) -> None:
    """It finds the packages of AWS's image, the modules in code/lib, and what its requirements bring; no TensorFlow.

    What requirements bring comes with all that they need: h5py and rich with Keras. They are answered by number of
    variant, each with the name of the module that is missing there.
    """
    for variant, missing in (("v0", library), ("v1", required)):
        [said] = account.invoke(importing, [line], TargetVariant=variant)
        assert said == (missing and MISSING.format(missing)), variant


def test_a_handler_that_imports_tensorflow_fails(account: Account, saved_model: SavedModel) -> None:
    """The endpoint's log says what AWS's says, and that the container never answered."""
    code = {
        "code/inference.py": b"import helper\ndef handler(data, context): ...\n",
        "code/helper.py": b"import tensorflow as tf\n",
    }
    name = account.endpoint(account.config(account.model({**saved_model(1.0), **code})))
    answer = account.sagemaker.describe_endpoint(EndpointName=name)
    assert answer["EndpointStatus"] == "Failed"
    lines = account.lines(f"/aws/sagemaker/Endpoints/{name}")
    end = lines.index("ModuleNotFoundError: No module named 'tensorflow'")
    told = [line.strip() for line in lines[:end] if not line.strip().startswith(("~", "^"))]
    assert told[-3] == "import helper"
    assert told[-2].endswith('code/helper.py", line 1, in <module>')
    assert told[-1] == "import tensorflow as tf"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"SAGEMAKER_TFS_ENABLE_BATCHING": "yes"}, "SAGEMAKER_TFS_ENABLE_BATCHING must be 'true' or 'false'"),
        ({"SAGEMAKER_MULTI_MODEL": "1"}, "SAGEMAKER_MULTI_MODEL must be 'true' or 'false'"),
    ],
)
def test_the_environment_is_checked(environment: dict[str, str], said: str) -> None:
    """What the container refuses at its start is refused, in its words, and what is missing here is said."""
    from embedded_aws.serving import layout

    with pytest.raises(ValueError, match=said):
        layout.check(environment)
    layout.check({"SAGEMAKER_TFS_ENABLE_BATCHING": "TRUE", "SAGEMAKER_MULTI_MODEL": "false"})
