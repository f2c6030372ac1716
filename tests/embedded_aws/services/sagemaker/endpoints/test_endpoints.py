"""Endpoints load the model artifact, answer as TensorFlow Serving does, and change without losing a request."""

from __future__ import annotations

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import botocore.exceptions
import psutil
import pytest

from tests.embedded_aws.account import BUCKET, INFERENCE_IMAGE, Account, answering, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from embedded_aws.gateway import Gateway

    SavedModel = Callable[[float], dict[str, bytes]]

pytestmark = pytest.mark.usefixtures("ended")
_PING = b"GET /ping HTTP/1.1\r\nhost: host\r\n\r\n"
ROWS = [[1.0, 2.0, 3.0], [0.0, 0.0, 0.5]]
HANDLERS = b"""
import json
from collections import namedtuple

def input_handler(data, context):
    if context.request_content_type == "text/boom":
        raise ValueError("no such thing")
    numbers = [float(cell) for cell in data.read().decode().split()]
    return json.dumps({"instances": [numbers]})

def output_handler(response, context):
    assert response.status_code == 200, "refusals do not come here"
    total = response.json()["predictions"][0][0]
    if context.custom_attributes == "unwritten":
        return {"total": total}, "application/json"
    return f"total {total} of {context.custom_attributes} for {context.accept_header}", "text/plain"
"""

HANDLER = b"""
import json
import sys
import requests

def handler(data, context):
    if context.request_content_type == "text/x-rest":
        model = context.rest_uri.rpartition(":")[0]
        response = requests.get(model.rpartition("/")[0] + "/" + data.read().decode())
        return json.dumps([response.status_code, response.json()]), context.accept_header
    if context.request_content_type == "text/x-loaded":
        return str("tensorflow" in sys.modules), "text/plain"
    response = requests.post(context.rest_uri, data=iter([data.read(5), data.read()]))
    return response.content, context.accept_header
"""


@pytest.fixture(scope="module")
def plain(account: Account, saved_model: SavedModel) -> str:
    """An endpoint with two variants without handlers: v0 sums up, v1 sums up tenfold. Captures everything."""
    models = [account.model(saved_model(factor)) for factor in (1.0, 10.0)]
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }
    return account.endpoint(account.config(*models, weights=(1, 0), DataCaptureConfig=capture))


@pytest.fixture(scope="module")
def handled(account: Account, saved_model: SavedModel) -> str:
    """An endpoint whose models bring their own handlers: v0 a pair, v1 one that calls TensorFlow Serving itself.

    The pair runs in two processes.
    """
    models = [
        account.model(
            {**saved_model(1.0), "code/inference.py": script}, environment={"SAGEMAKER_GUNICORN_WORKERS": workers}
        )
        for script, workers in ((HANDLERS, "2"), (HANDLER, "1"))
    ]
    return account.endpoint(account.config(*models, weights=(1, 0)))


