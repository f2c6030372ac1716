"""Step caching: an earlier run of the same step, with the same arguments, whose results serve again.

Sources: SageMaker's guide, "Caching pipeline steps" and what it links to: only successful runs of the same pipeline, no
older than ExpireAfter, the latest of several. A duration is written as there, `30d`, `T16m`, `30dT5h`, or `PT1H` as the
SDK's examples have it. Not compared with AWS: that a run counts which had caching off; that the pipeline's execution
need not have succeeded as a whole, which an older edition of that page demands.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.pipelines.step_types import RESOURCE_STEPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from embedded_aws.services.sagemaker.pipelines.definition import Step
    from embedded_aws.services.sagemaker.store import Record

_DURATION = re.compile(
    r"P?(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.IGNORECASE,
)
_DAYS = {"years": 365, "months": 30}


def problems(raw: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a step's CacheConfig."""
    config = raw.get("CacheConfig")
    if config is None:
        return
    if not isinstance(config, dict) or not isinstance(config.get("Enabled", False), bool):
        yield f"CacheConfig of the step {raw['Name']} needs Enabled, true or false."
    elif config.get("Enabled") and _duration(config.get("ExpireAfter")) is None:
        yield (
            f"CacheConfig of the step {raw['Name']} has the ExpireAfter '{config.get('ExpireAfter')}', which is no "
            "duration of ISO 8601, such as PT1H or 30d."
        )


def key(step: Step, arguments: Mapping[str, Any]) -> str | None:
    """Return what a run of a step with these arguments is found by again, None if nothing of its type is."""
    if step.type in ("Lambda", "Callback"):
        chosen: Any = [step.raw.get("FunctionArn"), step.raw.get("SqsQueueUrl"), arguments]
    elif names := RESOURCE_STEPS[step.type].cache_key if step.type in RESOURCE_STEPS else ():
        chosen = [_at(arguments, name) for name in names]
    else:
        return None
    return hashlib.sha256(json.dumps([step.type, chosen], sort_keys=True).encode()).hexdigest()


def find(step: Step, wanted: str | None, executions: Iterable[Record], now: datetime) -> tuple[Record, Any] | None:
    """Return the execution, of those given, whose run of a step serves again, with what is kept of the step."""
    config = step.raw.get("CacheConfig") or {}
    if wanted is None or not config.get("Enabled"):
        return None
    oldest = now - (_duration(config["ExpireAfter"]) or timedelta())
    fitting = [
        (execution, state)
        for execution in executions
        if (state := execution.members["Steps"].get(step.name))
        and state.get("CacheKey") == wanted
        and state["StepStatus"] == "Succeeded"
        and "CacheHitResult" not in state
        and state["EndTime"] >= oldest
    ]
    return max(fitting, key=lambda each: each[1]["EndTime"], default=None)


def _at(arguments: Mapping[str, Any], path: str) -> Any:
    value: Any = arguments
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _duration(text: Any) -> timedelta | None:
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    given = {name: int(value) for name, value in match.groupdict().items() if value} if match else {}
    if not given:
        return None
    days = sum(given.pop(name) * days for name, days in _DAYS.items() if name in given)
    return timedelta(**given) + timedelta(days=days)
