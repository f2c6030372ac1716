"""What TensorFlow and the SageMaker SDK do with several hosts; test_hosts.py has what a job of them is."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING

from tests.embedded_aws.account import BUCKET, TRAINING_IMAGE, Account
from tests.embedded_aws.services.sagemaker.endpoints.test_hosts import GROUP, TWO

if TYPE_CHECKING:
    from pathlib import Path

    from embedded_aws.gateway import Gateway

SDK_SCRIPT = """
import os, pathlib, socket
me = os.environ["SM_CURRENT_HOST"]
assert socket.gethostbyname(os.environ["SM_MASTER_ADDR"]) == socket.gethostbyname("algo-1")
pathlib.Path("/opt/ml/checkpoints", me).touch()
if me == "algo-1":
    pathlib.Path("/opt/ml/output/tensorboard/events").touch()
"""
SDK = """
import sys
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.shapes import OutputDataConfig
from sagemaker.core.training.configs import (
    CheckpointConfig, Compute, SourceCode, StoppingCondition, TensorBoardOutputConfig
)
from sagemaker.train import ModelTrainer

bucket, role, image, code, name = sys.argv[1:]
place = f"s3://{bucket}/{name}"
quiet = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}
trainer = ModelTrainer(
    sagemaker_session=Session(default_bucket=bucket, sagemaker_config=quiet),
    role=role, training_image=image, base_job_name=name,
    source_code=SourceCode(source_dir=code, entry_script="train.py"),
    compute=Compute(
        instance_type="ml.m5.large", instance_count=2, volume_size_in_gb=5, enable_managed_spot_training=True
    ),
    stopping_condition=StoppingCondition(max_runtime_in_seconds=60, max_wait_time_in_seconds=90),
    checkpoint_config=CheckpointConfig(s3_uri=f"{place}/checkpoints"),
    output_data_config=OutputDataConfig(s3_output_path=f"{place}/output"),
).with_tensorboard_output_config(TensorBoardOutputConfig(s3_output_path=f"{place}/logs"))
trainer.train(wait=True, logs=False)
"""


def test_tensorflow_reduces_over_hosts(account: Account) -> None:
    """The toolkit's TF_CONFIG lets MultiWorkerMirroredStrategy add up what the hosts have."""
    script = b"""
import os
import tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy()
mine = tf.constant(float(os.environ["SM_CURRENT_HOST"][-1]))
add = tf.function(lambda: tf.distribute.get_replica_context().all_reduce("SUM", mine))
total = strategy.run(add)
print(f"total {float(total)} of {strategy.num_replicas_in_sync}")
"""
    hyperparameters = {
        **account.source({"train.py": script}),
        "sagemaker_multi_worker_mirrored_strategy_enabled": "true",
    }
    ended = account.train(HyperParameters=hyperparameters, ResourceConfig=TWO)
    assert ended["TrainingJobStatus"] == "Completed", ended.get("FailureReason")
    # TensorFlow's own lines, on the other of the two outputs, may come between the text and its end of line.
    assert sum("total 3.0 of 2" in line for line in account.lines(GROUP, ended["TrainingJobName"])) == 2


def test_the_sagemaker_sdk(account: Account, embedded: Gateway, tmp_path: Path) -> None:
    """ModelTrainer trains on two spot instances with checkpoints and TensorBoard, and its drivers find both hosts."""
    (tmp_path / "train.py").write_text(SDK_SCRIPT)
    name = f"sdk-{uuid.uuid4().hex[:8]}"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SDK, BUCKET, account.role, TRAINING_IMAGE, str(tmp_path), name],
        env={**os.environ, **embedded.environment(), "SAGEMAKER_VALIDATE_ROLE": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert account.keys(f"{name}/checkpoints/") == [f"{name}/checkpoints/algo-1", f"{name}/checkpoints/algo-2"]
    [log] = account.keys(f"{name}/logs/")
    assert log.startswith(f"{name}/logs/{name}-")
    assert log.endswith("/tensorboard-output/events")
