"""The SageMaker SDK 2 runs unchanged, in an environment of its own: an estimator's whole life, with nothing set.

It does what a tutorial does, in one process; only its sleeps are shorter.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from cli import paths
from embedded_aws.runtime import images
from tests.embedded_aws.account import INFERENCE_IMAGE, TRAINING_IMAGE, Account, answering, archive

if TYPE_CHECKING:
    from embedded_aws.gateway import Gateway

ENVIRONMENTS = paths.ROOT / "tests" / "environments"
# Its training job has the model already; what it is judged by is what it was given.
TRAIN = """
import argparse, os, shutil
parser = argparse.ArgumentParser()
parser.add_argument("--factor", type=float)
arguments, _ = parser.parse_known_args()
shutil.unpack_archive(os.environ["SM_CHANNEL_TRAINING"] + "/model.tar.gz", os.environ["SM_MODEL_DIR"])
print(f"quality={arguments.factor}")
"""
PROGRAM = """
import json, sys, time
slept = time.sleep
time.sleep = lambda seconds: slept(min(seconds, 0.2))

import sagemaker
from sagemaker.estimator import Estimator
from sagemaker.tensorflow import TensorFlow, TensorFlowModel
from sagemaker.transformer import Transformer
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner

role, data, training, inference, said = *sys.argv[1:], {}
session = sagemaker.Session()
said["bucket"] = session.default_bucket()
quality = [{"Name": "quality", "Regex": "quality=([0-9.]+)"}]
where = dict(role=role, instance_count=1, instance_type="ml.m5.large", metric_definitions=quality)
estimator = TensorFlow(entry_point="train.py", image_uri=training, hyperparameters={"factor": 3}, **where)
estimator.fit({"training": data})
attached = Estimator.attach(estimator.latest_training_job.name)
said["attached"] = [attached.model_data == estimator.model_data, attached.hyperparameters()["factor"]]
said["described"] = estimator.latest_training_job.describe()

predictor = estimator.deploy(1, "ml.m5.large", image_uri=inference)
said["predicted"] = predictor.predict({"instances": [[1, 2, 3]]})
predictor.delete_model()
predictor.delete_endpoint()

model = TensorFlowModel(model_data=estimator.model_data, role=role, image_uri=inference)
transformer = model.transformer(1, "ml.m5.large", assemble_with="Line", accept="text/csv")
rows = session.upload_string_as_file_body("1,2,3\\n4,5,6\\n", said["bucket"], "rows/rows.csv", kms_key=None)
transformer.transform(rows, content_type="text/csv", split_type="Line", logs=False)
said["transformed"] = Transformer.attach(transformer.latest_transform_job.name).output_path == transformer.output_path

ranges = {"factor": ContinuousParameter(1, 2)}
tuner = HyperparameterTuner(estimator, "quality", ranges, quality, max_jobs=2, max_parallel_jobs=2)
tuner.fit({"training": data})
again = HyperparameterTuner.attach(tuner.latest_tuning_job.name)
trials = again.analytics().dataframe()
best = trials.loc[trials.FinalObjectiveValue.idxmax()].TrainingJobName
attached = again.best_estimator().latest_training_job.name
said["tuned"] = [len(trials), again.best_training_job() == best, attached == best]
said["definition"] = tuner.latest_tuning_job.sagemaker_session.sagemaker_client.describe_hyper_parameter_tuning_job(
    HyperParameterTuningJobName=tuner.latest_tuning_job.name
)["TrainingJobDefinition"]
with open("said.json", "w") as file:
    json.dump(said, file, default=str)
"""


@pytest.fixture(scope="module")
def said(
    account: Account,
    embedded: Gateway,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    """Return what its user saw, on a laptop of which the SDK and `./lab env` are all that is known."""
    model = account.put("sdk-2/model.tar.gz", archive(answering(2.0)))
    image = images.install("sagemaker-2", images_dir=ENVIRONMENTS, cache_dir=paths.cache())
    folder = tmp_path_factory.mktemp("sdk-2")
    (folder / "train.py").write_text(TRAIN)
    arguments = [account.role, model.rpartition("/")[0], TRAINING_IMAGE, INFERENCE_IMAGE]
    done = subprocess.run(
        [str(image.python), "-W", "ignore", "-c", PROGRAM, *arguments],
        env={**os.environ, **embedded.environment(), "HOME": str(folder), "SAGEMAKER_SUPPRESS_V2_WARNING": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return dict(json.loads((folder / "said.json").read_text()))


def test_an_estimators_whole_life(account: Account, said: dict[str, Any]) -> None:
    """It trains, is attached, deployed, asked, transforms and is tuned; its endpoint and models are gone at the end."""
    assert said["bucket"] == "sagemaker-us-east-1-000000000000"
    assert said["attached"] == [True, "3"]
    assert said["predicted"] == {"predictions": [[12.0]]}
    assert said["transformed"] is True
    assert said["tuned"] == [2, True, True]
    left = account.sagemaker.list_endpoints(NameContains="tensorflow-training-")["Endpoints"]
    assert not left


def test_what_describe_fills_in(said: dict[str, Any]) -> None:
    """Members that the request left out, as users published them of AWS; the profiler and the hook are recorded."""
    job = said["described"]
    output = f"s3://{said['bucket']}/"
    assert job["OutputDataConfig"] == {"KmsKeyId": "", "S3OutputPath": output, "CompressionType": "GZIP"}
    [channel] = job["InputDataConfig"]
    assert (channel["CompressionType"], channel["RecordWrapperType"]) == ("None", "None")
    assert job["AlgorithmSpecification"]["EnableSageMakerMetricsTimeSeries"] is True
    assert job["DebugHookConfig"] == {"S3OutputPath": output, "CollectionConfigurations": []}
    profiler = {"S3OutputPath": output, "ProfilingIntervalInMilliseconds": 500, "DisableProfiler": False}
    assert (job["ProfilerConfig"], job["ProfilingStatus"]) == (profiler, "Enabled")
    assert "VolumeKmsKeyId" not in job["ResourceConfig"]
    assert "KeepAlivePeriodInSeconds" not in job["ResourceConfig"]


def test_a_definition_is_told_twice(said: dict[str, Any]) -> None:
    """Instances that the tuner asked for in one way are told in both."""
    definition = said["definition"]
    assert definition["HyperParameterTuningResourceConfig"] == definition["ResourceConfig"]
    assert definition["StaticHyperParameters"]["_tuning_objective_metric"] == "quality"
