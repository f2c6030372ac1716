"""XGBoost trains as AWS's container does: in every format, as well as the library itself, and fails in its words."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import botocore.exceptions
import pytest

from tests.embedded_aws.account import BUCKET, Account, files_of, needs_sandbox, until
from tests.embedded_aws.algorithms import wire, xgboost_image
from tests.embedded_aws.algorithms.xgboost_image import IMAGE, channels

if TYPE_CHECKING:
    from pathlib import Path

Judged = tuple[Account, dict[str, dict[str, Any]], dict[str, float]]
GROUP = "/aws/sagemaker/TrainingJobs"
SETS = f"s3://{BUCKET}/sets"
REGRESSION = {"objective": "reg:squarederror", "num_round": "25", "max_depth": "3", "eta": "0.2"}
BINARY = {
    "objective": "binary:logistic",
    "num_round": "40",
    "max_depth": "4",
    "eval_metric": "accuracy,logloss",
    "early_stopping_rounds": "10",
}
CLASSES = {"objective": "multi:softprob", "num_class": "10", "num_round": "20", "eval_metric": "merror"}
# The model as its user loads it, its error on the held out rows, and what the library makes of the same data by itself.
_CHECK = """
import io, json, sys
import numpy as np, xgboost as xgb
file, name, parameters, rounds = sys.argv[1:]
train, held_out = (np.loadtxt(f"{file}/{each}.csv", delimiter=",") for each in ("train", "validation"))
model = xgb.Booster(model_file=f"{file}/xgboost-model")
rows = xgb.DMatrix(held_out[:, 1:])
own = xgb.train({**json.loads(parameters), "nthread": 1}, xgb.DMatrix(train[:, 1:], label=train[:, 0]), int(rounds))
answers, others = model.predict(rows), own.predict(rows)
classes = answers.argmax(axis=1) if answers.ndim > 1 else answers > 0.5
error = np.mean((answers - held_out[:, 0]) ** 2) ** 0.5 if name == "diabetes" else np.mean(classes != held_out[:, 0])
print(json.dumps({"error": float(error), "apart": float(np.abs(answers - others).max())}))
"""


def inputs(name: str, form: str, content_type: str | None = None) -> list[dict[str, Any]]:
    """Return both channels of a data set in a format."""
    return channels(
        content_type,
        train=f"{SETS}/{name}/train.{form}",
        validation=f"{SETS}/{name}/validation.{form}",
    )


@pytest.fixture(scope="module")
def trained(account: Account, scores: dict[str, float]) -> dict[str, dict[str, Any]]:
    """Jobs of each objective and format that have completed, by the data's names."""
    assert scores
    names = {
        "diabetes": xgboost_image.start(account, REGRESSION, inputs("diabetes", "csv", "text/csv")),
        "breast_cancer": xgboost_image.start(account, BINARY, inputs("breast_cancer", "libsvm")),
        "digits": xgboost_image.start(account, CLASSES, inputs("digits", "parquet", "application/x-parquet")),
    }
    ended = {name: account.end_of(job) for name, job in names.items()}
    assert {job["TrainingJobStatus"] for job in ended.values()} == {"Completed"}, [
        job.get("FailureReason") for job in ended.values()
    ]
    return ended


@pytest.fixture
def judged(account: Account, trained: dict[str, dict[str, Any]], scores: dict[str, float]) -> Judged:
    """Return what a job is judged by: the account, the jobs, and scikit-learn's errors."""
    return account, trained, scores


def checked(account: Account, folder: Path, job: dict[str, Any], name: str, own: dict[str, Any]) -> Any:
    """Return the error of a job's model, and how far it is from the library's own with these parameters."""
    artifact = job["ModelArtifacts"]["S3ModelArtifacts"]
    (folder / "xgboost-model").write_bytes(files_of(account.get(artifact))["xgboost-model"])
    for each in ("train", "validation"):
        (folder / f"{each}.csv").write_bytes(account.get(f"{SETS}/{name}/{each}.csv"))
    rounds = job["HyperParameters"]["num_round"]
    return xgboost_image.run(_CHECK, str(folder), name, json.dumps(own), rounds)


