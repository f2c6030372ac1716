"""A seat's files, kept aside in the lab's bucket while the seat is made anew, and brought back when it stands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cli.aws import jupyter
from infra.settings import DATA_FILES
from teardown.buckets import empty

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.aws.session import Session

_OBJECTS, _NOTEBOOK = "objects/", "notebook/"  # what lay in the bucket, and on the notebook's volume
_BEFORE = "before-rebuild/"  # below the seat's prefix: what has no other place there any more


class SeatFiles:
    """The files of one seat. What an attempt before this one has kept is kept on, beside what is newer."""

    def __init__(self, session: Session, bucket: str, seat: str) -> None:
        self._session, self._s3, self._bucket = session, session.client("s3"), bucket
        self._own, self._aside = f"seats/{seat}/", f"aside/{seat}/"

    def __str__(self) -> str:
        """Return where they are kept."""
        return f"s3://{self._bucket}/{self._aside}"

    @property
    def before(self) -> str:
        """Return where those are found again that the new seat has no place for."""
        return f"s3://{self._bucket}/{self._own}{_BEFORE}"

    def set_aside(self) -> None:
        """Copy what lies in the bucket below the seat's prefix.

        What an attempt before this one has kept under the same name, and did not come to bring back, is kept beside it.
        """
        kept = set(self._below(f"{self._aside}{_OBJECTS}"))
        for name in list(self._below(self._own)):
            own, aside = f"{self._own}{name}", f"{self._aside}{_OBJECTS}{name}"
            if name in kept and not self._same(own, aside):
                beside = f"{_BEFORE}{name}"
                while beside in kept:
                    beside = f"{_BEFORE}{beside}"
                self._copy(aside, f"{self._aside}{_OBJECTS}{beside}")
                kept.add(beside)
            self._copy(own, aside)
            kept.add(name)

    def set_aside_notebook(self, instance: str) -> None:
        """Copy what lies on the volume of the seat's notebook, but for the lab's own data.

        Raises OSError or ValueError if the notebook does not answer.
        """
        for path, content in jupyter.files(self._session, instance):
            if path.removeprefix("data/") not in DATA_FILES:
                self._s3.upload_fileobj(content, self._bucket, f"{self._aside}{_NOTEBOOK}{path}")

    def bring_back(self) -> int:
        """Copy all of it to the new seat, whose own files stay as they are; how many went to `before`."""
        fresh = set(self._below(self._own))
        beside = 0
        for name in list(self._below(self._aside)):
            kept, path = f"{self._aside}{name}", name.partition("/")[2]
            if path in fresh and self._same(kept, f"{self._own}{path}"):
                continue  # the lab's own notebooks, as they were
            if name.startswith(_OBJECTS) and path not in fresh:
                self._copy(kept, f"{self._own}{path}")
            else:
                beside += 1
                self._copy(kept, f"{self._own}{_BEFORE}{name.removeprefix(_OBJECTS)}")
        self.forget()
        return beside

    def forget(self) -> None:
        """Delete what is kept."""
        empty(self._s3, self._bucket, self._aside)

    def _below(self, prefix: str) -> Iterator[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        for page in pages:
            yield from (each["Key"].removeprefix(prefix) for each in page.get("Contents", ()))

    def _copy(self, source: str, key: str) -> None:
        self._s3.copy({"Bucket": self._bucket, "Key": source}, self._bucket, key)

    def _same(self, key: str, other: str) -> bool:
        """Return whether two objects are the same but for a notebook's kernel."""
        return _without_kernel(self._read(key)) == _without_kernel(self._read(other))

    def _read(self, key: str) -> bytes:
        return bytes(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read())


def _without_kernel(content: bytes) -> object:
    """Return a notebook without the kernel it asks for, which the notebook instance's script writes into its copy."""
    try:
        notebook = json.loads(content)
        notebook["metadata"].pop("kernelspec", None)
    except (ValueError, LookupError, TypeError, AttributeError):
        return content
    return notebook
