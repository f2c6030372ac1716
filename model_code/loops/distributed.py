"""Training on several hosts or GPUs: faster where a batch takes longer than adding up its gradients.

Which hosts there are is read without TensorFlow, which needs to know before it does anything else.
"""

from __future__ import annotations

import json
import signal
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from checkpoints import NAMES, restore, state_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    import keras
    import numpy.typing as npt
    import tensorflow as tf

    from checkpoints import Checkpoint, Epoch

_PORT = 8890  # the port of SageMaker's TensorFlow toolkit (sagemaker_tensorflow_container 20.4.1, training.py)


@dataclass(frozen=True, kw_only=True)
class Hosts:
    """The machines that train together: `addresses` are host:port, the same on every host; this one's is at `index`."""

    addresses: tuple[str, ...] = ("",)
    index: int = 0

    @property
    def count(self) -> int:
        """How many hosts train together."""
        return len(self.addresses)

    @property
    def chief(self) -> bool:
        """Whether this one writes what the training leaves: the others would write the same."""
        return self.index == 0

    def environment(self) -> dict[str, str]:
        """Return what TensorFlow reads to find the other hosts; nothing for a host alone."""
        if self.count == 1:
            return {}
        task = {"type": "worker", "index": self.index}
        return {"TF_CONFIG": json.dumps({"cluster": {"worker": self.addresses}, "task": task})}


def read_hosts(environment: Mapping[str, str]) -> Hosts:
    """Read TF_CONFIG, which the toolkit writes if asked to, else the toolkit's SM_HOSTS and SM_CURRENT_HOST."""
    if config := json.loads(environment.get("TF_CONFIG", "{}")):
        return Hosts(addresses=tuple(config["cluster"]["worker"]), index=config["task"]["index"])
    names = json.loads(environment.get("SM_HOSTS", "[]"))
    if not names:
        return Hosts()
    return Hosts(
        addresses=tuple(f"{name}:{_PORT}" for name in names), index=names.index(environment["SM_CURRENT_HOST"])
    )


def choose_strategy(hosts: Hosts) -> tf.distribute.Strategy | None:
    """Return TensorFlow's strategy for these hosts and this one's GPUs; None for one host with at most one GPU.

    With several hosts it waits until all of them are there, for ever if one never comes: SageMaker ends the hosts of
    a failed one. Later a host that dies ends the others, by the collective operation that it takes part in. Call this
    before anything else of TensorFlow.
    """
    import tensorflow as tf

    if hosts.count > 1:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        # TensorFlow catches it, for a preemption that nobody here asks about.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        return strategy
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return None


def scope(strategy: tf.distribute.Strategy | None) -> AbstractContextManager[object]:
    """Return the context in which a model is built, compiled and restored."""
    context: AbstractContextManager[object] = strategy.scope() if strategy else nullcontext()
    return context


def resume(
    model: keras.Model, checkpoint: Checkpoint | None, *, strategy: tf.distribute.Strategy | None, hosts: Hosts
) -> list[Epoch]:
    """Put the checkpoint, if there is one, back into the compiled model; return the epochs until then.

    Of several hosts every one goes back to the chief's: one that was replaced may have no checkpoint, or another.
    """
    epochs, arrays = (checkpoint.epochs, checkpoint.arrays) if checkpoint else ([], [])
    if strategy and hosts.count > 1:
        (done,) = _from_chief([np.array(len(epochs))], strategy=strategy, hosts=hosts)
        numbers = np.array([[epoch[name] for name in NAMES] for epoch in epochs] or np.zeros((done, len(NAMES))))
        numbers, *arrays = _from_chief([numbers, *(arrays or state_of(model))], strategy=strategy, hosts=hosts)
        epochs = [dict(zip(NAMES, row.tolist(), strict=True)) for row in numbers]
    if epochs:
        with scope(strategy):
            restore(model, arrays)
    return epochs


def _from_chief(arrays: Sequence[npt.NDArray[Any]], *, strategy: tf.distribute.Strategy, hosts: Hosts) -> list[Any]:
    """Return the chief's arrays on every host; the others' give only the shapes and types."""
    import tensorflow as tf

    mine = [array if hosts.chief else np.zeros_like(array) for array in arrays]

    def add_up() -> list[tf.Tensor]:
        def replica() -> list[tf.Tensor]:
            context = tf.distribute.get_replica_context()
            first = tf.cast(context.replica_id_in_sync_group == 0, tf.float64)
            doubles = [tf.cast(tf.constant(array), tf.float64) * first for array in mine]
            return [context.all_reduce(tf.distribute.ReduceOp.SUM, double) for double in doubles]

        return [strategy.experimental_local_results(each)[0] for each in strategy.run(replica)]

    return [total.numpy().astype(array.dtype) for total, array in zip(tf.function(add_up)(), arrays, strict=True)]
