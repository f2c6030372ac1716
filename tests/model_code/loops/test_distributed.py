"""Training on several hosts and on several devices of one."""

from __future__ import annotations

import json
import signal
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from loops import distributed
from loops.distributed import Hosts, read_hosts
from tests.model_code.conftest import make_environment
from tests.model_code.forks import Training

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

FLAGS = ("--epochs", "4", "--batch_size", "16", "--hidden_units", "32,16", "--seed", "5", "--learning_rate", "0.005")

# Two hosts add gradients up in another order than one: 1e-7 a step, which a hundred steps of Adam magnify.
HISTORY_TOLERANCE, WEIGHT_TOLERANCE = 1e-4, 1e-3


def train_on_two_devices() -> None:
    """Have TensorFlow take the CPU for two devices, and train.py train on both, as on the GPUs that it looks for."""
    import tensorflow as tf

    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )

    def choose_strategy(hosts: Hosts) -> Any:
        assert hosts.count == 1
        return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

    distributed.choose_strategy = choose_strategy


def free_addresses(count: int) -> list[str]:
    """Addresses of this machine that nobody listens on."""
    with ExitStack() as stack:
        listening = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [f"127.0.0.1:{each.getsockname()[1]}" for each in listening]


class Cluster:
    """Trainings that are one job's hosts."""

    def __init__(self, place: Path, channel: Path, *flags: str) -> None:
        addresses = free_addresses(2)
        self.places = [place / name for name in ("algo-1", "algo-2")]
        self.hosts = []
        for index, each in enumerate(self.places):
            config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            environment = {**make_environment(channel, each), "TF_CONFIG": json.dumps(config)}
            self.hosts.append(Training(*flags, environment=environment, errors=each / "stderr"))

    def end(self) -> None:
        """Leave nothing running."""
        for host in self.hosts:
            host.end()


def weights(artifact: Path) -> list[npt.NDArray[np.float32]]:
    """The layers' weights in the SavedModel, first to last."""
    import tensorflow as tf

    checkpoint = tf.train.load_checkpoint(str(artifact / "1/variables/variables"))
    names = [name for name in checkpoint.get_variable_to_shape_map() if name.startswith("variables/")]
    return [checkpoint.get_tensor(name) for name in sorted(names)]


def assert_same_training(one: Path, other: Path) -> None:
    """The same history and weights, within the tolerances."""
    ours, theirs = (json.loads((each / "metrics.json").read_text()) for each in (one, other))
    assert len(ours["history"]) == len(theirs["history"])
    for epoch, expected in zip(ours["history"], theirs["history"], strict=True):
        assert epoch == pytest.approx(expected, abs=HISTORY_TOLERANCE)
    assert ours["test_accuracy"] == theirs["test_accuracy"]
    for mine, expected in zip(weights(one), weights(other), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=0, atol=WEIGHT_TOLERANCE)


def test_one_host_needs_no_cluster() -> None:
    """Without TF_CONFIG or SM_HOSTS, or with one host in them, there is nobody to wait for."""
    assert read_hosts({}) == Hosts()
    alone = read_hosts({"SM_HOSTS": '["algo-1"]', "SM_CURRENT_HOST": "algo-1"})
    assert (alone.count, alone.chief, alone.environment()) == (1, True, {})


def test_the_toolkit_s_list_of_hosts_will_do() -> None:
    """A job of several hosts that nobody asked the toolkit to set TF_CONFIG for trains together all the same."""
    hosts = read_hosts({"SM_HOSTS": '["algo-1", "algo-2"]', "SM_CURRENT_HOST": "algo-2"})
    assert (hosts.count, hosts.index, hosts.chief) == (2, 1, False)
    assert read_hosts(hosts.environment()) == hosts
    assert hosts.addresses == ("algo-1:8890", "algo-2:8890")


def test_two_hosts_learn_what_one_learns(trained: Any, run_folder: Path) -> None:
    """The same numbers in each epoch and the same weights; the chief alone writes and prints the epochs."""
    cluster = Cluster(run_folder / "two-hosts", run_folder / "training", *FLAGS)
    try:
        outputs = [host.wait() for host in cluster.hosts]
        assert [host.code for host in cluster.hosts] == [0, 0], [host.error for host in cluster.hosts]
    finally:
        cluster.end()
    chief, other = cluster.places
    assert outputs[0].count("epoch=") == 4
    assert "epoch=" not in outputs[1]
    assert not any((other / "model").iterdir())
    assert_same_training(chief / "model", trained.artifact)


def test_a_host_that_is_terminated_ends_the_others(run_folder: Path, trained: Any) -> None:
    """SIGTERM ends a host at once, and the chief fails instead of waiting for it."""
    assert trained.artifact.is_dir()  # by then there is the channel, too
    cluster = Cluster(run_folder / "dying", run_folder / "training", *FLAGS, "--epochs", "10000")
    try:
        chief, other = cluster.hosts
        assert any(line.startswith("epoch=2/") for line in chief.output)
        other.terminate()
        for host in (other, chief):
            host.wait()
        assert [chief.code, other.code] == [1, -signal.SIGTERM]
    finally:
        cluster.end()


def test_several_devices_of_a_host_learn_what_one_learns(trained: Any, run_folder: Path) -> None:
    """MirroredStrategy, which train.py takes for several GPUs, here on a CPU in two, gives the same numbers."""
    place = run_folder / "two-devices"
    environment = make_environment(run_folder / "training", place)
    training = Training(*FLAGS, environment=environment, errors=place / "stderr", before=train_on_two_devices)
    assert "2 replicas on 1 hosts" in training.wait()
    assert training.code == 0, training.error
    assert_same_training(place / "model", trained.artifact)
