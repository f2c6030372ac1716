"""TensorFlow's hosts that train together, over the network of their job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.embedded_aws.account import files_of
from tests.embedded_aws.services.sagemaker.test_job_network import GROUP, TWO

if TYPE_CHECKING:
    from tests.embedded_aws.account import Account


def test_a_script_that_writes_tf_config_itself(account: Account) -> None:
    """Every worker of TensorFlow's strategy may listen on 7777, as guides have it."""
    script = b"""
import json, os
hosts, me = json.loads(os.environ["SM_HOSTS"]), os.environ["SM_CURRENT_HOST"]
workers = [f"{host}:7777" for host in hosts]
os.environ["TF_CONFIG"] = json.dumps(
    {"cluster": {"worker": workers}, "task": {"type": "worker", "index": hosts.index(me)}}
)
import tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy()

@tf.function
def add():
    every = lambda: tf.distribute.get_replica_context().all_reduce("sum", tf.constant(3.0))
    return strategy.reduce("MEAN", strategy.run(every), axis=None)

if me == "algo-1":
    open("/opt/ml/model/sum", "w").write(str(float(add())))
else:
    add()
"""
    job = account.train(HyperParameters=account.source({"train.py": script}), ResourceConfig=TWO)
    assert job["TrainingJobStatus"] == "Completed", account.lines(GROUP, job["TrainingJobName"])
    assert files_of(account.get(job["ModelArtifacts"]["S3ModelArtifacts"])) == {"sum": b"6.0"}
