"""The training script: flags, log lines, refusals, determinism, and everything that it leaves behind."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

import hyperparameters
from command_line import parse_flags
from data import LABELS
from train import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOLDERS = {"SM_CHANNEL_TRAINING": "/data", "SM_MODEL_DIR": "/model", "SM_OUTPUT_DATA_DIR": "/output"}
EPOCH_LINE = re.compile(
    r"^epoch=(\d+)/(\d+) loss=([0-9.eE+-]+) accuracy=([0-9.eE+-]+)"
    r" val_loss=([0-9.eE+-]+) val_accuracy=([0-9.eE+-]+)$"
)


def files_below(folder: Path) -> set[str]:
    """Return the files' paths, relative to the folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def load(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_defaults_are_the_labs_own_network() -> None:
    """Without a flag: one hidden layer of 128, and folders from SageMaker's environment."""
    folders, settings = parse_flags([], FOLDERS)
    assert settings == hyperparameters.Hyperparameters(
        epochs=10, batch_size=32, learning_rate=0.001, hidden_units=(128,), seed=0, loop="fit", backend="tensorflow"
    )
    assert [str(path) for path in (folders.training, folders.artifact, folders.pictures)] == [*FOLDERS.values()]


def test_flags_arrive_as_strings() -> None:
    """Every hyperparameter is read from the string that SageMaker passes."""
    flags = ["--epochs", "3", "--batch_size", "8", "--learning_rate", "1e-2", "--hidden_units", "256,128"]
    _, settings = parse_flags([*flags, "--seed", "7", "--loop", "custom", "--training", "./here"], FOLDERS)
    assert settings == hyperparameters.Hyperparameters(
        epochs=3, batch_size=8, learning_rate=0.01, hidden_units=(256, 128), seed=7, loop="custom", backend="tensorflow"
    )


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        *(("epochs", value) for value in ("0", "-1", "1.5", "", "ten", "1_0", "٣")),
        *(("batch_size", value) for value in ("0", "3.0", "large")),
        *(("learning_rate", value) for value in ("0", "-0.1", "nan", "inf", "fast", "")),
        *(("hidden_units", value) for value in ("", "0", "128,", "128,-1", "128 64", "a,b", "12.5")),
        *(("seed", value) for value in ("-1", "4294967296", "x")),
        *(("loop", value) for value in ("", "Custom", "fit,custom")),
        *(("backend", value) for value in ("", "pytorch", "JAX")),
    ],
)
def test_a_bad_hyperparameter_is_one_sentence(flag: str, value: str) -> None:
    """The sentence names the hyperparameter, its value and the rule."""
    with pytest.raises(ValueError, match=rf"^{flag} is {re.escape(repr(value))}; it needs to be [^\n]*\.$"):
        parse_flags([f"--{flag}={value}"], FOLDERS)


