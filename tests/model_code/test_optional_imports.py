"""What is imported without the packages that others want."""

from __future__ import annotations

import gc
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from model_code.optional_imports import skipping

MODEL_CODE = Path(__file__).parents[2] / "model_code"


def test_what_is_skipped_is_found_afterwards() -> None:
    """The block can't import it, and may import all else."""
    sys.modules.pop("wave", None)
    with skipping("wave"):
        importlib.import_module("colorsys")
        with pytest.raises(ModuleNotFoundError, match="wave"):
            importlib.import_module("wave")
    assert importlib.import_module("wave").__name__ == "wave"


def test_what_is_imported_already_is_found_in_it() -> None:
    """Whoever needs a package with Keras imports it first."""
    wave = importlib.import_module("wave")
    with skipping("wave"):
        assert importlib.import_module("wave") is wave


def test_an_error_leaves_nothing_behind() -> None:
    """Garbage is looked for again, and all is found."""
    sys.modules.pop("wave", None)
    with pytest.raises(ZeroDivisionError), skipping("wave"):
        _ = 1 / 0
    assert gc.isenabled()
    assert importlib.import_module("wave")


def test_tensorflow_comes_without_keras_and_keras_later() -> None:
    """As `import tensorflow.keras` and as `tf.keras`, which are the same Keras."""
    program = """
import sys
from optional_imports import skipping
with skipping("keras.src"):
    import tensorflow as tf
assert not [name for name in sys.modules if name.split(".")[0] == "keras"]
import tensorflow.keras.layers as layers
import keras
assert layers.Dense is tf.keras.layers.Dense is keras.layers.Dense
"""
    subprocess.run([sys.executable, "-c", program], cwd=MODEL_CODE, check=True)
