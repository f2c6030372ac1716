"""scikit-learn's container answers by the functions of a script, and by its defaults, as AWS's toolkit has it.

aws/sagemaker-scikit-learn-container and aws/sagemaker-containers, with whose own code it answers.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.embedded_aws.account import BUCKET, SCIKIT_LEARN_IMAGE, archive, pull, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.embedded_aws.account import Account

pytestmark = pytest.mark.usefixtures("ended")

# A model in the place of scikit-learn's own, which would say the same of the container.
MODEL = b"""
import pathlib

class Summing:
    def __init__(self, factor):
        self.factor = factor

    def predict(self, rows):
        return self.factor * rows.sum(axis=1)

def model_fn(model_dir):
    return Summing(float(pathlib.Path(model_dir, "factor.txt").read_text()))
"""
OWN = (
    MODEL
    + b"""
import os
from sagemaker_containers.beta.framework import encoders, worker

def input_fn(body, content_type):
    if content_type == "text/kill":
        os._exit(7)
    if content_type != "application/json":
        raise ValueError("only JSON, please")
    return encoders.decode(body, content_type)

def output_fn(prediction, accept):
    text = f"{prediction.tolist()} {type(prediction).__name__} {accept} {os.getpid()}"
    return worker.Response(text, mimetype="text/plain", headers={"X-Amzn-SageMaker-Custom-Attributes": "mine"})
"""
)
TRANSFORMING = (
    MODEL
    + b"""
def transform_fn(model, body, content_type, accept):
    return f"{type(body).__name__} {content_type} {model.factor}", "text/plain"
"""
)
ROWS = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]


def npy(rows: Any) -> bytes:
    """Rows as a NumPy file."""
    buffer = io.BytesIO()
    np.save(buffer, np.array(rows))
    return buffer.getvalue()


def program(name: str, source: str = "/opt/ml/model/code") -> dict[str, str]:
    """The variables that the SageMaker SDK sets for a script."""
    return {"SAGEMAKER_PROGRAM": name, "SAGEMAKER_SUBMIT_DIRECTORY": source, "SAGEMAKER_CONTAINER_LOG_LEVEL": "20"}


@pytest.fixture(scope="module")
def endpoint(account: Account) -> str:
    """An endpoint with three variants.

    v0: defaults, its code in S3. v1: functions of its own in two workers, its code in the model. v2: transform_fn.
    """
    pull(SCIKIT_LEARN_IMAGE)
    factor = {"factor.txt": b"2.0"}
    code = account.put("toolkits/sourcedir.tar.gz", archive({"serve.py": MODEL, "requirements.txt": b"numpy\n"}))
    own, transforming = {"code/inference.py": OWN, **factor}, {"code/inference.py": TRANSFORMING, **factor}
    workers = {"SAGEMAKER_MODEL_SERVER_WORKERS": "2"}
    accept = {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv"}
    return account.endpoint(
        account.config(
            account.model(factor, image=SCIKIT_LEARN_IMAGE, environment={**program("serve.py", code), **accept}),
            account.model(own, image=SCIKIT_LEARN_IMAGE, environment={**program("inference.py"), **workers}),
            account.model(transforming, image=SCIKIT_LEARN_IMAGE, environment=program("inference.py")),
            weights=(1, 0, 0),
        )
    )


@pytest.fixture(scope="module")
def ask(account: Account, endpoint: str) -> Callable[..., tuple[str, bytes]]:
    """Invokes a variant; the content type and the body of its answer."""

    def invoke(body: bytes, content_type: str, *, variant: str = "v0", **request: Any) -> tuple[str, bytes]:
        answer = account.runtime.invoke_endpoint(
            EndpointName=endpoint, Body=body, ContentType=content_type, TargetVariant=variant, **request
        )
        return answer["ContentType"], answer["Body"].read()

    return invoke


@pytest.fixture(scope="module")
def refused(account: Account, ask: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """Invokes a variant that answers an error; that one."""

    def invoke(*request: Any, **more: Any) -> dict[str, Any]:
        with pytest.raises(account.runtime.exceptions.ModelError) as error:
            ask(*request, **more)
        return dict(error.value.response)

    return invoke


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", json.dumps(ROWS).encode()),
        ("text/csv", b"1,2,3\n4,5,6"),
        ("application/x-npy", npy(ROWS)),
    ],
)
def test_defaults_read_json_csv_and_npy(ask: Callable[..., Any], content_type: str, body: bytes) -> None:
    """Whatever the rows come as, the script's model gets an array of them."""
    assert json.loads(ask(body, content_type, Accept="application/json")[1]) == [12.0, 30.0]