@pytest.mark.parametrize(
    ("name", "parameters", "slack"),
    [
        ("diabetes", {"objective": "reg:squarederror", "max_depth": 3, "eta": 0.2}, 1.1),
        ("digits", {"objective": "multi:softprob", "num_class": 10}, 1.5),
    ],
)
def test_is_the_library_itself(
    judged: Judged, tmp_path: Path, name: str, parameters: dict[str, Any], slack: float
) -> None:
    """A user's xgboost.Booster loads the artifact; it answers as the library's own model of the same data does.

    Its error is about scikit-learn's on the same split.
    """
    account, trained, scores = judged
    job = trained[name]
    artifact = job["ModelArtifacts"]["S3ModelArtifacts"]
    assert artifact == f"s3://{BUCKET}/training/{job['TrainingJobName']}/output/model.tar.gz"
    found = checked(account, tmp_path, job, name, parameters)
    assert found["apart"] < 1e-4 * (1 if name == "digits" else 300)
    assert found["error"] < slack * scores[name]


def test_classifies_with_early_stopping(judged: Judged, tmp_path: Path) -> None:
    """Of libsvm, which needs no content type; it stops when the last of eval_metric gets no better."""
    account, trained, scores = judged
    job = trained["breast_cancer"]
    found = checked(account, tmp_path, job, "breast_cancer", {"objective": "binary:logistic"})
    assert found["error"] <= scores["breast_cancer"] + 0.03
    final = {each["MetricName"]: each["Value"] for each in job["FinalMetricDataList"]}
    assert final.keys() == {f"{data}:{name}" for data in ("train", "validation") for name in ("accuracy", "logloss")}
    assert 0.9 < final["validation:accuracy"] < 1
    rounds = sum("#011validation-logloss:" in line for line in account.lines(GROUP, job["TrainingJobName"]))
    assert 10 < rounds <= 40


def test_has_metrics_without_definitions(account: Account, trained: dict[str, dict[str, Any]]) -> None:
    """The log has AWS's lines, Describe the algorithm's definitions, and the values that they find."""
    job = trained["diabetes"]
    lines = account.lines(GROUP, job["TrainingJobName"])
    assert any(line.startswith("[24]#011train-rmse:") and "#011validation-rmse:" in line for line in lines)
    for sentence in (
        "INFO] Running XGBoost Sagemaker in algorithm mode",
        "INFO] Determined delimiter of CSV input is ','",
        "INFO] Single node training.",
        "INFO] Train matrix has 331 rows and 10 columns",
        "INFO] Validation matrix has 111 rows",
    ):
        assert any(line.endswith(sentence) for line in lines), sentence
    definitions = {each["Name"]: each["Regex"] for each in job["AlgorithmSpecification"]["MetricDefinitions"]}
    number = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"
    assert definitions["validation:rmse"] == rf".*\[[0-9]+\].*#011validation-rmse:{number}.*"
    assert job["AlgorithmSpecification"]["EnableSageMakerMetricsTimeSeries"] is False
    assert {each["MetricName"] for each in job["FinalMetricDataList"]} == {"train:rmse", "validation:rmse"}


def test_refuses_metrics_of_ones_own(account: Account) -> None:
    """A job of AWS's algorithm can't define metrics, in a tuning job neither."""
    with pytest.raises(botocore.exceptions.ClientError, match="You can't override the metric definitions for Amazon"):
        xgboost_image.start(
            account,
            REGRESSION,
            inputs("diabetes", "csv"),
            algorithm={"MetricDefinitions": [{"Name": "validation:rmse", "Regex": "(.)"}]},
        )


@pytest.fixture(scope="module")
def failures(account: Account, scores: dict[str, float]) -> dict[str, str]:
    """The FailureReasons of jobs with mistakes in them, by the mistakes."""
    assert scores
    empty = account.put("mistakes/empty.csv", b"")
    digits = f"{SETS}/digits/train.csv"
    jobs = {
        "hyperparameter": ({**REGRESSION, "bricks": "1"}, inputs("diabetes", "csv", "text/csv")),
        "format": (REGRESSION, inputs("diabetes", "csv")),
        "labels": ({**REGRESSION, "objective": "binary:logistic"}, inputs("diabetes", "csv", "text/csv")),
        "classes": ({**CLASSES, "num_class": "5"}, channels("text/csv", train=digits)),
        "one column": (
            REGRESSION,
            channels("text/csv", train=account.put("mistakes/column.csv", b"price\n1\n2\n3\n")),
        ),
        "empty": (REGRESSION, channels("text/csv", train=empty)),
    }
    names = {mistake: xgboost_image.start(account, *job) for mistake, job in jobs.items()}
    ended = {mistake: account.end_of(name) for mistake, name in names.items()}
    assert {job["TrainingJobStatus"] for job in ended.values()} == {"Failed"}
    return {mistake: job["FailureReason"] for mistake, job in ended.items()}


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        ("hyperparameter", "Extraneous hyperparameter found: bricks"),
        ("format", "is not 'LIBSVM' format. Please ensure the file is in 'LIBSVM' format."),
        ("labels", "XGB train call failed with exception:"),
        ("classes", "label must be discrete values in the range of [0, num_class)."),
        ("one column", "Failed to load csv data with exception:"),
        ("empty", "No data in training channel path /"),
    ],
)
def test_fails_in_awss_words(failures: dict[str, str], mistake: str, sentence: str) -> None:
    """FailureReason has the error as AWS's open containers report it, with the sentence and the exit code."""
    reason = failures[mistake]
    assert reason.startswith("AlgorithmError: framework error: \nTraceback (most recent call last):")
    assert re.search(r"\nsagemaker_algorithm_toolkit\.exceptions\.(UserError|AlgorithmError): ", reason)
    assert sentence in reason
    assert reason.endswith(", exit code: 1")