def test_comes_into_service(account: Account, plain: str) -> None:
    """A created endpoint is InService with its variants, weights and images described."""
    answer = account.sagemaker.describe_endpoint(EndpointName=plain)
    assert answer["EndpointStatus"] == "InService"
    variants = {each["VariantName"]: each for each in answer["ProductionVariants"]}
    assert {name: each["CurrentWeight"] for name, each in variants.items()} == {"v0": 1.0, "v1": 0.0}
    assert variants["v0"]["DeployedImages"][0]["ResolvedImage"].partition("@sha256:")[2]
    assert answer["DataCaptureConfig"]["CaptureStatus"] == "Started"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"instances": ROWS}, {"predictions": [[6.0], [0.5]]}),
        ({"instances": [{"rows": row} for row in ROWS]}, {"predictions": [[6.0], [0.5]]}),
        ({"inputs": ROWS}, {"outputs": [[6.0], [0.5]]}),
        ({"inputs": {"rows": ROWS}}, {"outputs": [[6.0], [0.5]]}),
        ({"signature_name": "serving_default", "instances": [[1, 2, 3]]}, {"predictions": [[6.0]]}),
        (ROWS, {"predictions": [[6.0], [0.5]]}),
        ([1, 2, 3], {"predictions": [[6.0]]}),
    ],
)
def test_answers_json(account: Account, plain: str, document: Any, expected: Any) -> None:
    """Row form, column form and bare lists are answered as TensorFlow Serving behind the container's front answers."""
    assert account.invoke(plain, document) == expected


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/csv", b"1,2,3\n0,0,0.1\n"),
        ("Text/CSV; charset=utf-8", b"1, 2 ,3\r\n\r\n0,0,1e-1"),
        ("application/json; charset=utf-8", b"[[1, 2, 3], [0, 0, 0.1]]"),
        ("application/jsonlines;verbose", b"[1, 2, 3]\n[0, 0, 0.1]\n"),
        ("application/jsons", b'{"rows": [1, 2, 3]} {"rows": [0, 0, 0.1]}'.replace(b"} {", b"}\n{")),
    ],
)
def test_answers_rows(account: Account, plain: str, content_type: str, body: bytes) -> None:
    """CSV and JSON lines are one row a line, whatever parameters the content type has; the answer is JSON."""
    answer = account.runtime.invoke_endpoint(
        EndpointName=plain, ContentType=content_type, Accept="application/jsonlines, text/csv", Body=body
    )
    assert answer["ContentType"] == "application/json"
    assert answer["Body"].read() == b'{"predictions": [[6.0], [0.1]]}'


@pytest.mark.parametrize(
    ("row", "cell"),
    [(b'"a ""b"", c",2,3', '"a \\"b\\", c"'), (rb"\,2,3", r'"\\"'), (b"+1,2,3", '"+1"'), (b",2,3", '""')],
)
def test_a_cell_of_csv_that_is_no_number_is_text(account: Account, plain: str, row: bytes, cell: str) -> None:
    """Quotation marks stand around commas and doubled quotation marks; TensorFlow Serving gets valid JSON."""
    with pytest.raises(account.runtime.exceptions.ModelError) as refused:
        account.runtime.invoke_endpoint(EndpointName=plain, ContentType="text/csv", Body=row)
    assert refused.value.response["OriginalStatusCode"] == 400
    message = json.loads(refused.value.response["OriginalMessage"])["error"]
    assert f"JSON Value: {cell} Type: String" in message


@pytest.mark.parametrize(
    ("attributes", "status", "message"),
    [
        ("tfs-model-name=../other", 400, "invalid tfs-model-name"),
        ("tfs-model-version=latest", 400, "invalid tfs-model-version"),
        ("tfs-method=delete", 400, "invalid tfs-method"),
        ("tfs-model-name=other", 404, "Servable not found for request: Latest(other)"),
        ("blue,tfs-model-name=model,tfs-model-version=2", 404, "Servable not found for request: Specific(model, 2)"),
    ],
)
def test_attributes_choose_what_is_asked(
    account: Account, plain: str, attributes: str, status: int, message: str
) -> None:
    """Model, version and method come from the custom attributes; what could lead elsewhere is refused."""
    with pytest.raises(account.runtime.exceptions.ModelError) as refused:
        account.invoke(plain, {"instances": ROWS}, CustomAttributes=attributes)
    assert refused.value.response["OriginalStatusCode"] == status
    assert json.loads(refused.value.response["OriginalMessage"]) == {"error": message}


