"""TensorBoard's log of one training: curves, hyperparameters, and the confusion matrix as a picture.

Written with TensorBoard's own record format and no TensorFlow, so that it is the same with every backend. On SageMaker
the folder is /opt/ml/output/tensorboard, which TensorBoardOutputConfig copies to S3 while the job runs.
"""

from __future__ import annotations

import socket
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import metadata as hparams
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboard.summary.writer.record_writer import RecordWriter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from checkpoints import Epoch
    from hyperparameters import Hyperparameters

# TensorBoard draws the curves of one name from several folders into one picture.
_CURVES = {"train": ("loss", "accuracy"), "validation": ("val_loss", "val_accuracy")}
_NAMES = ("epoch_loss", "epoch_accuracy")


class EventLog:
    """The event files of one training, made anew: `note` after each epoch, `finish` at the end."""

    def __init__(self, folder: Path, *, hyperparameters: Hyperparameters) -> None:
        # What lies above both folders is about both.
        self._about = _EventFile(folder)
        self._about.add(0, _session(hyperparameters))
        self._files = {name: _EventFile(folder / name) for name in _CURVES}

    def note(self, epochs: Sequence[Epoch]) -> None:
        """Add the last epoch's point to each curve."""
        for folder, keys in _CURVES.items():
            points = [
                Summary.Value(tag=name, simple_value=epochs[-1][key]) for name, key in zip(_NAMES, keys, strict=True)
            ]
            self._files[folder].add(len(epochs), *points)

    def finish(self, epochs: int, *, confusion: Path) -> None:
        """Add the picture, a PNG file, and close the files."""
        with Image.open(confusion) as picture:
            width, height = picture.size
        image = Summary.Image(height=height, width=width, encoded_image_string=confusion.read_bytes())
        self._files["validation"].add(epochs, Summary.Value(tag="confusion", image=image))
        for file in (self._about, *self._files.values()):
            file.close()


def _session(hyperparameters: Hyperparameters) -> Summary.Value:
    """Return what TensorBoard's table of hyperparameters reads; it knows numbers and texts."""
    data = HParamsPluginData()
    data.session_start_info.start_time_secs = time.time()
    for name, value in asdict(hyperparameters).items():
        if isinstance(value, int | float):
            data.session_start_info.hparams[name].number_value = value
        else:
            text = ",".join(map(str, value)) if isinstance(value, tuple) else value
            data.session_start_info.hparams[name].string_value = text
    return Summary.Value(
        tag=hparams.SESSION_START_INFO_TAG,
        metadata=hparams.create_summary_metadata(data),
        tensor=hparams.NULL_TENSOR,
    )


class _EventFile:
    """A file that TensorBoard finds in a folder and reads while it grows."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}").open("wb")
        self._records = RecordWriter(self._file)
        self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))

    def add(self, step: int, *values: Summary.Value) -> None:
        self._write(Event(wall_time=time.time(), step=step, summary=Summary(value=values)))

    def close(self) -> None:
        self._file.close()

    def _write(self, event: Event) -> None:
        self._records.write(event.SerializeToString())
        self._file.flush()
