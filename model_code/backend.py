"""What depends on Keras's backend, which the environment chose before Keras was imported: KERAS_BACKEND."""

from __future__ import annotations

from importlib import import_module

import keras

NAME: str = keras.backend.backend()
"""tensorflow, jax or torch."""


def version() -> str:
    """Return the version of the backend that trains here."""
    return str(import_module(NAME).__version__)


def make_deterministic(seed: int) -> None:
    """Make equal runs give equal weights, bit for bit: one seed for all, and no operation that races.

    JAX has no such switch and needs none on a CPU; on a GPU it was not tried.
    """
    keras.utils.set_random_seed(seed)
    if NAME == "tensorflow":
        import_module(NAME).config.experimental.enable_op_determinism()
    elif NAME == "torch":
        import_module(NAME).use_deterministic_algorithms(mode=True)