def test_goes_on_from_a_checkpoint(account: Account, scores: dict[str, float]) -> None:
    """The last five rounds lie in S3; a job that finds them there goes on behind them."""
    assert scores
    request = {"CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/checkpoints"}}
    data = inputs("diabetes", "csv", "text/csv")
    first = account.end_of(xgboost_image.start(account, {**REGRESSION, "num_round": "7"}, data, **request))
    assert first["TrainingJobStatus"] == "Completed", first.get("FailureReason")
    assert account.keys("checkpoints/") == [f"checkpoints/xgboost-checkpoint.{number}" for number in range(2, 7)]
    second = account.end_of(xgboost_image.start(account, {**REGRESSION, "num_round": "9"}, data, **request))
    lines = account.lines(GROUP, second["TrainingJobName"])
    assert sum("#011train-rmse:" in line for line in lines) == 2
    assert any(line.endswith("Resuming from iteration 7") for line in lines)


def test_cross_validates(account: Account, scores: dict[str, float]) -> None:
    """_kfold leaves a model of each fold, and a prediction for each row of both channels."""
    assert scores
    job = {**BINARY, "num_round": "3", "eval_metric": "error", "_kfold": "3"}
    ended = account.end_of(xgboost_image.start(account, job, inputs("breast_cancer", "csv", "text/csv")))
    artifact = ended["ModelArtifacts"]["S3ModelArtifacts"]
    assert sorted(files_of(account.get(artifact))) == ["xgboost-model-0", "xgboost-model-1", "xgboost-model-2"]
    rows = files_of(account.get(artifact.replace("model.tar", "output.tar")))["predictions.csv"].decode().splitlines()
    right = sum(row.split(",")[0] == row.split(",")[2] for row in rows)
    assert len(rows) == 569
    assert right / len(rows) > 0.9


