"""TensorBoard's log, read as TensorBoard reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

from hyperparameters import Hyperparameters

if TYPE_CHECKING:
    from pathlib import Path

    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer

SETTINGS = Hyperparameters(
    epochs=2, batch_size=16, learning_rate=0.25, hidden_units=(32, 16), seed=5, loop="fit", backend="tensorflow"
)
EPOCHS = [
    {"loss": 0.5, "accuracy": 0.25, "val_loss": 1.5, "val_accuracy": 0.125},
    {"loss": 0.25, "accuracy": 0.5, "val_loss": 1.25, "val_accuracy": 0.75},
]


@pytest.fixture
def read(tmp_path: Path) -> EventMultiplexer:
    """The log of two epochs, with a picture."""
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer

    from event_log import EventLog

    picture = tmp_path / "confusion.png"
    Image.new("RGB", (40, 30)).save(picture)
    log = EventLog(tmp_path / "log", hyperparameters=SETTINGS)
    for count in (1, 2):
        log.note(EPOCHS[:count])
    log.finish(2, confusion=picture)
    return EventMultiplexer().AddRunsFromDirectory(str(tmp_path / "log")).Reload()


def test_curves_of_training_and_test_lie_over_each_other(read: EventMultiplexer) -> None:
    """Two runs have curves of the same names, one point an epoch."""
    from tensorboard.util import tensor_util

    for run, prefix in (("train", ""), ("validation", "val_")):
        for name in ("loss", "accuracy"):
            points = read.Tensors(run, f"epoch_{name}")
            values = [float(tensor_util.make_ndarray(each.tensor_proto)) for each in points]
            assert [each.step for each in points] == [1, 2]
            assert values == [epoch[f"{prefix}{name}"] for epoch in EPOCHS]


def test_the_confusion_matrix_is_a_picture_of_the_last_epoch(read: EventMultiplexer) -> None:
    """Its width, its height and the PNG file itself."""
    [picture] = read.Tensors("validation", "confusion")
    width, height, content = picture.tensor_proto.string_val
    assert (picture.step, width, height) == (2, b"40", b"30")
    assert content.startswith(b"\x89PNG")


def test_the_hyperparameters_are_a_row_of_the_table(read: EventMultiplexer) -> None:
    """Numbers as numbers, the rest as text."""
    from tensorboard.plugins.hparams import metadata

    content = read.SummaryMetadata(".", metadata.SESSION_START_INFO_TAG).plugin_data.content
    given = metadata.parse_session_start_info_plugin_data(content).hparams
    assert given["learning_rate"].number_value == 0.25
    assert given["hidden_units"].string_value == "32,16"
    assert set(given) == {"epochs", "batch_size", "learning_rate", "hidden_units", "seed", "loop", "backend"}