@pytest.mark.parametrize(
    ("document", "status", "message"),
    [
        ({"instances": []}, 400, "No values in 'instances' array"),
        ({"instances": [["a", 2, 3]]}, 400, 'JSON Value: "a" Type: String is not of expected type: float'),
        ({"instances": [[1, 2, 3], [1, 2]]}, 400, "Failed to process element: 1 of 'instances' list."),
        ({"instances": [{"columns": [1, 2, 3]}]}, 400, "does not have named input: columns"),
        ({"instances": [[1, 2]]}, 400, "Cannot feed value of shape (1, 2) for input rows"),
        ({"inputs": ROWS, "instances": ROWS}, 400, "expecting only one of 'inputs' or 'instances'"),
        ({"signature_name": "other", "inputs": ROWS}, 400, 'Serving signature name: "other" not found'),
    ],
)
def test_explains_what_it_refuses(account: Account, plain: str, document: Any, status: int, message: str) -> None:
    """A bad request is a ModelError (424) that carries the model's own status and TensorFlow Serving's words."""
    with pytest.raises(account.runtime.exceptions.ModelError) as refused:
        account.invoke(plain, document)
    answer = refused.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert answer["OriginalStatusCode"] == status
    assert message in json.loads(answer["OriginalMessage"])["error"]
    assert answer["LogStreamArn"].endswith(f":log-group:/aws/sagemaker/Endpoints/{plain}")


def test_refuses_other_content_types(account: Account, plain: str) -> None:
    """Without handlers the container takes JSON and CSV only."""
    with pytest.raises(account.runtime.exceptions.ModelError) as refused:
        account.runtime.invoke_endpoint(EndpointName=plain, ContentType="Image/PNG; q=1", Body=b"x")
    assert refused.value.response["OriginalStatusCode"] == 415
    assert refused.value.response["OriginalMessage"] == '{"error": "Unsupported Media Type: image/png"}'


def test_refuses_large_bodies(account: Account, plain: str) -> None:
    """A body beyond 6 MiB is refused before any host sees it, with HTTP's own status and no other code."""
    with pytest.raises(botocore.exceptions.ClientError, match=r"\(413\).*HTTP content length exceeded 6291456 bytes"):
        account.runtime.invoke_endpoint(EndpointName=plain, Body=b" " * 6_291_457)


def test_routes_by_weight_and_target(account: Account, plain: str) -> None:
    """A variant of weight 0 gets no traffic but answers when it is the target; the answer names the variant."""
    call = {"EndpointName": plain, "ContentType": "application/json", "Body": b'{"instances": [[1, 1, 1]]}'}
    names = {account.runtime.invoke_endpoint(**call)["InvokedProductionVariant"] for _ in range(10)}
    assert names == {"v0"}
    targeted = account.runtime.invoke_endpoint(**call, TargetVariant="v1")
    assert targeted["InvokedProductionVariant"] == "v1"
    assert json.loads(targeted["Body"].read()) == {"predictions": [[30.0]]}
    with pytest.raises(account.runtime.exceptions.ValidationError, match="v9"):
        account.runtime.invoke_endpoint(**call, TargetVariant="v9")


def test_captures_requests_and_answers(account: Account, plain: str) -> None:
    """Data capture writes AWS's JSON lines below <destination>/<endpoint>/<variant>/yyyy/mm/dd/hh/."""
    account.invoke(plain, {"instances": [[0.25, 0, 0]]}, InferenceId="number-7")

    def captured() -> list[dict[str, Any]]:
        keys = account.keys(f"capture/{plain}/v0/")
        assert all(key.count("/") == 7 and key.endswith(".jsonl") for key in keys)
        records = [json.loads(line) for key in keys for line in account.get(f"s3://{BUCKET}/{key}").splitlines()]
        return [each for each in records if each["eventMetadata"].get("inferenceId") == "number-7"]

    (record,) = until(captured)
    assert record["eventVersion"] == "0"
    assert record["captureData"]["endpointInput"] == {
        "observedContentType": "application/json",
        "mode": "INPUT",
        "data": '{"instances": [[0.25, 0, 0]]}',
        "encoding": "JSON",
    }
    assert record["captureData"]["endpointOutput"]["data"] == '{"predictions": [[0.25]]}'


def test_calls_the_models_handlers(account: Account, handled: str) -> None:
    """input_handler and output_handler stand around TensorFlow Serving and see the request's context."""
    answer = account.runtime.invoke_endpoint(
        EndpointName=handled,
        ContentType="text/x-numbers",
        Accept="text/plain",
        CustomAttributes="blue",
        Body=b"1 2 3.5",
    )
    assert answer["ContentType"] == "text/plain"
    assert answer["Body"].read() == b"total 6.5 of blue for text/plain"


