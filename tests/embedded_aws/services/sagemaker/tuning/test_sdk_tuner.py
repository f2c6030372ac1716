"""The SDK's HyperparameterTuner, unmodified, over training jobs of another framework's image."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.embedded_aws.account import BUCKET, SCIKIT_LEARN_IMAGE, Account, pull
from tests.embedded_aws.services.sagemaker.tuning.test_tuning import SCRIPT, end_of, jobs

if TYPE_CHECKING:
    from pathlib import Path

    from embedded_aws.gateway import Gateway

SDK = """
import json, logging, os, sys
os.environ["SAGEMAKER_VALIDATE_ROLE"] = "false"
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.parameter import ContinuousParameter
from sagemaker.core.shapes import OutputDataConfig
from sagemaker.core.training.configs import Compute, SourceCode, StoppingCondition
from sagemaker.train import ModelTrainer
from sagemaker.train.tuner import HyperparameterTuner

bucket, role, image, code = sys.argv[1:]
trainer = ModelTrainer(
    sagemaker_session=Session(default_bucket=bucket), role=role, training_image=image,
    source_code=SourceCode(source_dir=code, entry_script="train.py"), hyperparameters={"pause": "0"},
    compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=5),
    stopping_condition=StoppingCondition(max_runtime_in_seconds=120),
    output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/sdk"),
)
tuner = HyperparameterTuner(
    trainer, "score", {"rate": ContinuousParameter(0.1, 0.9)}, [{"Name": "score", "Regex": "score=([0-9.eE+-]+)"}],
    max_jobs=2, max_parallel_jobs=2, base_tuning_job_name="sdk", random_seed=1,
)
tuner.tune(wait=True)
best = tuner.best_training_job()
print(json.dumps([tuner.latest_tuning_job.hyper_parameter_tuning_job_name, best]))
"""


def test_the_sagemaker_sdk_tunes_here(account: Account, embedded: Gateway, tmp_path: Path) -> None:
    """The SDK's HyperparameterTuner, unmodified, tunes a script of scikit-learn's image and finds the best."""
    pull(SCIKIT_LEARN_IMAGE)
    (tmp_path / "train.py").write_bytes(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SDK, BUCKET, account.role, SCIKIT_LEARN_IMAGE, str(tmp_path)],
        env={**os.environ, **embedded.environment(), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    name, best = json.loads(done.stdout.splitlines()[-1])
    job = end_of(account, name)
    assert job["HyperParameterTuningJobStatus"] == "Completed", jobs(account, name)
    assert best == job["BestTrainingJob"]["TrainingJobName"]
