"""The network of the lab: Flatten, one or more Dense layers with relu, Dense with softmax.

Keras computes with TensorFlow, JAX or PyTorch: with the one that the environment variable KERAS_BACKEND named when
Keras was imported.
"""

from __future__ import annotations

from importlib import import_module

import keras

from data import LABELS, SIDE

BACKEND: str = keras.backend.backend()
"""What Keras computes with: tensorflow, jax or torch."""

# One call into the backend runs this many batches: with TensorFlow it halved an epoch's time, and it changes no number.
# PyTorch has no such calls, and Keras 3.15 then takes the last, smaller group of batches for missing data.
_STEPS_PER_EXECUTION = 1 if BACKEND == "torch" else 32

TEST_BATCH_SIZE = 256
"""It decides how many test images one step looks at, and changes no number."""


def build(hidden_units: tuple[int, ...]) -> keras.Model:
    """Return the network, not yet compiled: (n, 48, 48) float32 0..1 in, (n, 10) probabilities out."""
    return keras.Sequential(
        [
            *_hidden_layers(hidden_units),
            keras.layers.Dense(len(LABELS), activation="softmax", name="probabilities"),
        ],
        name="bricks",
    )


def build_features(hidden_units: tuple[int, ...]) -> keras.Model:
    """Return the network up to its last hidden layer; without any, it puts an image's pixels in a row."""
    return keras.Sequential(_hidden_layers(hidden_units), name="features")


def _hidden_layers(hidden_units: tuple[int, ...]) -> list[keras.Layer]:
    return [
        keras.Input((SIDE, SIDE), dtype="float32", name="image"),
        keras.layers.Flatten(),
        *(keras.layers.Dense(units, activation="relu") for units in hidden_units),
    ]


def compile_model(model: keras.Model, *, learning_rate: float) -> None:
    """Choose how the network learns; the labels are class numbers, not one-hot rows."""
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=_STEPS_PER_EXECUTION,
    )
    # Keras would do it at the first step; a checkpoint of an earlier training wants to be put back before that.
    model.optimizer.build(model.trainable_variables)


def make_deterministic(seed: int) -> None:
    """Make equal runs give equal weights, bit for bit: one seed for all, and no operation that races.

    JAX has no such switch and needs none on a CPU; on a GPU it was not tried.
    """
    keras.utils.set_random_seed(seed)
    if BACKEND == "tensorflow":
        import_module(BACKEND).config.experimental.enable_op_determinism()
    elif BACKEND == "torch":
        import_module(BACKEND).use_deterministic_algorithms(mode=True)


def backend_version() -> str:
    """Return the version of the backend that trains here."""
    return str(import_module(BACKEND).__version__)