def test_a_handler_may_call_tensorflow_serving(account: Account, handled: str) -> None:
    """A handler that posts to context.rest_uri itself, in chunks, gets TensorFlow Serving's answer.

    Nothing has loaded TensorFlow until then: one that answers by itself does without.
    """
    call = {"EndpointName": handled, "TargetVariant": "v1", "ContentType": "text/x-loaded", "Body": b""}
    assert account.runtime.invoke_endpoint(**call)["Body"].read() == b"False"
    assert account.invoke(handled, {"instances": ROWS}, TargetVariant="v1") == {"predictions": [[6.0], [0.5]]}
    assert account.runtime.invoke_endpoint(**call)["Body"].read() == b"True"


STATUS = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
SPEC = {"name": "model", "signature_name": "", "version": "1"}


@pytest.mark.parametrize(
    ("path", "status", "answer"),
    [
        ("model", 200, {"model_version_status": [{"version": "1", **STATUS}]}),
        ("model/versions/1", 200, {"model_version_status": [{"version": "1", **STATUS}]}),
        ("model/versions/2", 404, {"error": "Could not find version 2 of model model"}),
        ("none", 404, {"error": "Could not find any versions of model none"}),
        ("none/metadata", 404, {"error": "Servable not found for request: Latest(none)"}),
        ("model:predict", 400, {"error": "Malformed request: GET /v1/models/model:predict"}),
    ],
)
def test_a_handler_may_look_at_its_models(
    account: Account, handled: str, path: str, status: int, answer: dict[str, Any]
) -> None:
    """TensorFlow Serving's REST interface tells a model's versions, in its words."""
    call = {"EndpointName": handled, "TargetVariant": "v1", "ContentType": "text/x-rest", "Body": path.encode()}
    assert json.loads(account.runtime.invoke_endpoint(**call)["Body"].read()) == [status, answer]


@pytest.mark.parametrize("path", ["model/metadata", "model/versions/1/metadata"])
def test_a_handler_may_look_at_signatures(account: Account, handled: str, path: str) -> None:
    """Its metadata are the signatures, each with all of its fields."""
    call = {"EndpointName": handled, "TargetVariant": "v1", "ContentType": "text/x-rest", "Body": path.encode()}
    status, found = json.loads(account.runtime.invoke_endpoint(**call)["Body"].read())
    assert (status, found["model_spec"]) == (200, SPEC)
    signature = found["metadata"]["signature_def"]["signature_def"]["serving_default"]
    [given] = signature["inputs"].values()
    assert given["dtype"] == "DT_FLOAT"
    assert given["tensor_shape"] == {
        "dim": [{"size": "-1", "name": ""}, {"size": "3", "name": ""}],
        "unknown_rank": False,
    }
    assert signature["method_name"] == "tensorflow/serving/predict"


def test_many_ask_at_once(account: Account, handled: str) -> None:
    """Whichever process of a host gets a request has the models at hand; each answer comes to who asked."""

    def ask(number: int) -> bytes:
        body = account.runtime.invoke_endpoint(
            EndpointName=handled, CustomAttributes="x", Body=f"{number} 0 0".encode()
        )
        return bytes(body["Body"].read())

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(64)))
    assert answers == [f"total {number}.0 of x for application/json".encode() for number in range(64)]


def test_what_is_no_http_is_refused(account: Account, handled: str, embedded: Gateway) -> None:
    """A host refuses it and hangs up, and goes on with everybody else's requests."""
    answered = set()
    for port in _ports(embedded, handled):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(_PING)
            answered.add(connection.recv(12)[-3:])
            connection.sendall(b"no HTTP at all\r\n\r\n")
            assert b"HTTP/1.1 400 " in connection.makefile("rb").read()
    assert b"200" in answered  # TensorFlow Serving's address knows no /ping
    assert account.runtime.invoke_endpoint(EndpointName=handled, Body=b"1 2 3")["Body"].read()


