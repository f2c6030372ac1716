"""What a change of S3's writes: records as rows have them, and the contents that were bytes in memory until then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.storage.contents import Content, Loaded
from embedded_aws.storage.small_contents import MOST_BYTES, SmallContent

if TYPE_CHECKING:
    import sqlite3

    from embedded_aws.storage.contents import Holder
    from embedded_aws.storage.object_files import ObjectFiles
    from embedded_aws.storage.small_contents import SmallContents

    Record = dict[str, Any]


class Written:
    """What holds the contents that each row names, and every content that was bytes in memory, once."""

    def __init__(self, connection: sqlite3.Connection, files: ObjectFiles, small: SmallContents) -> None:
        self.rows: dict[tuple[Any, ...], list[Holder] | None] = {}
        self._connection = connection
        self._files = files
        self._small = small
        self._contents: dict[int, tuple[bytes, Content]] = {}

    def plain(self, record: Record, member: str, used: list[Holder], *, may_be_small: bool = False) -> Record:
        """Return a record as a row has it; the record's content is on the disk from now on. Raises OSError.

        What may become a piece of something larger is none of the small contents, which are gone while they are read.
        """
        body = record.get(member)
        if body is None:
            return record
        content = record[member] = self._content(body, may_be_small=may_be_small)
        used += content.holders()
        return {**record, member: content.described()}

    def _content(self, body: Any, *, may_be_small: bool) -> Content:
        if isinstance(body, Content):
            return body
        if isinstance(body, Loaded) and (may_be_small or not _is_small(body.content)):
            return body.content
        if id(body) not in self._contents:
            small = may_be_small and 0 < len(body) <= MOST_BYTES
            content = self._small.add(self._connection, body) if small else self._files.write(body)
            self._contents[id(body)] = body, content
        return self._contents[id(body)][1]


def _is_small(content: Content) -> bool:
    return any(isinstance(holder, SmallContent) for holder in content.holders())