@pytest.mark.parametrize(
    ("flags", "environment", "sentence"),
    [
        (["--backend", "jax", "--loop", "custom"], {}, "loop is 'custom' and backend 'jax'"),
        (["--backend", "torch"], {"SM_HOSTS": '["algo-1", "algo-2"]'}, "backend is 'torch' on 2 hosts"),
        (["--batch_size", "1"], {"SM_HOSTS": '["algo-1", "algo-2"]'}, "batch_size is 1 on 2 hosts"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(
    flags: list[str], environment: dict[str, str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends with code 1 before data are read or a backend is imported."""
    assert main(flags, {**FOLDERS, "SM_CURRENT_HOST": "algo-1", **environment}) == 1
    assert re.fullmatch(rf"ValueError: {re.escape(sentence)}[^\n]*\.\n", capsys.readouterr().err)


def test_on_sagemaker_checkpoints_and_event_log_have_their_places() -> None:
    """They lie where CheckpointConfig and TensorBoardOutputConfig look by default; elsewhere none are written."""
    folders, _ = parse_flags([], FOLDERS | {"SM_OUTPUT_DIR": "/opt/ml/output"})
    assert str(folders.checkpoints) == "/opt/ml/checkpoints"
    assert str(folders.event_log) == "/opt/ml/output/tensorboard"
    folders, _ = parse_flags([], FOLDERS)
    assert folders.checkpoints is folders.event_log is None


@pytest.mark.parametrize("arguments", [["--epoch", "3"], ["--epochs"], ["stray"], ["--dropout", "0.5"]])
def test_an_unknown_or_incomplete_flag_is_one_sentence(arguments: list[str]) -> None:
    """A misspelt hyperparameter is an error, never ignored or completed."""
    with pytest.raises(ValueError, match=rf"{arguments[0]}[^\n]*; `python train.py --help` lists the flags\.$"):
        parse_flags(arguments, FOLDERS)


@pytest.mark.parametrize("variable", FOLDERS)
def test_a_missing_folder_is_one_sentence(variable: str) -> None:
    """The sentence names the flag and SageMaker's variable."""
    with pytest.raises(ValueError, match=rf"^--\w+ is missing; [^\n]*{variable}[^\n]*\.$"):
        parse_flags([], {name: path for name, path in FOLDERS.items() if name != variable})


def test_a_mistake_ends_with_code_1_and_one_line_that_failure_reason_shows(
    channel: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stderr is one line that names an exception: SageMaker's toolkit copies nothing before such a name."""
    (channel / "lego-simple-test-labels.npy").unlink()
    assert main([], FOLDERS | {"SM_CHANNEL_TRAINING": str(channel)}) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert re.fullmatch(r"ValueError: lego-simple-test-labels\.npy is missing from [^\n]*\.\n", output.err)


def test_a_mistake_is_found_before_tensorflow_is_imported(channel: Path) -> None:
    """Flags and data are checked without TensorFlow, whose import takes seconds and writes to stderr."""
    code = "import sys, pathlib, train; train.read_channel(pathlib.Path(sys.argv[1])); print(*sys.modules)"
    source = str(type(channel)(hyperparameters.__file__).parent)
    process = subprocess.run(
        [sys.executable, "-c", code, str(channel)], cwd=source, capture_output=True, text=True, check=True
    )
    assert not {"tensorflow", "keras", "matplotlib"} & set(process.stdout.split())


def test_each_epoch_is_one_line_that_the_metric_definitions_read(trained: Any) -> None:
    """The log has one line an epoch and one at the end, nothing else."""
    *epochs, last = trained.output.splitlines()
    matches = [EPOCH_LINE.match(line) for line in epochs]
    assert [match and match.group(1, 2) for match in matches] == [(str(n), "4") for n in (1, 2, 3, 4)]
    assert re.fullmatch(r"test_loss=[0-9.eE+-]+ test_accuracy=[0-9.eE+-]+", last)
    assert len(re.findall(r"\bloss=([0-9.eE+-]+)", trained.output)) == len(epochs)


def test_the_network_learns(trained: Any) -> None:
    """The network sorts nearly all test images of a channel that is easy to sort."""
    metrics = load(trained.artifact / "metrics.json")
    assert metrics["test_accuracy"] > 0.95
    assert metrics["history"][-1]["loss"] < metrics["history"][0]["loss"]


def test_the_artifact_has_the_layout_that_the_inference_container_reads(trained: Any) -> None:
    """SavedModel under 1/, code/ with inference.py and its siblings, exports/, the reference, and three JSON files."""
    from export import INFERENCE_CODE, REFERENCE

    files = files_below(trained.artifact)
    told = {path for path in files if not path.startswith("1/") and "__pycache__" not in path}  # of whoever imports it
    assert told == {
        *(f"code/{name}" for name in (*INFERENCE_CODE, "network.npz", "novelty.npz", "requirements.txt")),
        *("labels.json", "metrics.json", "receipt.json", REFERENCE),
        *(f"exports/{name}" for name in ("model.tflite", "tfjs/model.json", "tfjs/weights.bin")),
        *(f"monitoring/{name}" for name in ("baseline.npz", "images.npy", "quality.json")),
    }
    assert {"1/saved_model.pb", "1/variables/variables.index"} <= files
    assert load(trained.artifact / "labels.json") == list(LABELS)


def test_metrics_agree_with_each_other(trained: Any) -> None:
    """The confusion matrix, the per-class accuracies, the history and the log tell the same story."""
    metrics = load(trained.artifact / "metrics.json")
    matrix = np.array(metrics["confusion_matrix"])
    assert matrix.shape == (10, 10)
    assert matrix.sum(axis=1).tolist() == [10] * 10
    assert matrix.trace() / matrix.sum() == pytest.approx(metrics["test_accuracy"])
    assert metrics["per_class_accuracy"] == dict(zip(LABELS, matrix.diagonal() / 10, strict=True))
    assert len(metrics["history"]) == 4
    assert metrics["history"][-1]["val_loss"] == pytest.approx(metrics["test_loss"])
    assert f"test_accuracy={metrics['test_accuracy']:.4f}" in trained.output


def test_the_receipt_names_all_that_went_in(trained: Any, run_folder: Path) -> None:
    """Hashes of data and code, versions, seed, hyperparameters and metrics are in receipt.json."""
    import tensorflow as tf

    receipt = load(trained.artifact / "receipt.json")
    for name, digest in receipt["data_sha256"].items():
        assert hashlib.sha256((run_folder / "training" / name).read_bytes()).hexdigest() == digest
    assert len(receipt["data_sha256"]) == 4
    assert {"train.py", "model.py", "loops/fit.py", "inference.py", "requirements.txt"} <= set(receipt["code_sha256"])
    assert set(receipt["versions"]) == {"python", "tensorflow", "keras", "numpy"}
    assert receipt["seed"] == 5
    assert receipt["hyperparameters"] == {
        "epochs": 4,
        "batch_size": 16,
        "learning_rate": 0.005,
        "hidden_units": [32, 16],
        "seed": 5,
        "loop": "fit",
        "backend": "tensorflow",
    }
    assert receipt["trained_with"] == f"tensorflow {tf.__version__}"
    assert receipt["format"] == "TensorFlow SavedModel"
    metrics = load(trained.artifact / "metrics.json")
    assert receipt["metrics"] == {name: metrics[name] for name in ("test_loss", "test_accuracy")}


@pytest.mark.parametrize("name", ["curves", "confusion", "predictions"])
def test_pictures_are_pngs_with_something_on_them(trained: Any, name: str) -> None:
    """Each picture opens, is large enough to read, and is no blank sheet."""
    with Image.open(trained.pictures / f"{name}.png") as picture:
        assert picture.format == "PNG"
        assert min(picture.size) >= 400
        assert len(np.unique(np.asarray(picture.convert("L")))) > 50


def test_equal_runs_give_equal_artifacts(trained: Any, run_folder: Path, run_fork: Callable[..., Any]) -> None:
    """A second process, with another hash seed, gives the same weights bit for bit and the same JSON files."""
    import tensorflow as tf

    again = run_fork(
        run_folder / "training",
        run_folder / "second",
        *("--epochs", "4", "--batch_size", "16", "--hidden_units", "32,16"),
        *("--seed", "5", "--learning_rate", "0.005"),
    )
    assert again.output == trained.output
    for name in ("metrics.json", "receipt.json"):
        assert (again.artifact / name).read_bytes() == (trained.artifact / name).read_bytes()
    first, second = (tf.train.load_checkpoint(str(run.artifact / "1/variables/variables")) for run in (trained, again))
    # Layer by layer: a SavedModel lists them a second time in an order that Keras leaves to memory addresses.
    names = [name for name in first.get_variable_to_shape_map() if name.startswith("variables/")]
    assert len(names) == 6
    for name in names:
        assert first.get_tensor(name).tobytes() == second.get_tensor(name).tobytes()


def test_another_seed_gives_other_weights(trained: Any, run_folder: Path, run_fork: Callable[..., Any]) -> None:
    """Another seed is another network from the same data."""
    other = run_fork(
        run_folder / "training", run_folder / "third", "--epochs", "1", "--seed", "6", "--hidden_units", "8"
    )
    first, second = (load(run.artifact / "receipt.json") for run in (trained, other))
    assert first["weights_sha256"] != second["weights_sha256"]
    assert first["data_sha256"] == second["data_sha256"]