def test_each_of_several_requests_is_answered(handled: str, embedded: Gateway) -> None:
    """A caller who asks on before it has its answer gets one to each of the requests."""
    for port in _ports(embedded, handled):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(_PING * 2 + _PING.replace(b"host:", b"connection: close\r\nhost:"))
            assert connection.makefile("rb").read().count(b"HTTP/1.1 ") == 3


def test_processes_share_the_connections(handled: str, embedded: Gateway) -> None:
    """A host's processes have as many callers each, or one would answer later than the other."""
    shared = [port for port in _ports(embedded, handled) if len(_callers(embedded, handled, port)) == 3]
    assert len(shared) == 1  # two processes answer there, and the third one started them
    callers = [socket.create_connection(("127.0.0.1", shared[0])) for _ in range(24)]
    for caller in callers:
        caller.sendall(_PING)
        assert caller.recv(100).startswith(b"HTTP/1.1 200 ")
    _, fewer, more = sorted(_callers(embedded, handled, shared[0]))
    assert fewer + more >= 24
    assert fewer >= 12
    for caller in callers:
        caller.close()


def test_a_handlers_error_is_the_models(account: Account, handled: str) -> None:
    """What a handler raises is the model's own 500, and its traceback is in the endpoint's log."""
    with pytest.raises(account.runtime.exceptions.ModelError) as refused:
        account.runtime.invoke_endpoint(EndpointName=handled, ContentType="text/boom", Body=b"")
    assert refused.value.response["OriginalStatusCode"] == 500
    assert json.loads(refused.value.response["OriginalMessage"]) == {"error": "no such thing"}
    group = f"/aws/sagemaker/Endpoints/{handled}"
    until(lambda: any("ValueError: no such thing" in line for line in account.lines(group, "v0/i-")))


def test_a_refusal_passes_by_the_output_handler(account: Account, handled: str) -> None:
    """What TensorFlow Serving refuses goes to the caller with its status, if the caller accepts JSON."""
    call = {"EndpointName": handled, "ContentType": "text/x-numbers", "Body": b"1 2"}
    with pytest.raises(account.runtime.exceptions.ModelError) as refused:
        account.runtime.invoke_endpoint(**call)
    assert refused.value.response["OriginalStatusCode"] == 400
    document = json.loads(refused.value.response["OriginalMessage"])
    assert document.keys() == {"title", "description"}
    assert document["title"] == "400 Bad Request"
    assert "Cannot feed value of shape (1, 2)" in json.loads(document["description"])["error"]
    with pytest.raises(account.runtime.exceptions.ModelError) as refused:
        account.runtime.invoke_endpoint(**call, Accept="text/plain")
    assert (refused.value.response["OriginalStatusCode"], refused.value.response["OriginalMessage"]) == (400, "")


def test_handlers_are_held_to_what_the_container_takes(account: Account, handled: str) -> None:
    """An attribute that it refuses is the caller's error; an answer that is neither text nor bytes the server's."""
    call = {"EndpointName": handled, "ContentType": "text/x-numbers", "Body": b"1 2 3"}
    with pytest.raises(account.runtime.exceptions.ModelError) as refused:
        account.runtime.invoke_endpoint(**call, CustomAttributes="tfs-method=delete")
    assert refused.value.response["OriginalStatusCode"] == 400
    message = "invalid tfs-method: must be one of predict|classify|regress"
    assert json.loads(refused.value.response["OriginalMessage"]) == {"error": message}
    with pytest.raises(account.runtime.exceptions.ModelError) as failed:
        account.runtime.invoke_endpoint(**call, CustomAttributes="unwritten")
    assert failed.value.response["OriginalStatusCode"] == 500


