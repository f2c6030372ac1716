"""S3 keeps its objects: what a request has changed is in the database and in files when it is answered.

A request changes all that it changes, or nothing: its keys and uploads are written in one transaction once ministack's
handler is through, events are sent after that, and if it is refused, or can't be written, memory is brought back to
what the rows say. ministack itself writes a file after the other and goes on when it can't.

A disk that is full is told in a sentence with the status 507, after which botocore stops; it tries 500, 502, 503 and
504 again. S3 itself is never full; MinIO, an S3 that can be, answers so (its `XMinioStorageFull`).
"""

from __future__ import annotations

import errno
import functools
import logging
import sqlite3
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ministack.core.responses import AccountScopedDict, get_account_id
from ministack.services import s3

from embedded_aws.database import StateError
from embedded_aws.patches.changing_requests import READ_METHODS
from embedded_aws.patches.patching import Patches, assign
from embedded_aws.patches.s3_records import Change, Records
from embedded_aws.storage.object_files import ObjectFiles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from embedded_aws.database import Database
    from embedded_aws.patches.service_handlers import Response

    Query = dict[str, list[str]]
    Record = dict[str, Any]

log = logging.getLogger(__name__)

_FULL = (errno.ENOSPC, errno.EDQUOT)

_RECORDS: list[Records] = []
_FILES: list[ObjectFiles] = []
_CHANGE: ContextVar[Change | None] = ContextVar("change", default=None)

patches = Patches()


@dataclass(frozen=True)
class Storage:
    """Where objects are kept."""

    database: Database
    folder: Path

    def apply(self) -> None:
        """Keep objects there from now on, and bring back what is there; after the buckets have come back."""
        _FILES[:] = [ObjectFiles(self.folder)]
        _RECORDS[:] = [Records(self.database, _FILES[0])]
        buckets = _Buckets()
        buckets._data.update(s3._buckets._data)
        assign(__name__, s3, "_buckets", buckets)
        patches.apply()
        _RECORDS[0].load()
        s3._reschedule_restores()


def files() -> ObjectFiles:
    """Return where contents lie."""
    return _FILES[0]


def refused(error: Exception) -> Response:
    """Return S3's answer for what could not be written or read."""
    cause = error.__cause__ or error
    if getattr(cause, "errno", None) in _FULL or getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        message = (
            f"The disk under {files().folder} is full, so nothing of this request was kept. Delete objects, or make "
            "room on the disk in another way, and try again."
        )
        return s3._error("InsufficientStorage", message, HTTPStatus.INSUFFICIENT_STORAGE)
    log.error("S3 can't read or write: %s", error)
    message = f"The embedded AWS can't read or write {files().folder}: {error}. What was kept there is as it was."
    return s3._error("InternalError", message, HTTPStatus.INTERNAL_SERVER_ERROR)


class _Buckets(AccountScopedDict):  # type: ignore[type-arg]  # it has none when it runs
    """The buckets: one that goes takes its rows along, whichever service removes it."""

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        _change(lambda change: change.gone.add((get_account_id(), name)))

    def pop(self, name: str, *default: Any) -> Any:
        if name in self:
            _change(lambda change: change.gone.add((get_account_id(), name)))
        return super().pop(name, *default)


def _change(add: Callable[[Change], object]) -> None:
    """Add to what the request at hand changes; what no request changes is kept at once. Raises OSError, StateError."""
    change = _CHANGE.get()
    if change is not None and not change.is_over:
        add(change)
        return
    change = Change()
    add(change)
    _keep(change)


def _keep(change: Change) -> None:
    try:
        _RECORDS[0].keep(change)
    except BaseException:
        _RECORDS[0].undo(change)
        raise


def touch(bucket: str, key: str) -> None:
    """Keep what stands in memory of a key, with what else the request at hand changes. Raises OSError, StateError."""
    _change(lambda change: change.keys.add((get_account_id(), bucket, key)))


def _carried_out(change: Change, work: Callable[[], Response]) -> Response:
    """Do what a request asks for: it is kept when it is answered, or nothing has changed."""
    outer = _CHANGE.get()
    if outer is not None and not outer.is_over:
        outer.add(change)
        return work()
    token = _CHANGE.set(change)
    try:
        answer = work()
        if answer[0] < HTTPStatus.BAD_REQUEST:
            _RECORDS[0].keep(change)
        else:
            _RECORDS[0].undo(change)
    except BaseException as error:
        _RECORDS[0].undo(change)
        if isinstance(error, OSError | StateError):
            return refused(error)
        raise
    finally:
        change.is_over = True
        _CHANGE.reset(token)
    for each in change.then:
        each()
    return answer


@patches.wraps(s3._dispatch)
def _dispatch(
    original: Callable[[str, str, str, dict[str, str], Any, Query], Response],
    method: str,
    bucket: str,
    key: str,
    headers: dict[str, str],
    body: Any,
    query_params: Query,
) -> Response:
    """Carry out a client's request."""
    work = functools.partial(original, method, bucket, key, headers, body, query_params)
    if method in READ_METHODS:
        try:
            return work()
        except OSError as error:
            return refused(error)
    change, account = Change(), get_account_id()
    if upload := query_params.get("uploadId", [""])[0]:
        number = query_params.get("partNumber", [""])[0]
        change.uploads[account, upload] = int(number) if number.isdigit() else None
    if key and (not upload or method == "POST"):
        change.keys.add((account, bucket, key))
    return _carried_out(change, work)


@patches.wraps(s3._put_object)
def _put_object(
    original: Callable[[str, str, Any, dict[str, str]], Response],
    bucket_name: str,
    key: str,
    body: Any,
    headers: dict[str, str],
) -> Response:
    """Carry out what other services of ministack's put, too."""
    change = Change(keys={(get_account_id(), bucket_name, key)})
    return _carried_out(change, functools.partial(original, bucket_name, key, body, headers))


@patches.wraps(s3._create_multipart_upload)
def _create_multipart_upload(
    original: Callable[[str, str, dict[str, str]], Response], bucket_name: str, key: str, headers: dict[str, str]
) -> Response:
    before = set(s3._multipart_uploads._data)
    answer = original(bucket_name, key, headers)
    for upload in s3._multipart_uploads._data.keys() - before:
        _change(lambda change, upload=upload: change.uploads.update({upload: None}))  # type: ignore[misc]  # bound now
    return answer


@patches.wraps(s3._fire_s3_event_async)
def _fire_s3_event_async(
    original: Callable[..., None], bucket_name: str, key: str, event_name: str, *more: Any, **how: Any
) -> None:
    """Send an event when what it tells of is kept."""
    change = _CHANGE.get()
    send = functools.partial(original, bucket_name, key, event_name, *more, **how)
    if change is None or change.is_over:
        send()
    elif bucket_name in s3._bucket_notifications:
        change.then.append(functools.partial(copy_context().run, send))


@patches.replaces(s3._persist_object)
def _persist_object(bucket: str, key: str, obj: Record) -> None:
    touch(bucket, key)


@patches.replaces(s3._persist_delete_marker)
def _persist_delete_marker(bucket_name: str, key: str, marker: Record) -> None:
    touch(bucket_name, key)


@patches.replaces(s3._persist_version_state)
def _persist_version_state(bucket_name: str, key: str, bucket: Record) -> None:
    touch(bucket_name, key)


@patches.replaces(s3._delete_persisted_object)
def _delete_persisted_object(bucket_name: str, key: str) -> None:
    touch(bucket_name, key)


@patches.wraps(s3.reset)
def _reset(original: Callable[[], None]) -> None:
    original()
    _RECORDS[0].forget()
