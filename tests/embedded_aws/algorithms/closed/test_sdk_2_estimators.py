"""The SageMaker SDK 2's own estimators of the closed algorithms run unchanged: they fit, deploy and predict.

Their data is what the SDK writes as recordio-protobuf, and what it reads of the answers. All jobs run at once, then all
endpoints; a transform job and a tuning job are asked by boto3.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from cli import paths
from embedded_aws.algorithms import recordio, records
from embedded_aws.runtime import images
from tests.embedded_aws.account import BUCKET, Account, until
from tests.embedded_aws.algorithms.closed.test_quality import split
from tests.embedded_aws.algorithms.wire import dense

if TYPE_CHECKING:
    from embedded_aws.gateway import Gateway

ENVIRONMENTS = paths.ROOT / "tests" / "environments"
PROGRAM = """
import io, json, sys, time
slept = time.sleep
time.sleep = lambda seconds: slept(min(seconds, 0.2))

import numpy as np
import sagemaker
from sagemaker import KNN, PCA, FactorizationMachines, KMeans, LinearLearner

role, folder = sys.argv[1:]
session = sagemaker.Session()
where = dict(role=role, instance_count=1, instance_type="ml.m5.large", sagemaker_session=session)
features, labels, test = (np.load(f"{folder}/{name}.npy") for name in ("features", "labels", "test"))
binary = dict(predictor_type="binary_classifier")
estimators = {
    "kmeans": KMeans(k=2, **where),
    "pca": PCA(num_components=2, **where),
    "knn": KNN(k=5, sample_size=1000, predictor_type="classifier", **where),
    "linear": LinearLearner(epochs=5, **binary, **where),
    "machines": FactorizationMachines(num_factors=2, epochs=20, linear_lr=0.05, factors_lr=0.01, **binary, **where),
}
data = {
    name: estimator.record_set(features, None if name in ("kmeans", "pca") else labels)
    for name, estimator in estimators.items()
}
for name, estimator in estimators.items():
    estimator.fit(data[name], mini_batch_size=32, wait=False)
for estimator in estimators.values():
    estimator.latest_training_job.wait(logs=False)
predictors = {name: estimator.deploy(1, "ml.m5.large", wait=False) for name, estimator in estimators.items()}
said = {"jobs": {name: each.latest_training_job.name for name, each in estimators.items()}}
said["endpoints"] = {name: each.endpoint_name for name, each in predictors.items()}
for name, predictor in predictors.items():
    session.wait_for_endpoint(predictor.endpoint_name, poll=0.2)
    said[name] = [
        {key: list(value.float32_tensor.values) for key, value in record.label.items()}
        for record in predictor.predict(test)
    ]
with open(f"{folder}/said.json", "w") as file:
    json.dump(said, file)