@pytest.mark.parametrize(
    ("model", "script", "logged"),
    [
        (False, b"", "no SavedModel bundles found!"),
        (True, b"def input_handler(data, context): ...", "Handlers are not implemented correctly in user script."),
    ],
)
def test_a_model_that_does_not_load_fails_the_endpoint(
    account: Account, *, model: bool, script: bytes, logged: str
) -> None:
    """An endpoint whose host does not come up is Failed with AWS's reason, and the cause is in its log."""
    files = {**({"1/saved_model.pb": b""} if model else {}), "code/inference.py": script}
    name = account.endpoint(account.config(account.model(files)))
    answer = account.sagemaker.describe_endpoint(EndpointName=name)
    assert answer["EndpointStatus"] == "Failed"
    assert answer["FailureReason"] == (
        "The primary container for production variant v0 did not pass the ping health check. "
        "Please check CloudWatch logs for this endpoint."
    )
    group = f"/aws/sagemaker/Endpoints/{name}"
    until(lambda: any(logged in line for line in account.lines(group, "v0/i-")))
    with pytest.raises(account.runtime.exceptions.ValidationError):
        account.invoke(name, {"instances": ROWS})


def test_an_archive_cannot_leave_its_folder(account: Account) -> None:
    """An artifact with a member outside its folder fails the endpoint and writes nothing there."""
    name = account.endpoint(account.config(account.model({"../../escaped.txt": b"x"})))
    reason = account.sagemaker.describe_endpoint(EndpointName=name)["FailureReason"]
    assert reason.startswith("Failed to extract model data archive")
    assert "escaped.txt" in reason


@pytest.mark.parametrize(
    "form", ["https://{}.s3.amazonaws.com/{}", "https://s3.us-east-1.amazonaws.com/{}/{}", "s3://{}/{}"]
)
def test_a_model_needs_its_data(account: Account, form: str) -> None:
    """Model data that are not there, or that the role may not read, are refused at CreateModel in AWS's words."""
    container = {"Image": INFERENCE_IMAGE, "ModelDataUrl": form.format(BUCKET, "models/none.tar.gz")}
    create = {"ModelName": "hollow", "PrimaryContainer": container, "ExecutionRoleArn": account.role}
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        account.sagemaker.create_model(**create)
    error = refused.value.response["Error"]
    assert error == {
        "Code": "ValidationException",
        "Message": f"Could not find model data at {container['ModelDataUrl']}.",
    }
    container["ModelDataUrl"] = form.format(BUCKET, f"models/{account.model({})}/model.tar.gz")
    nobody = f"{account.role}-of-nobody"
    with pytest.raises(botocore.exceptions.ClientError, match=f"Could not access model data at .*{nobody}"):
        account.sagemaker.create_model(**{**create, "ExecutionRoleArn": nobody})
    account.sagemaker.create_model(**create)
    account.sagemaker.delete_model(ModelName="hollow")


def test_what_is_no_place_in_s3(account: Account) -> None:
    """AWS's pattern lets any https address through; one that is not S3's is refused by its member."""
    container = {"Image": INFERENCE_IMAGE, "ModelDataUrl": "https://example.com/model.tar.gz"}
    with pytest.raises(botocore.exceptions.ClientError, match=r"primaryContainer\.modelDataUrl.* is no place in S3"):
        account.sagemaker.create_model(ModelName="far", PrimaryContainer=container, ExecutionRoleArn=account.role)


def test_an_unknown_image_fails_the_endpoint(account: Account) -> None:
    """An image that does not exist fails the endpoint in AWS's words."""
    image = "000000000000.dkr.ecr.us-east-1.amazonaws.com/mine:1.0"
    name = account.endpoint(account.config(account.model(answering(), image=image)))
    reason = account.sagemaker.describe_endpoint(EndpointName=name)["FailureReason"]
    assert reason.startswith("Please make sure all images included in the model for the production variant v0 exist")
    assert "--containers docker" in reason


