"""The channel `training` as an augmented manifest: photos and their labels come by a pipe, and become the four files.

The channel's S3DataType is AugmentedManifestFile, its InputMode Pipe, its RecordWrapperType RecordIO, and its
AttributeNames are ["source-ref", the label attribute]: a photo's file is one record, its label the next. Whoever has
such a manifest trains without a processing job before: the photos are prepared and split here as prepare.py does it.
"""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import BinaryIO

    from command_line import Folders
    from preparing.read_photos import PhotoRecord

_CHANNEL = "training"
_TEST_FRACTION = 0.15  # prepare.py's own
_MAGIC, _LENGTH_BITS, _ALIGNED = 0xCED7230A, 29, 4  # MXNet's documentation, "RecordIO"
_HEADER = struct.Struct("<II")


def read_if_piped(folders: Folders, environment: Mapping[str, str]) -> Folders:
    """Return the folders, with the four files that a pipe has brought as `training` where the channel is one.

    Raises ValueError, in one sentence, for a stream that is none, and for photos that no data set can be made of.
    """
    channels = json.loads(environment.get("SM_INPUT_DATA_CONFIG") or "{}")
    channel = channels.get(_CHANNEL, {})
    if channel.get("TrainingInputMode") != "Pipe":
        return folders
    if channel.get("RecordWrapperType") != "RecordIO":
        raise ValueError(
            f"The channel {_CHANNEL} comes by a pipe without records; give it the RecordWrapperType RecordIO, which "
            "tells where a photo ends."
        )
    # These need boto3 and Pillow, which a channel of files does without.
    from preparing.arrays import write_arrays
    from preparing.split import split

    with Path(f"{folders.training}_0").open("rb") as pipe:
        records = split(_photos(pipe), test_fraction=_TEST_FRACTION)
    for record in records:
        if record.dropped:
            print(f"dropped {record.path}: {record.dropped}", flush=True)
    prepared = Path(mkdtemp(prefix="training-"))
    write_arrays(prepared, records)
    print(f"{sum(record.split is not None for record in records)} labelled photos by the pipe.", flush=True)
    return replace(folders, training=prepared)


def _photos(pipe: BinaryIO) -> Iterator[PhotoRecord]:
    """Yield what becomes of each photo that has a brick for its label."""
    from preparing.manifest import label_of
    from preparing.read_photos import PhotoFile, record_of

    records = _records(pipe)
    for number, photo in enumerate(records, 1):
        label = next(records, None)
        if label is None:
            raise ValueError(
                f"Photo {number} of the channel {_CHANNEL} has no label behind it; AttributeNames need to be "
                "source-ref and the label attribute."
            )
        brick = label_of(label.decode(errors="replace"), f"photo {number} of the channel {_CHANNEL}")
        if brick is not None:
            path = f"photo {number}"
            yield record_of(PhotoFile(uri=path, path=path, label=brick), photo)


def _records(pipe: BinaryIO) -> Iterator[bytes]:
    """Yield the contents of RecordIO's records."""
    while header := pipe.read(_HEADER.size):
        magic, length = _HEADER.unpack(header) if len(header) == _HEADER.size else (0, 0)
        if magic != _MAGIC or length >> _LENGTH_BITS:
            raise ValueError(f"The channel {_CHANNEL} is no stream of whole RecordIO records.")
        content = pipe.read(length)
        if len(content) < length:
            raise ValueError(f"The channel {_CHANNEL} ends in the middle of a record.")
        pipe.read(-length % _ALIGNED)
        yield content
