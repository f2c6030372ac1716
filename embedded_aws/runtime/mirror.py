"""A container's folder kept in S3 while its job runs, as checkpoints and TensorBoard's logs are.

What AWS documents (SageMaker's guide, Checkpoints): what is in S3 at the start is brought into the folder, what is
added there later is not; new files go to S3 while the job runs; what is deleted in the folder is deleted in S3.
What it does not say: how often it looks, what it does with a file that is just being written, with a job whose role may
not put files there, or not delete them. Here a file goes once it has stayed the same for a second, the job fails, and
the file stays.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import TYPE_CHECKING, Any

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.runtime import s3_objects, s3_uris
from embedded_aws.runtime.archives import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
_State = tuple[int, int]  # a file's size, and the time of its last change in ns


class MirrorError(Exception):
    """A folder that can't be kept in S3; the message is S3's."""


class Mirror:
    """One folder and its place in S3.

    `append_only`: its files are only ever appended to, so that each is worth having before it is whole.
    `delete_removed`: what is deleted in the folder is deleted in S3.
    """

    def __init__(
        self,
        s3: Any,
        folder: Path,
        uri: str,
        *,
        key_id: str | None = None,
        append_only: bool = False,
        delete_removed: bool = False,
    ) -> None:
        """Make the folder."""
        self._s3, self._folder, self._uri = s3, folder, s3_uris.plain(uri).rstrip("/")
        self._key_id, self._append_only, self._delete_removed = key_id, append_only, delete_removed
        self._seen: dict[str, _State] = {}
        self._uploaded: dict[str, _State] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def download(self) -> None:
        """Bring what is in S3 into the folder. Raises MirrorError."""
        with _s3_errors():
            s3_objects.download_all(self._s3, s3_objects.list_prefix(self._s3, f"{self._uri}/"), self._folder)
        self._uploaded = self._scan()

    def upload_changes(self, *, last: bool = False) -> None:
        """Upload what has changed since the last call; `last`: nothing writes any more. Raises MirrorError."""
        now = self._scan()
        settled = now if last or self._append_only else {n: s for n, s in now.items() if self._seen.get(n) == s}
        gone = [name for name in self._uploaded if name not in now and (last or name not in self._seen)]
        self._seen = now
        with _s3_errors():
            for name, state in settled.items():
                if self._uploaded.get(name) != state:
                    self._upload(name, state)
            for name in gone:
                self._forget(name)

    def _scan(self) -> dict[str, _State]:
        found = {}
        for path in sorted(self._folder.rglob("*")):
            with contextlib.suppress(FileNotFoundError):
                if path.is_file():
                    stat = path.stat()
                    found[path.relative_to(self._folder).as_posix()] = (stat.st_size, stat.st_mtime_ns)
        return found

    def _upload(self, name: str, state: _State) -> None:
        try:
            s3_objects.upload(self._s3, self._folder / name, f"{self._uri}/{name}", key_id=self._key_id)
        except FileNotFoundError:  # gone since the scan: the next one sees it
            return
        self._uploaded[name] = state

    def _forget(self, name: str) -> None:
        del self._uploaded[name]
        if self._delete_removed:
            bucket, key = s3_uris.split(f"{self._uri}/{name}")
            try:
                self._s3.delete_object(Bucket=bucket, Key=key)
            except (ClientError, BotoCoreError) as error:
                log.warning("%s/%s stays in S3: %s", self._uri, name, error)


class Mirrors:
    """The mirrors of one job's hosts, looked at every second between `start` and `stop`."""

    def __init__(self, mirrors: Sequence[Mirror]) -> None:
        self._mirrors = mirrors
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._upload_regularly, name="mirrors", daemon=True)

    def start(self) -> None:
        """Begin to look for changes."""
        self._thread.start()

    def stop(self, *, last: bool) -> None:
        """End that; `last`: upload everything that is there now, to which nothing writes any more.

        Raises MirrorError.
        """
        self._stopped.set()
        self._thread.join()
        if last:
            for mirror in self._mirrors:
                mirror.upload_changes(last=True)

    def _upload_regularly(self) -> None:
        while not self._stopped.wait(LOOK_SECONDS):
            for mirror in self._mirrors:
                try:
                    mirror.upload_changes()
                except MirrorError as error:  # the last look tells the job
                    log.warning("%s", error)


@contextlib.contextmanager
def _s3_errors() -> Any:
    try:
        yield
    except (ClientError, BotoCoreError, S3UploadFailedError, ArchiveError) as error:
        raise MirrorError(str(error)) from error
