"""A job as it goes: its log from the beginning, and the curves that its metric definitions find in it.

That is how SageMaker makes a training job's metrics: the regular expressions of AlgorithmSpecification's
MetricDefinitions over what the container writes. CloudWatch has them a minute apart, which is too far for a curve of a
short training. Source: SageMaker's guide, "Define metrics", and DescribeTrainingJob in botocore's model.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from teardown import refusals
from teardown.logs import group_of_streams
from teardown.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.aws.instance_counts import JobType
    from cli.aws.session import Session

_LINES = 1000  # of the log, the last ones
_PAGES = 20  # of a stream at a look: what is left is read at the next


@dataclass(frozen=True)
class JobView:
    """What is known of a job: its description, the end of its log, and its curves by metric, in the log's order.

    `written` is how many lines the log has, of which `lines` are the last.
    """

    described: Mapping[str, Any]
    lines: tuple[str, ...]
    written: int
    curves: Mapping[str, tuple[float, ...]]


def log_group(kind: JobType) -> str:
    """Return the log group of CloudWatch into which jobs of this kind write."""
    return group_of_streams(f"{kind.stem.lower()}_job")


class JobFollower:
    """Reads a job's description and what is new in its log, each time it is asked."""

    def __init__(self, session: Session, kind: JobType, name: str) -> None:
        self._sagemaker, self._logs = session.client("sagemaker"), session.client("logs")
        self._kind, self._name = kind, name
        self._group = log_group(kind)
        self._tokens: dict[str, str] = {}
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._written = 0
        self._curves: dict[str, list[float]] = {}

    def read(self) -> JobView:
        """Return the job as it is now. Raises ClientError."""
        described = self._kind.describe(self._sagemaker, self._name)
        definitions = described.get("AlgorithmSpecification", {}).get("MetricDefinitions", ())
        patterns = {each["Name"]: re.compile(each["Regex"]) for each in definitions}
        with refusals.suppress(Refusal.GONE):  # it has not written yet
            for stream in self._streams():
                self._read(stream, patterns)
        curves = {name: tuple(values) for name, values in self._curves.items()}
        return JobView(described, tuple(self._lines), self._written, curves)

    def _streams(self) -> list[str]:
        pages = self._logs.get_paginator("describe_log_streams")
        found = pages.paginate(logGroupName=self._group, logStreamNamePrefix=f"{self._name}/")
        return [stream["logStreamName"] for page in found for stream in page["logStreams"]]

    def _read(self, stream: str, patterns: Mapping[str, re.Pattern[str]]) -> None:
        """Read what is new; the token that comes back unchanged says that this was all."""
        for _ in range(_PAGES):
            token = self._tokens.get(stream)
            position: dict[str, Any] = {"nextToken": token} if token else {"startFromHead": True}
            answer = self._logs.get_log_events(logGroupName=self._group, logStreamName=stream, **position)
            for event in answer["events"]:
                self._take(event, patterns)
            self._tokens[stream] = answer["nextForwardToken"]
            if answer["nextForwardToken"] == token:
                return

    def _take(self, event: Mapping[str, Any], patterns: Mapping[str, re.Pattern[str]]) -> None:
        said = event["message"].rstrip().replace("#011", "\t")  # as SageMaker writes a tab
        moment = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
        self._lines.append(f"{moment:%H:%M:%S} {said}")
        self._written += 1
        for name, pattern in patterns.items():
            if found := pattern.search(said):
                try:
                    self._curves.setdefault(name, []).append(float(found[1]))
                except (ValueError, IndexError):
                    continue
