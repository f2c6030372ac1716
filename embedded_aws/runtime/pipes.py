"""Named pipes by which a container reads a channel, once an epoch: SageMaker's Pipe input mode.

Source: SageMaker's guide, "How Amazon SageMaker AI Provides Training Information", "Pipe mode": a channel's pipes are
`/opt/ml/input/data/CHANNEL_EPOCH`, from epoch 0 on; each is read to its end, or closed before, and then the next one is
there. No witness: whether a pipe that has been read stays where it was; here it does.
"""

from __future__ import annotations

import contextlib
import errno
import os
import struct
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_LOOK_SECONDS = 0.02  # between two looks whether somebody reads
_MAGIC = 0xCED7230A  # of RecordIO: MXNet's documentation, "RecordIO"; sagemaker-python-sdk, amazon/common.py
_ALIGNED = 4
_LONGEST = (1 << 29) - 1  # bytes of one record


class Pipe:
    """A channel's pipes on one host, filled from `start` to `stop`; `records` are what one epoch reads."""

    def __init__(self, folder: Path, channel: str, records: Callable[[], Iterable[bytes]]) -> None:
        """Make the first pipe."""
        self._folder, self._channel, self._records = folder, channel, records
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._fill, name=f"pipe {channel}", daemon=True)
        self._error: Exception | None = None
        self._on_failure: Callable[[], object] = lambda: None
        self._make(0)

    def start(self, *, on_failure: Callable[[], object]) -> None:
        """Begin to wait for a reader; call `on_failure` when there is no more to read: it would wait for ever."""
        self._on_failure = on_failure
        self._thread.start()

    def stop(self) -> Exception | None:
        """End that, when nothing of the container runs any more; return what reading for it has failed with."""
        self._stopped.set()
        self._thread.join()
        return self._error

    def _make(self, epoch: int) -> Path:
        pipe = self._folder / f"{self._channel}_{epoch}"
        with contextlib.suppress(FileExistsError):
            os.mkfifo(pipe)
        return pipe

    def _fill(self) -> None:
        epoch = 0
        while (reader := self._await_reader(self._make(epoch))) is not None:
            epoch += 1
            self._make(epoch)  # before this one ends: who has read it looks for the next at once
            try:
                with open(reader, "wb") as pipe:  # noqa: PTH123 - it is a file descriptor
                    pipe.writelines(self._records())
            except BrokenPipeError:
                continue  # the reader has had enough
            except Exception as error:  # noqa: BLE001 - whatever it is, it is why the job fails
                self._error = error
                self._on_failure()
                return

    def _await_reader(self, pipe: Path) -> int | None:
        while not self._stopped.is_set():
            try:
                descriptor = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:  # nobody reads yet
                    self._error = error
                    return None
                self._stopped.wait(_LOOK_SECONDS)
            else:
                os.set_blocking(descriptor, True)
                return descriptor
        return None


def wrapped(contents: Iterable[bytes]) -> Iterator[bytes]:
    """Yield each content as a RecordIO record. Raises ValueError for one that is too long to be one."""
    for content in contents:
        if len(content) > _LONGEST:
            raise ValueError(f"a record has {len(content):,} bytes; RecordIO takes {_LONGEST:,}")
        yield struct.pack("<II", _MAGIC, len(content)) + content + bytes(-len(content) % _ALIGNED)
