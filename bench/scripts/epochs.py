"""One training of `./lab bench train`, in a process of its own: prints each epoch's seconds as JSON.

    python epochs.py textbook|ordered|nudged|fit|custom|jax IMAGES EPOCHS DATA WEIGHTS

DATA is the lab's training channel, whose images are repeated until there are IMAGES; the file WEIGHTS gets the weights
after two epochs: later the smallest differences have grown. `textbook` is Keras's `fit` as every tutorial has it;
`ordered` the same in the order in which the lab sees the images, which nobody times; `nudged` that with the first
weights moved by their last bit.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from data import Channel
    from hyperparameters import Hyperparameters

_WAY, _IMAGES, _EPOCHS, _DATA, _WEIGHTS = sys.argv[1:]
os.environ.update(
    KERAS_BACKEND="jax" if _WAY == "jax" else "tensorflow", TF_CPP_MIN_LOG_LEVEL="2", TF_ENABLE_ONEDNN_OPTS="0"
)
_BATCH_SIZE, _LEARNING_RATE, _HIDDEN_UNITS, _SEED = 32, 0.001, 128, 1
_KEPT = 2  # epochs, after which the weights are compared


def main() -> None:
    """Train, print, save."""
    import numpy as np  # noqa: PLC0415 - after the environment

    from data import Channel, Part, read_channel  # noqa: PLC0415 - the same

    given = read_channel(Path(_DATA))
    chosen = np.resize(np.arange(len(given.train.labels)), int(_IMAGES))
    train = Part(images=given.train.images[chosen], labels=given.train.labels[chosen])
    test = Part(images=given.test.images[:_BATCH_SIZE], labels=given.test.labels[:_BATCH_SIZE])
    watch = Watch()
    _TRAIN.get(_WAY, _ours)(Channel(train=train, test=test), watch)
    print(json.dumps([end - start for start, end in itertools.pairwise(watch.ends)]))


class Watch:
    """When the training began and each epoch ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def begin(self) -> None:
        """Take down that the training begins now."""
        self.ends.append(time.perf_counter())

    def note(self, model: keras.Model) -> None:
        """Take down that another epoch has ended; keep the second one's weights."""
        self.ends.append(time.perf_counter())
        if len(self.ends) == 1 + _KEPT:
            import numpy as np  # noqa: PLC0415 - after the environment

            np.savez(_WEIGHTS, *model.get_weights())


def _textbook(channel: Channel, watch: Watch) -> None:
    import keras  # noqa: PLC0415 - after the environment

    model = _textbook_model()
    watch.begin()
    model.fit(
        channel.train.images,
        channel.train.labels,
        batch_size=_BATCH_SIZE,
        epochs=int(_EPOCHS),
        validation_data=(channel.test.images, channel.test.labels),
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: watch.note(model))],
        verbose=0,
    )


def _ordered(channel: Channel, watch: Watch) -> None:
    from data import epoch_order  # noqa: PLC0415 - after the environment

    model = _textbook_model()
    if _WAY == "nudged":
        import numpy as np  # noqa: PLC0415 - the same

        model.set_weights([np.nextafter(each, np.float32(1)) for each in model.get_weights()])
    watch.begin()
    for epoch in range(_KEPT):
        order = epoch_order(int(_IMAGES), seed=_SEED, epoch=epoch)
        images, labels = channel.train.images[order], channel.train.labels[order]
        model.fit(images, labels, batch_size=_BATCH_SIZE, shuffle=False, verbose=0)
        watch.note(model)


def _textbook_model() -> keras.Model:
    import keras  # noqa: PLC0415 - after the environment

    keras.utils.set_random_seed(_SEED)
    layers = keras.layers
    hidden = layers.Dense(_HIDDEN_UNITS, activation="relu")
    model = keras.Sequential([keras.Input((48, 48)), layers.Flatten(), hidden, layers.Dense(10, activation="softmax")])
    adam = keras.optimizers.Adam(_LEARNING_RATE)
    model.compile(optimizer=adam, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _ours(channel: Channel, watch: Watch) -> None:
    import loops  # noqa: PLC0415 - after the environment
    from checkpoints import History  # noqa: PLC0415 - the same
    from model import build, compile_model, make_deterministic  # noqa: PLC0415 - the same

    hyperparameters = _hyperparameters()
    make_deterministic(hyperparameters.seed)
    model = build(hyperparameters.hidden_units)
    compile_model(model, learning_rate=hyperparameters.learning_rate)
    fit = loops.choose(hyperparameters, images=int(_IMAGES), replicas=1)
    watch.begin()
    fit(model, channel, hyperparameters, History(on_epoch_end=[lambda _: watch.note(model)]))


def _hyperparameters() -> Hyperparameters:
    from hyperparameters import Hyperparameters  # noqa: PLC0415 - after the environment

    return Hyperparameters(
        epochs=int(_EPOCHS),
        batch_size=_BATCH_SIZE,
        learning_rate=_LEARNING_RATE,
        hidden_units=(_HIDDEN_UNITS,),
        seed=_SEED,
        loop="custom" if _WAY == "custom" else "fit",
        backend=os.environ["KERAS_BACKEND"],
    )


_TRAIN: dict[str, Any] = {"textbook": _textbook, "ordered": _ordered, "nudged": _ordered}

if __name__ == "__main__":
    main()
