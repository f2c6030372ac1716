"""Filter patterns of CloudWatch Logs, in FilterLogEvents, live tails and subscription filters, as AWS reads them.

Terms are case-sensitive; all of them must be in a message, one of those with a `?` if there is any, and none of those
with a `-`. What is no letter, digit or underscore must be quoted, and `%…%` is a regular expression. Source: CloudWatch
Logs' user guide, "Filter pattern syntax"; the sentence about characters is that which users quote. Patterns of JSON,
`{…}`, and of columns, `[…]`, are refused by FilterLogEvents, and match nothing elsewhere: ministack let them match
everything. Not compared with AWS: whether a term may be a part of a longer word (it may here).

Events that are older than their group's retention go within the hour; AWS takes up to 72 hours for it (CloudWatch Logs'
user guide, "Change log data retention").
"""

from __future__ import annotations

import bisect
import functools
import re
import threading
import time
from typing import TYPE_CHECKING, Any

from ministack.core.responses import error_response_json
from ministack.services import cloudwatch_logs

from embedded_aws.patches.patching import Patches

if TYPE_CHECKING:
    from collections.abc import Callable

    from embedded_aws.patches.event_loop import EventLoop
    from embedded_aws.patches.service_handlers import Response
    from embedded_aws.services.sagemaker.clock import Clock

    Matches = Callable[[str], bool]

_TERM = re.compile(r'\s*(?P<sign>[?-]?)(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s"]+))(?=\s|$)')
_ODD = re.compile(r"\W")
_EXPRESSION = re.compile(r"%(.+)%", re.DOTALL)
_QUOTED = re.compile(r"\\(.)")


_RETENTION_SECONDS = 3600
_DAY_MILLISECONDS = 86_400_000
_MOST_MILLISECONDS = 253_402_300_799_999  # the end of the year 9999: what a date can be


class PatternError(ValueError):
    """A pattern that CloudWatch Logs would not take, or that is not read here."""


patches = Patches()


def apply(clock: Clock, loop: EventLoop) -> None:
    """Let patterns be read so, FilterLogEvents refuse those that are none, and events go when their time is over."""
    patches.apply()

    def look() -> None:
        loop.call_soon("", "", expire)
        while clock.sleep(_RETENTION_SECONDS, at_least=1.0):
            loop.call_soon("", "", expire)

    threading.Thread(target=look, name="log retention", daemon=True).start()


def expire() -> None:
    """Remove the events of all accounts that are older than their group's retention."""
    now = time.time() * 1000
    for (account, region, _), group in list(cloudwatch_logs._log_groups._data.items()):
        if days := group.get("retentionInDays"):
            for stream in group["streams"].values():
                with cloudwatch_logs._log_events_lock:
                    events, first = stream["events"], now - days * _DAY_MILLISECONDS
                    old = bisect.bisect_left(events, first, key=lambda event: event["timestamp"])
                    stream["events"] = events[old:] if old else events
                    for event in events[:old]:  # GetLogRecord has a copy of each
                        cloudwatch_logs._log_records._data.pop((account, region, event.get("eventId")), None)


@patches.replaces(cloudwatch_logs._forget_log_records_for_group)
def _forget_log_records_for_group(group_name: str) -> None:
    """Remove the records of a group's events, by those events: ministack looks at the records of all groups."""
    for stream_name in cloudwatch_logs._log_groups[group_name]["streams"]:
        _forget_log_records_for_stream(group_name, stream_name)


@patches.replaces(cloudwatch_logs._forget_log_records_for_stream)
def _forget_log_records_for_stream(group_name: str, stream_name: str) -> None:
    for event in cloudwatch_logs._log_groups[group_name]["streams"][stream_name]["events"]:
        cloudwatch_logs._log_records.pop(event.get("eventId", ""), None)


@patches.wraps(cloudwatch_logs._put_log_events)
def _put_log_events(original: Callable[[dict[str, Any]], Response], data: dict[str, Any]) -> Response:
    """Refuse events of other types than the model's: ministack would keep them, and could not read the stream again."""
    for number, event in enumerate(data.get("logEvents") or ()):
        if not (
            isinstance(event, dict)
            and type(event.get("timestamp")) is int
            and abs(event["timestamp"]) <= _MOST_MILLISECONDS
            and isinstance(event.get("message"), str)
        ):
            return error_response_json(
                "SerializationException", f"logEvents[{number}] must have an integer timestamp and a text message.", 400
            )
    return original(data)


@patches.wraps(cloudwatch_logs._filter_log_events)
def _filter_log_events(original: Callable[[dict[str, Any]], Response], data: dict[str, Any]) -> Response:
    try:
        matcher(data.get("filterPattern", ""))
    except PatternError as error:
        return error_response_json("InvalidParameterException", str(error), 400)
    return original(data)


@patches.replaces(cloudwatch_logs._compile_filter_pattern)
def _compile_filter_pattern(raw: str) -> Matches:
    return matcher(raw)


@patches.replaces(cloudwatch_logs._subscription_pattern_matches)
def _subscription_pattern_matches(pattern: str | None, message: str | None) -> bool:
    try:
        return matcher(pattern or "")(message or "")
    except PatternError:
        return False


@functools.lru_cache(maxsize=256)
def matcher(pattern: str) -> Matches:
    """Return what tells whether a message matches. Raises PatternError."""
    pattern = pattern.strip()
    if pattern.startswith(("{", "[")):
        raise PatternError(
            f"The embedded AWS reads filter patterns of terms and regular expressions only, not this: {pattern}"
        )
    if expression := _EXPRESSION.fullmatch(pattern):
        try:
            compiled = re.compile(expression[1])
        except re.error as error:
            raise PatternError(f"Invalid regex pattern {pattern}: {error}") from error
        return lambda message: bool(compiled.search(message))
    every, some, none = _terms(pattern)
    return lambda message: (
        all(term in message for term in every)
        and (not some or any(term in message for term in some))
        and not any(term in message for term in none)
    )


def _terms(pattern: str) -> tuple[list[str], list[str], list[str]]:
    found: dict[str, list[str]] = {"": [], "?": [], "-": []}
    position = 0
    while position < len(pattern):
        term = _TERM.match(pattern, position)
        if term is None:
            raise PatternError(f"Invalid filter pattern: {pattern}")
        position = term.end()
        quoted, bare = term["quoted"], term["bare"]
        if bare and (odd := _ODD.search(bare)):
            raise PatternError(f"Invalid character(s) in term '{odd[0]}'")
        found[term["sign"]].append(bare or _QUOTED.sub(r"\1", quoted))
    return found[""], found["?"], found["-"]
