"""What CloudWatch Logs holds, in the database: a row for each group and each stream, and the streams' events.

Of groups and streams that nobody has asked for nothing is read; all are looked at now and then, whoever asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.services import cloudwatch_logs

from embedded_aws.patches.kept_series import KeptSeries
from embedded_aws.patches.noted import Noted

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from embedded_aws.database import Database
    from embedded_aws.patches.kept_rows import KeptRows

    Key = tuple[str, str, str]  # account, region, name
    Group = dict[str, Any]

SERVICE, GROUPS, STREAMS = "cloudwatch_logs", "log_groups", "log_streams"


class _Groups(Noted["Key", "Group"]):
    """All log groups; each one's streams note who is asked for, before anybody can see the group."""

    def __init__(self, content: dict[Key, Group]) -> None:
        for group in content.values():
            _note_streams(group)
        super().__init__(content)

    def __setitem__(self, key: Key, value: Group) -> None:
        _note_streams(value)
        super().__setitem__(key, value)


def _note_streams(group: Group) -> None:
    if not isinstance(group["streams"], Noted):
        group["streams"] = Noted(group["streams"])


class KeptLogs:
    """What stands in the database of log groups."""

    def __init__(self, database: Database, rows: KeptRows) -> None:
        self._rows = rows
        rows.one_by_one |= {GROUPS, STREAMS}
        self._events = KeptSeries(database, "log events")
        self._groups = _Groups({})
        self._written: dict[Key, set[str]] = {}  # the groups' streams

    def give_back(self, kept: dict[str, Any]) -> None:
        """Put streams into the groups that were kept, events into the streams, and make the records of the events."""
        events = self._events.load()
        self._look_up()
        groups = kept[GROUPS]._data if GROUPS in kept else {}
        streams = kept.pop(STREAMS)._data if STREAMS in kept else {}
        for (account, region, group, name), stream in streams.items():
            groups[account, region, group]["streams"][name] = stream
        for (account, region, group), content in groups.items():
            for name, stream in content["streams"].items():
                stream["events"] = events.get(repr((account, region, group, name)), [])
                for event in stream["events"]:
                    if pointer := event.get("eventId"):
                        record = cloudwatch_logs._build_log_record(
                            ptr=pointer,
                            timestamp_ms=event["timestamp"],
                            message=event["message"],
                            log_group=group,
                            log_stream=name,
                        )
                        cloudwatch_logs._log_records._data[account, region, pointer] = record

    def watch(self) -> None:
        """Note, from now on, what is asked for."""
        self._groups = _Groups(cloudwatch_logs._log_groups._data)
        cloudwatch_logs._log_groups._data = self._groups

    def write(self, connection: sqlite3.Connection, *, whole: bool, a_round: bool) -> None:
        """Write what may be another: of what was asked for, now or `a_round` ago, or of all."""
        for key in {*self._groups} | {*self._written} if whole else self._groups.asked(a_round=a_round):
            group = self._groups.look_up(key)
            self._rows.write_one(connection, SERVICE, GROUPS, key, group and {**group, "streams": {}})
            written = self._written.setdefault(key, set())
            if group is None:
                self._write_streams(connection, key, {}, [*written])
                del self._written[key]
            else:
                streams: Noted[str, dict[str, Any]] = group["streams"]
                asked = {*streams} | written if whole else streams.asked(a_round=a_round)
                self._write_streams(connection, key, streams, asked)

    def _write_streams(
        self, connection: sqlite3.Connection, key: Key, streams: Mapping[str, dict[str, Any]], asked: Iterable[str]
    ) -> None:
        for name in asked:
            stream = dict.get(streams, name)  # type: ignore[call-overload]  # leaves no note
            self._rows.write_one(connection, SERVICE, STREAMS, (*key, name), stream and {**stream, "events": []})
            self._events.write_one(connection, repr((*key, name)), stream["events"] if stream else None)
            (self._written[key].add if stream else self._written[key].discard)(name)

    def forget_written(self) -> None:
        """Look up what is written: a transaction has failed, and what it would have written is to be written whole."""
        self._events.forget_written()
        self._look_up()

    def _look_up(self) -> None:
        self._written = {key: set() for key in self._rows.keys(SERVICE, GROUPS)}
        for *key, name in self._rows.keys(SERVICE, STREAMS):
            self._written.setdefault((key[0], key[1], key[2]), set()).add(name)