def test_defaults_answer_what_is_accepted(ask: Callable[..., Any]) -> None:
    """CSV, a row a line; npy; and without Accept, or for any, what SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT says."""
    body = json.dumps(ROWS).encode()
    csv = ("text/csv; charset=utf-8", b"12.0\n30.0\n")
    assert ask(body, "application/json") == ask(body, "application/json", Accept="*/*") == csv
    content_type, array = ask(body, "application/json", Accept="application/x-npy")
    assert (content_type, np.load(io.BytesIO(array)).tolist()) == ("application/x-npy", [12.0, 30.0])


@pytest.mark.parametrize(
    ("body", "types", "logged"),
    [
        (b"1,2,3", ("text/plain", "text/csv"), "Content type text/plain is not supported by this framework."),
        (b"[[1]]", ("application/json", "image/png"), "Content type image/png is not supported by this framework."),
        (b"", ("application/json", "text/csv"), "Expecting value: line 1 column 1 (char 0)"),
        (b"a,b,c", ("text/csv", "text/csv"), "could not convert string to float"),
        (b"5", ("application/json", "text/csv"), "axis 1 is out of bounds"),
    ],
)
def test_what_defaults_can_not_read(
    account: Account, refused: Callable[..., dict[str, Any]], body: bytes, types: tuple[str, str], logged: str
) -> None:
    """The caller sees Flask's page and nothing of the reason (sagemaker-python-sdk#2067); the log has the traceback."""
    content_type, accept = types
    error = refused(body, content_type, Accept=accept)
    assert error["OriginalStatusCode"] == 500
    assert "<h1>Internal Server Error</h1>" in error["OriginalMessage"]
    group = error["LogStreamArn"].rpartition(":")[2]
    until(lambda: any(logged in line for line in account.lines(group, "v0/")))


def test_functions_of_the_script(account: Account, endpoint: str, ask: Callable[..., Any]) -> None:
    """Its own input_fn and output_fn are used, with the toolkit's Response, which may have headers too."""
    answer = account.runtime.invoke_endpoint(
        EndpointName=endpoint, Body=b"[[1, 2]]", ContentType="application/json", Accept="my/own", TargetVariant="v1"
    )
    text = answer["Body"].read().decode()
    assert text.startswith("[6.0] ndarray my/own ")
    assert (answer["ContentType"], answer["CustomAttributes"]) == ("text/plain; charset=utf-8", "mine")
    assert ask(b"raw", "my/own", variant="v2") == ("text/plain; charset=utf-8", b"bytes my/own 2.0")


def test_what_a_function_raises(account: Account, endpoint: str, refused: Callable[..., dict[str, Any]]) -> None:
    """An error of the script's own is the same page; its message is in the log."""
    assert refused(b"", "text/csv", variant="v1")["OriginalStatusCode"] == 500
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    until(lambda: any("only JSON, please" in line for line in account.lines(group, "v1/")))


def test_a_worker_that_dies_is_replaced(ask: Callable[..., Any], refused: Callable[..., dict[str, Any]]) -> None:
    """Whoever asked it gets nginx's page; the other worker, then a new one, answer who comes next."""

    def worker() -> str:
        return str(ask(b"[[1, 2]]", "application/json", variant="v1")[1].split()[-1])

    before = {worker() for _ in range(4)}
    assert len(before) == 2
    for _ in before:
        error = refused(b"", "text/kill", variant="v1")
        assert (error["OriginalStatusCode"], "502 Bad Gateway" in error["OriginalMessage"]) == (502, True)
    assert worker() not in before