@needs_sandbox
def test_trains_on_several_hosts(account: Account, scores: dict[str, float]) -> None:
    """Each host has its share of the data; together they make one model, which the first one saves."""
    assert scores
    rows = account.get(f"{SETS}/diabetes/train.csv").splitlines(keepends=True)
    for half in range(2):
        account.put(f"halves/{half}.csv", b"".join(rows[half::2]))
    data = channels("text/csv", train=f"s3://{BUCKET}/halves/")
    data[0]["DataSource"]["S3DataSource"]["S3DataDistributionType"] = "ShardedByS3Key"
    resources = {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
    job = {**REGRESSION, "tree_method": "hist"}
    ended = account.end_of(xgboost_image.start(account, job, data, ResourceConfig=resources))
    assert ended["TrainingJobStatus"] == "Completed", ended.get("FailureReason")
    assert [*files_of(account.get(ended["ModelArtifacts"]["S3ModelArtifacts"]))] == ["xgboost-model"]
    lines = account.lines(GROUP, ended["TrainingJobName"])
    matrices = sorted(line.partition("INFO] ")[2] for line in lines if "Train matrix has" in line)
    assert matrices == ["Train matrix has 165 rows and 10 columns", "Train matrix has 166 rows and 10 columns"]
    last = next(line for line in reversed(lines) if "[24]#011train-rmse:" in line)
    assert float(last.rpartition(":")[2]) < 50


def test_weights_and_folders(account: Account, scores: dict[str, float]) -> None:
    """csv_weights takes the second column for weights; files of a channel's folders are all read."""
    assert scores
    rows = account.get(f"{SETS}/diabetes/train.csv").decode().splitlines()
    weighted = [row.replace(",", f",{number % 3 + 1},", 1) for number, row in enumerate(rows)]
    account.put("weighted/a/rows.csv", "\n".join(weighted[:200]).encode())
    account.put("weighted/rows.csv", "\n".join(weighted[200:]).encode())
    data = channels("text/csv", train=f"s3://{BUCKET}/weighted/")
    job = {**REGRESSION, "num_round": "2", "csv_weights": "1"}
    ended = account.end_of(xgboost_image.start(account, job, data))
    assert ended["TrainingJobStatus"] == "Completed", ended.get("FailureReason")
    assert any(
        line.endswith("Train matrix has 331 rows and 10 columns")
        for line in account.lines(GROUP, ended["TrainingJobName"])
    )


def test_reads_records(account: Account) -> None:
    """Sparse records of recordio-protobuf are rows; their labels are the labels."""
    rows = [{0: 1.0, 2: 2.0}, {1: 0.5}] * 20
    uri = account.put("records/rows.pbr", wire.sparse(rows, 4, [5.0, 1.0] * 20))
    job = {**REGRESSION, "num_round": "20"}
    ended = account.end_of(xgboost_image.start(account, job, channels("application/x-recordio-protobuf", train=uri)))
    assert ended["TrainingJobStatus"] == "Completed", ended.get("FailureReason")
    lines = account.lines(GROUP, ended["TrainingJobName"])
    assert any(line.endswith("Train matrix has 40 rows and 4 columns") for line in lines)
    assert ended["FinalMetricDataList"][0]["Value"] < 0.1


def test_runs_a_script(account: Account, scores: dict[str, float]) -> None:
    """A job that brings a script is run by AWS's toolkit, which knows nothing of algorithm mode."""
    assert scores
    script = b"import xgboost; print('script', xgboost.__version__)"
    name = xgboost_image.start(
        account, {**account.source({"train.py": script}), "bricks": "1"}, inputs("diabetes", "csv")
    )
    ended = account.end_of(name)
    assert ended["TrainingJobStatus"] == "Completed", ended.get("FailureReason")
    assert any(line == "script 3.2.0" for line in account.lines(GROUP, name))


def test_is_tuned(account: Account, scores: dict[str, float]) -> None:
    """A tuning job searches by a metric that nobody had to define, and describes the best."""
    assert scores
    name = "xgboost"
    account.sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig=config("max_depth", "validation:rmse"),
        TrainingJobDefinition=definition(account),
    )

    def ended() -> dict[str, Any] | None:
        answer = account.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        return dict(answer) if answer["HyperParameterTuningJobStatus"] in ("Completed", "Failed") else None

    job = until(ended, 120)
    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 2, "Pending": 0, "Failed": 0}
    best = job["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["MetricName"] == "validation:rmse"
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] < 80


@pytest.mark.parametrize(
    ("hyperparameter", "metric", "sentence"),
    [
        ("num_parallel_tree", "validation:rmse", "The hyperparameter num_parallel_tree can't be tuned with this algor"),
        ("max_depth", "validation:bricks", "A metric is required for this hyperparameter tuning job objective."),
    ],
)
def test_refuses_what_it_can_not_tune(account: Account, hyperparameter: str, metric: str, sentence: str) -> None:
    """Hyperparameters that AWS does not tune, and metrics that the algorithm has not."""
    with pytest.raises(botocore.exceptions.ClientError, match=sentence):
        account.sagemaker.create_hyper_parameter_tuning_job(
            HyperParameterTuningJobName="refused",
            HyperParameterTuningJobConfig=config(hyperparameter, metric),
            TrainingJobDefinition=definition(account),
        )


def config(hyperparameter: str, metric: str) -> dict[str, Any]:
    """Return a tuning job's configuration: two values of a hyperparameter."""
    searched = [{"Name": hyperparameter, "MinValue": "1", "MaxValue": "4"}]
    return {
        "Strategy": "Random",
        "RandomSeed": 3,
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": metric},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2},
        "ParameterRanges": {"IntegerParameterRanges": searched},
    }


def definition(account: Account) -> dict[str, Any]:
    """Return the definition of a tuning job's training jobs."""
    return {
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "RoleArn": account.role,
        "InputDataConfig": inputs("diabetes", "csv", "text/csv"),
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/training"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 120},
        "StaticHyperParameters": {"objective": "reg:squarederror", "num_round": "10", "nthread": "1"},
    }
