#!/usr/bin/env python3
"""Runs the jobs of crontab's tables at their minutes, as crontab(5) has it, each in a shell of its own.

`crond` runs for ever, `crond --check TABLE` says what is wrong with a table. What a job prints is lost, as it is where
no mail is set up. Of the extensions of crontab(5) it knows ranges, lists, steps, names, `@hourly` and its like, and
variables; neither `%` as an end of line nor CRON_TZ.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 0, 7))
NAMES = {
    "month": ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    "day of week": ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
}
NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
VARIABLE = re.compile(r"([A-Za-z_]\w*)\s*=\s*(.*)")


def numbers(text: str, name: str, first: int, last: int) -> set[int]:
    """Return the numbers that a field names, none if it is not valid."""
    found: set[int] = set()
    for item in text.lower().split(","):
        span, _, step = item.partition("/")
        low, dash, high = ("*", "", "") if span == "*" else span.partition("-")
        start = first if low == "*" else number(low, name)
        end = last if low == "*" or (step and not dash) else number(high, name) if dash else start
        if not (first <= start <= end <= last and re.fullmatch("|[1-9][0-9]*", step)):
            return set()
        found.update(range(start, end + 1, int(step or 1)))
    return found


def number(text: str, name: str) -> int:
    """Return the number of a name, or the number itself; -1 for any other text."""
    names = NAMES.get(name, [])
    if text in names:
        return names.index(text) + (name == "month")
    return int(text) if re.fullmatch("[0-9]+", text) else -1


def jobs(lines: Iterable[str]) -> Iterator[tuple[Job, dict[str, str], str]]:
    """Yield a table's jobs: fields, variables and command. Raises ValueError with the line and the field's name."""
    variables: dict[str, str] = {}
    for line, content in enumerate(lines, 1):
        text = content.strip()
        assignment = VARIABLE.fullmatch(text)
        if not text or text.startswith("#"):
            continue
        if assignment:
            variables[assignment[1]] = assignment[2].strip("\"'")
            continue
        nickname, _, rest = text.partition(" ")
        words = f"{NICKNAMES[nickname]} {rest}".split(None, 5) if nickname in NICKNAMES else text.split(None, 5)
        fields = []
        for word, (name, first, last) in zip(words, FIELDS):
            found = numbers(word, name, first, last)
            if not found:
                raise ValueError(f"{line}: bad {name}")
            fields.append(found)
        if len(words) <= len(FIELDS):
            raise ValueError(f"{line}: bad command")
        yield Job(words, fields), dict(variables), words[len(FIELDS)]


class Job:
    """When a job is due."""

    def __init__(self, words: list[str], fields: list[set[int]]) -> None:
        """Take the fields, as words and as numbers."""
        self._days_either = not words[2].startswith("*") and not words[4].startswith("*")
        self._fields = fields

    def due(self, now: time.struct_time) -> bool:
        """Return whether it is due at a time; with both kinds of days either is enough."""
        minute, hour, day, month, weekday = self._fields
        on_day = now.tm_mday in day
        on_weekday = bool({(now.tm_wday + 1) % 7, (now.tm_wday + 1) % 7 or 7} & weekday)
        today = on_day or on_weekday if self._days_either else on_day and on_weekday
        return today and now.tm_min in minute and now.tm_hour in hour and now.tm_mon in month


def run(tables: Path, now: time.struct_time) -> None:
    """Start the jobs of all tables that are due at a time."""
    for table in sorted(tables.glob("[!.]*")):
        for job, variables, command in jobs(table.read_text().splitlines()):
            if job.due(now):
                # cron's own PATH; without a sandbox the machine's programs are where crond is.
                here = str(Path(sys.argv[0]).parent)
                path = "/usr/bin:/bin" if here == "/usr/bin" else here
                environment = {**os.environ, "PATH": path, "USER": table.name, "LOGNAME": table.name, **variables}
                subprocess.Popen(
                    [environment.get("SHELL", "/bin/sh"), "-c", command],
                    cwd=os.environ["HOME"],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )


def main() -> None:
    """Check a table, or run jobs for ever."""
    if sys.argv[1:2] == ["--check"]:
        try:
            list(jobs(Path(sys.argv[2]).read_text().splitlines()))
        except ValueError as error:
            sys.exit(f'"-":{error}\nerrors in crontab file, can\'t install.')
        return
    while True:
        time.sleep(60 - time.time() % 60)
        run(Path(os.environ.get("TMPDIR", "/tmp"), ".cron"), time.localtime())  # noqa: S108 - the machine's


if __name__ == "__main__":
    main()