def test_changes_under_load_without_losing_a_request(account: Account, client: Any) -> None:
    """An update switches to the new model while requests go on: each is answered, by the old model or the new one.

    An update that fails then leaves the endpoint serving what it served, with the reason.
    """
    first, second = (account.config(account.model(answering(factor))) for factor in (1.0, 2.0))
    name = account.endpoint(first)
    runtime = client("sagemaker-runtime")
    answers: list[float] = []
    failures: list[Exception] = []
    enough = threading.Event()

    def load() -> None:
        while not enough.is_set():
            try:
                body = runtime.invoke_endpoint(
                    EndpointName=name, ContentType="application/json", Body=b'{"instances": [[1, 1, 1]]}'
                )["Body"]
                answers.append(json.loads(body.read())["predictions"][0][0])
            except botocore.exceptions.ClientError as error:
                failures.append(error)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    account.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=second)
    assert account.settled(name)["EndpointConfigName"] == second
    until(lambda: answers[-1] == 6.0)
    time.sleep(0.5)
    enough.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert set(answers) == {3.0, 6.0}

    with pytest.raises(
        botocore.exceptions.ClientError, match=f'with the currently in use endpoint configuration "{second}"'
    ):
        account.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=second)
    broken = account.config(account.model({"readme.txt": b"no model"}))
    account.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=broken)
    rolled_back = account.settled(name)
    assert (rolled_back["EndpointStatus"], rolled_back["EndpointConfigName"]) == ("InService", second)
    assert "did not pass the ping health check" in rolled_back["FailureReason"]
    assert account.invoke(name, {"instances": [[1, 1, 1]]}) == {"predictions": [[6.0]]}


def test_a_host_that_dies_comes_back_and_delete_ends_it(account: Account, handled: str, embedded: Gateway) -> None:
    """A killed host is started again, its requests get ModelError meanwhile; delete ends its processes."""
    assert len(_hosts(embedded, handled)) == 4  # three for two workers, one for one
    for host in _hosts(embedded, handled):
        with suppress(psutil.NoSuchProcess):  # the first one's end is the others'
            host.kill()
    call = {"EndpointName": handled, "Body": b"1 2 3"}

    def answered() -> bool:
        try:
            return bool(account.runtime.invoke_endpoint(**call)["Body"].read())
        except account.runtime.exceptions.ModelError as error:
            return bool(error.response["OriginalStatusCode"] != 0)

    until(answered)
    account.sagemaker.delete_endpoint(EndpointName=handled)
    account.sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=handled, WaiterConfig={"Delay": 1})
    assert _hosts(embedded, handled) == []


@pytest.mark.parametrize("image", ["docker.io/library/python:3.12", "public.ecr.aws/deep-learning-containers/a:1", "a"])
def test_a_model_s_image_is_in_ecr(account: Account, image: str) -> None:
    """A private registry's: AWS says so when the model is created."""
    said = f'Using non-ECR image "{image}" without Vpc repository access mode is not supported.'
    with pytest.raises(botocore.exceptions.ClientError, match=said):
        account.sagemaker.create_model(
            ModelName="elsewhere", PrimaryContainer={"Image": image}, ExecutionRoleArn=account.role
        )


def _hosts(embedded: Gateway, endpoint: str) -> list[psutil.Process]:
    """The host processes of an endpoint."""
    found = []
    for process in psutil.Process(embedded.pid).children(recursive=True):
        try:
            command = process.cmdline()
        except psutil.NoSuchProcess:  # it has ended meanwhile
            continue
        if any(f"/endpoints/{endpoint}/" in part for part in command) and "supervise.py" not in " ".join(command):
            found += [process, *process.children(recursive=True)]  # in a sandbox only bubblewrap names the folder
    return [each for each in dict.fromkeys(found) if each.is_running() and each.name() != "bwrap"]


def _callers(embedded: Gateway, endpoint: str, port: int) -> list[int]:
    """How many connections each of the processes has that listen on a port."""
    connections = [
        [one for one in host.net_connections("tcp") if one.laddr.port == port] for host in _hosts(embedded, endpoint)
    ]
    return [
        sum(one.status == psutil.CONN_ESTABLISHED for one in each)
        for each in connections
        if any(one.status == psutil.CONN_LISTEN for one in each)
    ]


def _ports(embedded: Gateway, endpoint: str) -> set[int]:
    """Where the hosts of an endpoint listen."""
    connections = [one for host in _hosts(embedded, endpoint) for one in host.net_connections("tcp")]
    return {one.laddr.port for one in connections if one.status == psutil.CONN_LISTEN}
