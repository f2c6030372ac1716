"""CloudWatch Logs finds by filter patterns what AWS finds by them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GROUP = "/lab/patterns"
LINES = ("[ERROR 400] BAD REQUEST", "[error 401] Unauthorized Request", "epoch=1 loss=0.5", "[ERROR 419] MISSING ARGS")


@pytest.fixture(scope="module")
def logs(client: Callable[[str], Any]) -> Iterator[Any]:
    """A client of a log group with a few lines in it."""
    made = client("logs")
    made.create_log_group(logGroupName=GROUP)
    made.create_log_stream(logGroupName=GROUP, logStreamName="one")
    now = int(time.time() * 1000)
    events = [{"timestamp": now + number, "message": line} for number, line in enumerate(LINES)]
    made.put_log_events(logGroupName=GROUP, logStreamName="one", logEvents=events)
    yield made
    made.delete_log_group(logGroupName=GROUP)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("", [0, 1, 2, 3]),
        ("ERROR", [0, 3]),
        ("error", [1]),
        ("ERROR BAD", [0]),
        ("?BAD ?MISSING", [0, 3]),
        ("ERROR -MISSING", [0]),
        ('"loss=0.5"', [2]),
        ('"BAD REQUEST"', [0]),
        ('-"BAD REQUEST"', [1, 2, 3]),
        ("%[Ee]rror 40[01]%", [1]),
        ("%ERROR|loss%", [0, 2, 3]),
        ("nothing", []),
    ],
)
def test_a_pattern_finds(logs: Any, pattern: str, found: list[int]) -> None:
    """Terms are case-sensitive; signs, quotes and regular expressions mean what the user guide says."""
    events = logs.filter_log_events(logGroupName=GROUP, filterPattern=pattern)["events"]
    assert [event["message"] for event in events] == [LINES[number] for number in found]


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("loss=0.5", r"Invalid character\(s\) in term '='"),
        ('"BAD', "Invalid filter pattern"),
        ("%[%", "Invalid regex pattern"),
        ('{ $.level = "ERROR" }', "terms and regular expressions only"),
        ("[time, level]", "terms and regular expressions only"),
    ],
)
def test_a_pattern_that_is_none(logs: Any, pattern: str, sentence: str) -> None:
    """It is refused with a sentence, never taken for one that finds all."""
    with pytest.raises(logs.exceptions.InvalidParameterException, match=sentence):
        logs.filter_log_events(logGroupName=GROUP, filterPattern=pattern)