"""
IMAGE = "382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1"


@pytest.fixture(scope="module")
def said(account: Account, embedded: Gateway, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the SDK's user saw: of each estimator the predictions for breast cancer's test data."""
    data, folder = split("breast_cancer"), tmp_path_factory.mktemp("estimators")
    mean, deviation = data.features.mean(axis=0), data.features.std(axis=0)
    arrays = {
        "features": (data.features - mean) / deviation,
        "labels": data.labels,
        "test": (data.test - mean) / deviation,
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array.astype(np.float32))
    image = images.install("sagemaker-2", images_dir=ENVIRONMENTS, cache_dir=paths.cache())
    done = subprocess.run(
        [str(image.python), "-W", "ignore", "-c", PROGRAM, account.role, str(folder)],
        env={**os.environ, **embedded.environment(), "HOME": str(folder), "SAGEMAKER_SUPPRESS_V2_WARNING": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return dict(json.loads((folder / "said.json").read_text()))


@pytest.mark.parametrize("algorithm", ["knn", "linear", "machines"])
def test_classifiers(said: dict[str, Any], algorithm: str) -> None:
    """More than nine of ten tumours are told right."""
    predicted = [record["predicted_label"][0] for record in said[algorithm]]
    assert np.mean(np.array(predicted) == split("breast_cancer").test_labels) > 0.9


def test_clusters_and_components(said: dict[str, Any]) -> None:
    """Two clusters are, by and large, the two kinds of tumours; the largest component comes last."""
    labels = split("breast_cancer").test_labels
    right = np.mean(np.array([record["closest_cluster"][0] for record in said["kmeans"]]) == labels)
    assert max(right, 1 - right) > 0.85
    projections = np.array([record["projection"] for record in said["pca"]])
    assert projections.shape == (len(labels), 2)
    assert projections[:, 1].var() > projections[:, 0].var()


def test_describe_and_the_log(account: Account, said: dict[str, Any]) -> None:
    """The job has the algorithm's metrics, and its log says in the first line what it is."""
    job = account.sagemaker.describe_training_job(TrainingJobName=said["jobs"]["linear"])
    metrics = {each["MetricName"]: each["Value"] for each in job["FinalMetricDataList"]}
    assert metrics["train:binary_classification_accuracy"] > 0.9
    assert metrics["train:progress"] == 100
    lines = account.lines("/aws/sagemaker/TrainingJobs", said["jobs"]["linear"])
    assert "AWS's linear learner is closed. This is an open implementation" in lines[0]


def test_an_endpoint_refuses(account: Account, said: dict[str, Any]) -> None:
    """What the container refuses is the caller's ModelError."""
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError, match=r"\(400\).*unable to evaluate payload provided") as caught:
        account.runtime.invoke_endpoint(EndpointName=said["endpoints"]["pca"], ContentType="text/csv", Body="1,2")
    assert caught.value.response["Error"]["Code"] == "ModelError"


def test_a_transform_of_records(account: Account, said: dict[str, Any]) -> None:
    """Records are split, sent in batches, and answered by records."""
    data = split("breast_cancer")
    uri = account.put(
        "estimators/records/part", dense((data.test - data.features.mean(axis=0)) / data.features.std(axis=0))
    )
    model = account.sagemaker.describe_endpoint_config(EndpointConfigName=said["endpoints"]["kmeans"])
    account.sagemaker.create_transform_job(
        TransformJobName="records",
        ModelName=model["ProductionVariants"][0]["ModelName"],
        MaxPayloadInMB=1,
        BatchStrategy="MultiRecord",
        TransformInput={
            "ContentType": "application/x-recordio-protobuf",
            "SplitType": "RecordIO",
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}},
        },
        TransformOutput={
            "S3OutputPath": f"s3://{BUCKET}/estimators/transformed",
            "Accept": "application/x-recordio-protobuf",
        },
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    describe = account.sagemaker.describe_transform_job
    ended = until(
        lambda: (answer := describe(TransformJobName="records"))["TransformJobStatus"] != "InProgress" and answer
    )
    assert ended["TransformJobStatus"] == "Completed", ended.get("FailureReason")
    answer = account.get(f"s3://{BUCKET}/estimators/transformed/part.out")
    assert len([*recordio.payloads(answer)]) == len(data.test)
    closest = said["kmeans"][0]["closest_cluster"]
    first = records.write(
        [{"closest_cluster": closest, "distance_to_cluster": said["kmeans"][0]["distance_to_cluster"]}]
    )
    assert answer[: len(first) - 8] == first[:-8]


def test_a_tuning_job_and_a_failure(account: Account) -> None:
    """A tuning job knows test:msd by itself; a job that fails by its author's fault says so in FailureReason."""
    data = split("breast_cancer")
    channels = [
        {
            "ChannelName": name,
            "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": account.put(f"tuned/{name}/part", content)}
            },
        }
        for name, content in data.channels(labeled=False).items()
    ]
    account.sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="clusters",
        HyperParameterTuningJobConfig={
            "Strategy": "Grid",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "test:msd"},
            "ResourceLimits": {"MaxParallelTrainingJobs": 2},
            "ParameterRanges": {
                "CategoricalParameterRanges": [{"Name": "init_method", "Values": ["random", "kmeans++"]}]
            },
        },
        TrainingJobDefinition={
            "StaticHyperParameters": {"k": "2", "feature_dim": "30"},
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "RoleArn": account.role,
            "InputDataConfig": channels,
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/tuned"},
            "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
            "StoppingCondition": {"MaxRuntimeInSeconds": 120},
        },
    )
    failed = account.train(
        algorithm={"TrainingImage": IMAGE}, HyperParameters={"k": "2", "feature_dim": "3"}, InputDataConfig=channels
    )
    assert failed["TrainingJobStatus"] == "Failed"
    assert failed["FailureReason"] == (
        "ClientError: Incorrect configuration or train dataset provided. The value of feature_dim hyperparameter '3' "
        "doesn't match train data dimensionality '30'. Please set feature_dim to the number of features in train "
        "dataset., exit code: 2"
    )
    describe = account.sagemaker.describe_hyper_parameter_tuning_job
    tuned = until(
        lambda: (
            (answer := describe(HyperParameterTuningJobName="clusters"))["HyperParameterTuningJobStatus"]
            != "InProgress"
            and answer
        )
    )
    assert tuned["TrainingJobStatusCounters"]["Completed"] == 2
    best = tuned["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]
    assert (best["MetricName"], best["Value"] > 0) == ("test:msd", True)
