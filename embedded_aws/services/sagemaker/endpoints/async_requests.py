"""Requests of InvokeEndpointAsync that wait for an instance: a queue an endpoint, kept in the database."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from embedded_aws.database import Database
    from embedded_aws.services.sagemaker.store import Record

    Key = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class AsyncRequest:
    """One request: where its payload is, what goes with it, and where its answer, or its failure, is to go.

    `received` is in seconds since the epoch, `headers` are those that the container gets.
    """

    inference_id: str
    received: float
    ttl: float
    timeout: float
    headers: dict[str, str]
    output: str
    failure: str | None
    input_location: str | None
    body: bytes | None = None
    number: int = 0

    def document(self) -> str:
        """Return what is kept of it, but its body."""
        return json.dumps({**dataclasses.asdict(self), "body": None})


class RequestQueues:
    """The queues of all endpoints. Thread-safe. `changed` is notified when a request comes."""

    def __init__(self, database: Database | None) -> None:
        """Take up what is kept; without a database nothing is."""
        self.changed = threading.Condition()
        self._waiting: dict[Key, deque[AsyncRequest]] = defaultdict(deque)
        self._running: dict[Key, dict[int, AsyncRequest]] = defaultdict(dict)
        self._database = database
        self._numbers = 0
        if database:
            database.create(
                "CREATE TABLE IF NOT EXISTS sagemaker_async_requests (number INTEGER PRIMARY KEY AUTOINCREMENT, "
                "account TEXT NOT NULL, region TEXT NOT NULL, endpoint TEXT NOT NULL COLLATE NOCASE, "
                "request TEXT NOT NULL, body BLOB)"
            )
            query = "SELECT number, account, region, endpoint, request, body FROM sagemaker_async_requests ORDER BY 1"
            for number, *key, request, body in database.rows(query):
                kept = AsyncRequest(**{**json.loads(request), "body": body, "number": number})
                self._waiting[key[0], key[1], key[2]].append(kept)

    def put(self, endpoint: Record, request: AsyncRequest) -> None:
        """Keep a request. Raises StateError."""
        key = _key(endpoint)
        number = None
        if self._database:
            with self._database.transaction() as connection:
                number = connection.execute(
                    "INSERT INTO sagemaker_async_requests (account, region, endpoint, request, body) "
                    "VALUES (?, ?, ?, ?, ?)",
                    (*key, request.document(), request.body),
                ).lastrowid
        with self.changed:
            self._numbers += 1
            self._waiting[key].append(dataclasses.replace(request, number=number or self._numbers))
            self.changed.notify_all()

    def take(
        self, endpoint: Record, *, matching: Callable[[AsyncRequest], bool] = lambda _: True
    ) -> AsyncRequest | None:
        """Return the next request that matches, which is being worked on from then on; None if there is none."""
        key = _key(endpoint)
        with self.changed:
            waiting = self._waiting[key]
            found = next(filter(matching, waiting), None)
            if found:
                waiting.remove(found)
                self._running[key][found.number] = found
            return found

    def give_back(self, endpoint: Record, request: AsyncRequest) -> None:
        """Let a request wait again, before all others."""
        key = _key(endpoint)
        with self.changed:
            if self._running[key].pop(request.number, None):
                self._waiting[key].appendleft(request)
            self.changed.notify_all()

    def done(self, endpoint: Record, request: AsyncRequest) -> None:
        """Forget a request. Raises StateError."""
        with self.changed:
            self._running[_key(endpoint)].pop(request.number, None)
            self.changed.notify_all()
        self._delete("number = ?", request.number)

    def discard(self, endpoint: Record) -> None:
        """Forget all requests of an endpoint. Raises StateError."""
        key = _key(endpoint)
        with self.changed:
            self._waiting.pop(key, None)
            self._running.pop(key, None)
        self._delete("(account, region, endpoint) = (?, ?, ?)", *key)

    def waiting(self, endpoint: Record) -> int:
        """Return how many requests wait."""
        return len(self._waiting[_key(endpoint)])

    def all(self, endpoint: Record) -> list[AsyncRequest]:
        """Return the requests that wait or are worked on."""
        key = _key(endpoint)
        with self.changed:
            return [*self._running[key].values(), *self._waiting[key]]

    def _delete(self, condition: str, *values: str | int) -> None:
        if self._database:
            with self._database.transaction() as connection:
                connection.execute(f"DELETE FROM sagemaker_async_requests WHERE {condition}", values)  # noqa: S608 - constants


def _key(endpoint: Record) -> Key:
    return endpoint.account, endpoint.region, endpoint.name.lower()
