"""How TensorFlow spreads the training over hosts and GPUs."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from hosts import Hosts


def choose_strategy(hosts: Hosts) -> tf.distribute.Strategy | None:
    """Return the strategy for these hosts and this one's GPUs; None for one host with at most one GPU.

    With several hosts it waits until all of them are there, for ever if one never comes: SageMaker ends the hosts of
    a failed one. Later a host that dies ends the others, by the collective operation that it takes part in. Call this
    before anything else of TensorFlow.
    """
    if hosts.count > 1:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        # TensorFlow catches it, for a preemption that nobody here asks about.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        return strategy
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return None


def from_chief(arrays: Sequence[npt.NDArray[Any]], *, strategy: tf.distribute.Strategy, hosts: Hosts) -> list[Any]:
    """Return the chief's arrays on every host; the others' give only the shapes and types."""
    mine = [array if hosts.chief else np.zeros_like(array) for array in arrays]

    def add_up() -> list[tf.Tensor]:
        def replica() -> list[tf.Tensor]:
            context = tf.distribute.get_replica_context()
            first = tf.cast(context.replica_id_in_sync_group == 0, tf.float64)
            doubles = [tf.cast(tf.constant(array), tf.float64) * first for array in mine]
            return [context.all_reduce(tf.distribute.ReduceOp.SUM, double) for double in doubles]

        return [strategy.experimental_local_results(each)[0] for each in strategy.run(replica)]

    return [total.numpy().astype(array.dtype) for total, array in zip(tf.function(add_up)(), arrays, strict=True)]
