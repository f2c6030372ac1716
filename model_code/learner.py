"""The network while it learns: on whichever backend, hosts and GPUs there are."""

from __future__ import annotations

from contextlib import nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

import backend
from checkpoints import restore, state_of
from history import NAMES
from model import build, compile_model

if TYPE_CHECKING:
    import keras

    from checkpoints import Checkpoint
    from data import Channel
    from history import Epoch, History
    from hosts import Hosts
    from hyperparameters import Hyperparameters

_LOOPS = {"fit": "fit", "custom": "custom_loop"}
_LOOPS_OF_OTHERS = {"jax": "scanned_epochs", "torch": "array_fit"}


class Learner:
    """`model` is new and compiled. TensorFlow has to know its hosts before it does anything else: make this first."""

    def __init__(self, hyperparameters: Hyperparameters, hosts: Hosts) -> None:
        self._hyperparameters, self._hosts = hyperparameters, hosts
        self._strategy = import_module("strategy").choose_strategy(hosts) if backend.NAME == "tensorflow" else None
        backend.make_deterministic(hyperparameters.seed)
        with self._scope():
            self.model = self._new_model()
            self.model.optimizer.build(self.model.trainable_variables)

    def resume(self, checkpoint: Checkpoint | None) -> list[Epoch]:
        """Go back to a checkpoint, if there is one, every host to the chief's; return the epochs until then."""
        epochs, arrays = (checkpoint.epochs, checkpoint.arrays) if checkpoint else ([], [])
        if self._hosts.count > 1:
            epochs, arrays = self._as_the_chief(epochs, arrays)
        if epochs:
            with self._scope():
                restore(self.model, arrays)
        return epochs

    def learn(self, channel: Channel, history: History) -> None:
        """Train for the epochs that `history` lacks."""
        self._loop().train(self.model, channel, self._hyperparameters, history)

    def trained(self) -> keras.Model:
        """The network as this process alone can use it: under no strategy, with the weights that it has now."""
        if not self._strategy:
            return self.model
        alone = self._new_model()
        alone.set_weights(self.model.get_weights())
        return alone

    def _loop(self) -> Any:
        if backend.NAME != "tensorflow":
            return import_module(_LOOPS_OF_OTHERS[backend.NAME])
        if self._strategy and self._hosts.chief:
            count = self._strategy.num_replicas_in_sync
            print(f"{count} replicas on {self._hosts.count} hosts train together, by custom_loop.py.", flush=True)
        return import_module("custom_loop" if self._strategy else _LOOPS[self._hyperparameters.loop])

    def _new_model(self) -> keras.Model:
        model = build(self._hyperparameters.hidden_units)
        compile_model(model, learning_rate=self._hyperparameters.learning_rate)
        return model

    def _as_the_chief(self, epochs: list[Epoch], arrays: list[Any]) -> tuple[list[Epoch], list[Any]]:
        """What the chief has been given: a host that was replaced may have no checkpoint, or another one."""
        (done,) = self._from_chief([np.array(len(epochs))])
        numbers = np.array([[epoch[name] for name in NAMES] for epoch in epochs] or np.zeros((done, len(NAMES))))
        numbers, *arrays = self._from_chief([numbers, *(arrays or state_of(self.model))])
        return [dict(zip(NAMES, row.tolist(), strict=True)) for row in numbers], arrays

    def _from_chief(self, arrays: list[Any]) -> list[Any]:
        strategy = import_module("strategy")
        return list(strategy.from_chief(arrays, strategy=self._strategy, hosts=self._hosts))

    def _scope(self) -> Any:
        return self._strategy.scope() if self._strategy else nullcontext()
