"""A log stream in CloudWatch Logs, written in batches while the lines come."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger(__name__)

# Quotas of PutLogEvents: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
_BATCH_EVENTS = 10_000
_BATCH_BYTES = 1_048_576
_EVENT_OVERHEAD = 26
_EVENT_BYTES = 262_144 - _EVENT_OVERHEAD
_FLUSH_SECONDS = 0.3


class Clients(Protocol):
    """Makes boto3 clients as who writes a log: a role, for the most part."""

    def client(self, service: str) -> Any:
        """Return the client for a service."""


class LogStream:
    """One stream of one group; both are made when the first line is written.

    A role that may not write logs loses them, as on AWS: its job or endpoint goes on.
    """

    def __init__(self, clients: Clients, *, group: str, stream: str) -> None:
        self.group, self.stream = group, stream
        self._clients = clients
        self._client: Any = None
        self._events: list[dict[str, Any]] = []
        self._wake = threading.Condition()
        self._closing = False
        self._writer = threading.Thread(target=self._write, name=f"logs {stream}", daemon=True)
        self._writer.start()

    def put(self, line: str) -> None:
        """Add a line with the time of now. Never blocks on the network."""
        event = {
            "timestamp": time.time_ns() // 1_000_000,
            "message": line.encode()[:_EVENT_BYTES].decode(errors="ignore"),
        }
        with self._wake:
            self._events.append(event)
            self._wake.notify()

    def close(self) -> None:
        """Write what is left and end."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._writer.join()

    def _write(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._events or self._closing)
                closing = self._closing
            if not closing:
                time.sleep(_FLUSH_SECONDS)  # lines that follow closely go in one call
            with self._wake:
                events, self._events = self._events, []
            # An empty message is refused by the service; a line without text is not worth one.
            for batch in _batches([event for event in events if event["message"]]):
                self._send(batch)
            if closing and not self._events:
                return

    def _send(self, batch: list[dict[str, Any]]) -> None:
        try:
            if self._client is None:
                self._client = self._open()
            self._client.put_log_events(logGroupName=self.group, logStreamName=self.stream, logEvents=batch)
        except (ClientError, BotoCoreError) as error:
            log.warning("%d lines of log stream %s %s were lost: %s", len(batch), self.group, self.stream, error)

    def _open(self) -> Any:
        """Make the group only if it is missing: a role may write into one that it could not make.

        Not compared with AWS: whether its agent tries to make it first, and gives up where it may not.
        """
        client = self._clients.client("logs")
        where = {"logGroupName": self.group, "logStreamName": self.stream}
        with suppress(client.exceptions.ResourceAlreadyExistsException):
            try:
                client.create_log_stream(**where)
            except client.exceptions.ResourceNotFoundException:
                with suppress(client.exceptions.ResourceAlreadyExistsException):
                    client.create_log_group(logGroupName=self.group)
                client.create_log_stream(**where)
        return client


def _batches(events: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    batches: list[list[dict[str, Any]]] = []
    size = _BATCH_BYTES
    for event in events:
        cost = len(event["message"].encode()) + _EVENT_OVERHEAD
        if size + cost > _BATCH_BYTES or len(batches[-1]) == _BATCH_EVENTS:
            batches.append([])
            size = 0
        batches[-1].append(event)
        size += cost
    return batches
