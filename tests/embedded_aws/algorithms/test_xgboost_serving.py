"""XGBoost's models answer as in AWS's container: formats in and out, chosen answers, mistakes, transform jobs."""

from __future__ import annotations

import json
import os
import uuid
from typing import TYPE_CHECKING, Any

import botocore.exceptions
import pytest

from tests.embedded_aws.account import BUCKET, Account, archive, until
from tests.embedded_aws.algorithms import wire, xgboost_image
from tests.embedded_aws.algorithms.xgboost_image import IMAGE

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [[0.0, 1.0, 0.0], [1.0, 1.0, 1.0], [2.0, 0.0, 1.0], [2.0, 2.0, 0.0]]
CSV = "\n".join(",".join(map(str, row)) for row in ROWS)
LIBSVM = "\n".join(" ".join(f"{column}:{cell}" for column, cell in enumerate(row)) for row in ROWS)
# Models of three features, saved as a job saves them, one pickled as of old; what each answers to the rows.
_MODELS = """
import json, pickle, sys
import numpy as np, xgboost as xgb
folder, rows = sys.argv[1], xgb.DMatrix(json.loads(sys.argv[2]))
random = np.random.default_rng(5)
X = random.random((200, 3)) * 3
y = (X[:, 0] + X[:, 1] * 2 - X[:, 2]).round(2)
labels = {"number": y, "yes_or_no": y > 4, "kind": np.clip(y // 3, 0, 2)}
objectives = {"number": "reg:squarederror", "yes_or_no": "binary:logistic", "kind": "multi:softprob"}
answers = {}
for name, objective in objectives.items():
    config = {"objective": objective, **({"num_class": 3} if name == "kind" else {})}
    model = xgb.train(config, xgb.DMatrix(X, label=labels[name]), 5)
    model.save_model(f"{folder}/{name}")
    answers[name] = model.predict(rows).tolist()
with open(f"{folder}/pickled", "wb") as file:
    pickle.dump(xgb.Booster(model_file=f"{folder}/number"), file)
print(json.dumps(answers))
"""


class Hosted:
    """An endpoint with a variant for each model, and what the library itself answers."""

    def __init__(self, account: Account, folder: Path) -> None:
        self.answers: dict[str, Any] = xgboost_image.run(_MODELS, str(folder), json.dumps(ROWS))
        self._account = account
        self.models = [
            self._model(folder, "number"),
            self._model(folder, "yes_or_no", SAGEMAKER_INFERENCE_OUTPUT="predicted_label, probability,bricks"),
            self._model(folder, "kind", SAGEMAKER_INFERENCE_OUTPUT="predicted_label,labels,probabilities"),
            self._model(folder, "pickled"),
        ]
        config = account.config(*self.models, weights=(1, 1, 1, 1))
        self.name = account.endpoint(config)

    def _model(self, folder: Path, file: str, **environment: str) -> str:
        name = f"model-{uuid.uuid4().hex[:8]}"
        uri = self._account.put(f"models/{name}.tar.gz", archive({"xgboost-model": (folder / file).read_bytes()}))
        container = {"Image": IMAGE, "ModelDataUrl": uri, "Environment": environment}
        account = self._account
        account.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=account.role)
        return name

    def ask(self, body: bytes | str, variant: int = 0, **request: str) -> tuple[str, str]:
        """Return content type and body of an answer."""
        answer = self._account.runtime.invoke_endpoint(
            EndpointName=self.name, TargetVariant=f"v{variant}", Body=body, **request
        )
        return answer["ContentType"], answer["Body"].read().decode()

    def refusal(self, body: bytes | str, variant: int = 0, **request: str) -> tuple[int, str]:
        """Return the container's own status and sentence for a request that fails."""
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            self.ask(body, variant, **request)
        told: Any = caught.value.response
        return told["OriginalStatusCode"], told["OriginalMessage"]


@pytest.fixture(scope="module")
def hosted(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Hosted:
    """Return an endpoint with all models."""
    made = Hosted(account, tmp_path_factory.mktemp("models"))
    state = account.settled(made.name)
    assert state["EndpointStatus"] == "InService", state.get("FailureReason")
    return made


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (CSV, "text/csv"),
        (CSV.replace(",", ";") + "\n", "text/csv; charset=utf-8"),
        (LIBSVM, "text/x-libsvm"),
        (wire.dense(ROWS), "application/x-recordio-protobuf"),
    ],
)
@pytest.mark.parametrize("variant", [0, 3])
def test_reads_every_format(hosted: Hosted, body: str | bytes, content_type: str, variant: int) -> None:
    """The answer is CSV, a line for each row, where no other is asked for; pickled models of old answer too."""
    kind, answer = hosted.ask(body, variant, ContentType=content_type)
    assert kind == "text/csv; charset=utf-8"
    assert [float(line) for line in answer.splitlines()] == pytest.approx(hosted.answers["number"], abs=1e-5)


