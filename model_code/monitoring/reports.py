"""The files of a run, in the forms that SageMaker Model Monitor's own container writes.

Source: SageMaker's guide, "Schema for Statistics", "Schema for Constraints" and "Schema for Violations". A distribution
has buckets and no KLL sketch: the guide lets containers leave out what they have not got.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from data import LABELS
from monitoring.drift import FALSE_ALARMS
from monitoring.measurements import BEHAVIOUR, INPUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from monitoring.captured import Captured
    from monitoring.drift import Comparison
    from monitoring.measurements import Measurements

ANSWERS = "answers.jsonl"
VIOLATIONS = "constraint_violations.json"
_BUCKETS = 10
_CLASSES = "classes"


def write(folder: Path, *, window: Measurements, captured: Captured, tests: Sequence[Comparison]) -> None:
    """Write a run's files into a folder: Model Monitor's three, report.json and the answers for labels to come."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "statistics.json", _statistics(window, missing=captured.unread))
    _write(folder / "constraints.json", _constraints())
    _write(folder / VIOLATIONS, {"violations": [*_violations(tests)]})
    compared = [
        {
            "name": test.name,
            "distance": test.distance,
            "p_value": test.p_value,
            "adjusted_p_value": test.adjusted,
            "drifted": test.drifted,
            "words": test.words,
        }
        for test in tests
    ]
    report = {"images": len(window), "unread": captured.unread, "false_alarms": FALSE_ALARMS, "tests": compared}
    _write(folder / "report.json", report)
    lines = (
        json.dumps({"id": identifier, "class": int(answered)})
        for identifier, answered in zip(captured.identifiers, window.classes, strict=True)
    )
    (folder / ANSWERS).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _violations(tests: Iterable[Comparison]) -> Iterable[dict[str, str]]:
    for test in tests:
        if test.drifted:
            yield {
                "feature_name": test.name,
                "constraint_check_type": "baseline_drift_check",
                "description": f"{test.words} (adjusted p-value {test.adjusted:.2g})",
            }


def _statistics(window: Measurements, *, missing: int) -> dict[str, Any]:
    common = {"num_present": len(window), "num_missing": missing}
    numbers = [
        {
            "name": name,
            "inferred_type": "Fractional",
            "numerical_statistics": {"common": common, **_summary(window.numbers[name])},
        }
        for name in (*INPUT, *BEHAVIOUR)
    ]
    counts = np.bincount(window.classes, minlength=len(LABELS))
    buckets = [{"value": label, "count": int(count)} for label, count in zip(LABELS, counts, strict=True)]
    classes = {
        "name": _CLASSES,
        "inferred_type": "String",
        "string_statistics": {
            "common": common,
            "distinct_count": int((counts > 0).sum()),
            "distribution": {"categorical": {"buckets": buckets}},
        },
    }
    return {"version": 0, "dataset": {"item_count": len(window) + missing}, "features": [*numbers, classes]}


def _summary(values: npt.NDArray[np.float32]) -> dict[str, Any]:
    if not len(values):
        return {
            "mean": 0.0,
            "sum": 0.0,
            "std_dev": 0.0,
            "min": 0.0,
            "max": 0.0,
            "distribution": {"kll": {"buckets": []}},
        }
    counts, edges = np.histogram(values, bins=_BUCKETS)
    buckets = [
        {"lower_bound": float(low), "upper_bound": float(high), "count": float(count)}
        for low, high, count in zip(edges, edges[1:], counts, strict=False)
    ]
    return {
        "mean": float(values.mean()),
        "sum": float(values.sum()),
        "std_dev": float(values.std()),
        "min": float(values.min()),
        "max": float(values.max()),
        "distribution": {"kll": {"buckets": buckets}},
    }


def _constraints() -> dict[str, Any]:
    numbers = [
        {
            "name": name,
            "inferred_type": "Fractional",
            "completeness": 1.0,
            "num_constraints": {"is_non_negative": True},
        }
        for name in (*INPUT, *BEHAVIOUR)
    ]
    classes = {
        "name": _CLASSES,
        "inferred_type": "String",
        "completeness": 1.0,
        "string_constraints": {"domains": list(LABELS)},
    }
    return {
        "version": 0,
        "features": [*numbers, classes],
        "monitoring_config": {
            "evaluate_constraints": "Enabled",
            "emit_metrics": "Enabled",
            "datatype_check_threshold": 1.0,
            "domain_content_threshold": 1.0,
            "distribution_constraints": {
                "perform_comparison": "Enabled",
                "comparison_threshold": FALSE_ALARMS,
                "comparison_method": "Robust",
            },
        },
    }


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
