"""The log of an endpoint, emptied again and again: it is the account's data, and would hide what a process loses."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_EVERY_SECONDS = 5


@contextmanager
def emptied(logs: Any, endpoint: str) -> Iterator[None]:
    """Delete the endpoint's log streams and make them again every few seconds, while the block runs."""
    over = threading.Event()

    def keep_empty() -> None:
        while not over.wait(_EVERY_SECONDS):
            _empty(logs, f"/aws/sagemaker/Endpoints/{endpoint}")

    thread = threading.Thread(target=keep_empty, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _empty(logs: Any, group: str) -> None:
    for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]:
        name = {"logGroupName": group, "logStreamName": stream["logStreamName"]}
        logs.delete_log_stream(**name)
        logs.create_log_stream(**name)