def test_answers_json(hosted: Hosted) -> None:
    """Each prediction is a score."""
    kind, answer = hosted.ask(CSV, ContentType="text/csv", Accept="application/json")
    assert kind == "application/json"
    scores = [each["score"] for each in json.loads(answer)["predictions"]]
    assert scores == pytest.approx(hosted.answers["number"], abs=1e-5)


def test_answers_what_was_chosen(hosted: Hosted) -> None:
    """SAGEMAKER_INFERENCE_OUTPUT has labels and probabilities answered in its order; what is none of them is nan."""
    _, answer = hosted.ask(CSV, 1, ContentType="text/csv")
    for line, probability in zip(answer.splitlines(), hosted.answers["yes_or_no"], strict=True):
        label, told, bricks = line.split(",")
        assert (int(label), bricks) == (probability > 0.5, "nan")
        assert float(told) == pytest.approx(probability)
    kind, answer = hosted.ask(CSV, 2, ContentType="text/csv", Accept="application/jsonlines")
    assert kind == "application/jsonlines"
    for line, probabilities in zip(answer.splitlines(), hosted.answers["kind"], strict=True):
        told = json.loads(line)
        assert told["probabilities"] == pytest.approx(probabilities)
        assert told["predicted_label"] == probabilities.index(max(probabilities))
        assert told["labels"] == [0, 1, 2]
    _, answer = hosted.ask(CSV, 2, ContentType="text/csv")
    assert '"[0, 1, 2]"' in answer.splitlines()[0]


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "answer"),
    [
        (CSV, "image/png", "", (415, "image/png is not an accepted ContentType: csv, libsvm, parquet, recordio-pro")),
        (CSV, "application/x-parquet", "", (415, "Content-type application/x-parquet is not supported.")),
        ("length,width,height\n1,2,3", "text/csv", "", (415, "Loading csv data failed with Exception, please ensure")),
        ("1,2,3\n1,2", "text/csv", "", (415, "Loading csv data failed with Exception, please ensure data is in csv")),
        (CSV, "text/libsvm", "", (415, "Loading libsvm data failed with Exception, please ensure data is in libsvm")),
        (
            CSV,
            "text/csv",
            "image/png",
            (406, "Accept type image/png is not supported. Please use supported accept typ"),
        ),
        (CSV, "text/csv", "application/jsonlines", (500, "<!doctype html>")),
        (
            "1,2,3,4,5,6",
            "text/csv",
            "",
            (400, "Unable to evaluate payload provided: Feature size of csv inference data"),
        ),
    ],
)
def test_refuses_in_awss_words(
    hosted: Hosted, body: str, content_type: str, accept: str, answer: tuple[int, str]
) -> None:
    """A caller is told the container's own status and sentence."""
    more = {"Accept": accept} if accept else {}
    status, told = hosted.refusal(body, 3, ContentType=content_type, **more)
    assert (status, told[: len(answer[1])]) == answer


def test_an_empty_body_has_no_answer(hosted: Hosted) -> None:
    """The container answers 204, which is no error."""
    assert hosted.ask(b"", ContentType="text/csv")[1] == ""


def test_is_asked_in_batch(account: Account, hosted: Hosted) -> None:
    """A transform job sends as much at once as the container's /execution-parameters say; an answer is a line."""
    uri = account.put("batch/bricks.csv", CSV.encode())
    name = f"transform-{uuid.uuid4().hex[:8]}"
    source = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}
    account.sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName=hosted.models[0],
        TransformInput={**source, "ContentType": "text/csv", "SplitType": "Line"},
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/{name}", "AssembleWith": "Line"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )

    def ended() -> dict[str, Any] | None:
        answer: dict[str, Any] = account.sagemaker.describe_transform_job(TransformJobName=name)
        return answer if answer["TransformJobStatus"] in ("Completed", "Failed") else None

    job = until(ended)
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    lines = account.get(f"s3://{BUCKET}/{name}/bricks.csv.out").decode().split()
    assert [float(line) for line in lines] == pytest.approx(hosted.answers["number"], abs=1e-5)
    (said,) = (line for line in account.lines("/aws/sagemaker/TransformJobs", name) if "MaxPayloadInMB" in line)
    assert said.endswith(f"MaxConcurrentTransforms={os.cpu_count()}, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD")