def test_a_host_that_does_not_load(account: Account) -> None:
    """The endpoint fails at the ping health check, at once; why is in its log."""
    broken = {
        "ModuleNotFoundError: No module named 'torch'": (b"import torch\n", program("inference.py")),
        "no such file": (b"def model_fn(model_dir):\n    raise OSError('no such file')\n", program("inference.py")),
        "Please provide a model_fn implementation.": (b"", program("inference.py")),
        "Cannot use transform_fn implementation with input_fn": (
            TRANSFORMING + b"def input_fn(body, content_type): pass\n",
            program("inference.py"),
        ),
        "SAGEMAKER_PROGRAM is missing in the model's Environment": (MODEL, {}),
    }
    names = []
    for number, (code, environment) in enumerate(broken.values()):
        files = {"code/inference.py": code, "factor.txt": b"1"}
        config = account.config(account.model(files, image=SCIKIT_LEARN_IMAGE, environment=environment))
        names.append(f"broken-{number}")
        account.sagemaker.create_endpoint(EndpointName=names[-1], EndpointConfigName=config)
    for name, logged in zip(names, broken, strict=True):
        reason = account.settled(name)["FailureReason"]
        assert "did not pass the ping health check" in reason
        assert any(logged in line for line in account.lines(f"/aws/sagemaker/Endpoints/{name}")), logged


def test_many_models(account: Account) -> None:
    """A multi-model endpoint has each model in a worker of its own, by the one script that the environment names.

    What goes wrong is answered by the toolkit of those: the message and the traceback.
    """
    for factor in (1, 2):
        account.put(f"toolkits/many/{factor}.tar.gz", archive({"factor.txt": str(factor).encode()}))
    account.put("toolkits/many/hollow.tar.gz", archive({"readme.txt": b""}))
    code = account.put("toolkits/many.tar.gz", archive({"serve.py": MODEL}))
    container = {
        "Image": SCIKIT_LEARN_IMAGE,
        "Mode": "MultiModel",
        "ModelDataUrl": f"s3://{BUCKET}/toolkits/many/",
        "Environment": program("serve.py", code),
    }
    account.sagemaker.create_model(ModelName="many-sums", PrimaryContainer=container, ExecutionRoleArn=account.role)
    endpoint = account.endpoint(account.config("many-sums"))
    sums = [account.invoke(endpoint, [1, 2, 3], TargetModel=f"{factor}.tar.gz") for factor in (1, 2, 1)]
    assert sums == [[6.0], [12.0], [6.0]]
    for target, content_type, message in (
        ("hollow.tar.gz", "application/json", '"message": "Failed to start workers"'),
        ("1.tar.gz", "text/plain", "Content type text/plain is not supported by this framework."),
    ):
        with pytest.raises(account.runtime.exceptions.ModelError) as error:
            account.runtime.invoke_endpoint(
                EndpointName=endpoint, Body=b"1,2", ContentType=content_type, TargetModel=target
            )
        assert error.value.response["OriginalStatusCode"] == 500
        assert message in error.value.response["OriginalMessage"]


def test_a_batch_transform(account: Account) -> None:
    """A batch is asked of the same defaults, a line of CSV a row."""
    model = account.model(
        {"code/inference.py": MODEL, "factor.txt": b"2"}, image=SCIKIT_LEARN_IMAGE, environment=program("inference.py")
    )
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": account.put("toolkits/rows.csv", b"1,2,3\n4,5,6\n")}}
    account.sagemaker.create_transform_job(
        TransformJobName="toolkits",
        ModelName=model,
        TransformInput={"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/toolkits/out", "Accept": "text/csv", "AssembleWith": "None"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )

    def ended() -> str | None:
        status = str(account.sagemaker.describe_transform_job(TransformJobName="toolkits")["TransformJobStatus"])
        return status if status in ("Completed", "Failed") else None

    assert until(ended) == "Completed", account.printed("/aws/sagemaker/TransformJobs", "toolkits")
    assert account.get(f"s3://{BUCKET}/toolkits/out/rows.csv.out") == b"12.0\n30.0\n"
