"""The training jobs of a tuning job as a table, as they come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from cli.aws.tuning import OBJECTIVE
from cli.aws.tuning_ranges import TUNABLE
from cli.ui.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

_COLOURS = {"Completed": "green", "Failed": "red", "Stopped": "yellow", "InProgress": "cyan", "Stopping": "yellow"}


def look(sagemaker: Any, tuning_job: str) -> list[dict[str, Any]]:
    """The training jobs in the order of their numbers: name, status, hyperparameters, objective so far, reason."""
    operation = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
    pages = operation.paginate(HyperParameterTuningJobName=tuning_job, SortBy="Name", SortOrder="Ascending")
    return [_trial(sagemaker, job) for page in pages for job in page["TrainingJobSummaries"]]


def _trial(sagemaker: Any, job: dict[str, Any]) -> dict[str, Any]:
    objective = job.get("FinalHyperParameterTuningJobObjectiveMetric", {}).get("Value")
    if objective is None and job["TrainingJobStatus"] == "InProgress":
        # The summary tells the objective in the end only.
        running = sagemaker.describe_training_job(TrainingJobName=job["TrainingJobName"])
        metrics = {each["MetricName"]: each["Value"] for each in running.get("FinalMetricDataList", ())}
        objective = metrics.get(OBJECTIVE)
    return {
        "name": job["TrainingJobName"],
        "status": job["TrainingJobStatus"],
        "hyperparameters": job["TunedHyperParameters"],
        "objective": objective,
        "reason": job.get("FailureReason", ""),
    }


def table(trials: Sequence[dict[str, Any]], best: str | None) -> Table:
    """One line a trial; the best one so far is marked."""
    made = Table("trial", "", *TUNABLE, OBJECTIVE, "")
    for trial in trials:
        tuned = (_short(trial["hyperparameters"].get(name, "")) for name in TUNABLE)
        objective = "" if trial["objective"] is None else f"{trial['objective']:.2%}"
        status = f"[{_COLOURS.get(trial['status'], 'yellow')}]{trial['status']}[/]"
        mark = "[bold green]★ best[/]" if trial["name"] == best else f"[red]{escape(_first_line(trial['reason']))}[/]"
        made.add_row(trial["name"], status, *tuned, objective, mark)
    return made


def line(trial: dict[str, Any]) -> str:
    """Return a trial in a line, for where there is no screen."""
    tuned = ", ".join(f"{name} {_short(trial['hyperparameters'].get(name, ''))}" for name in TUNABLE)
    objective = "" if trial["objective"] is None else f"  {OBJECTIVE} {trial['objective']:.2%}"
    reason = f"  {escape(_first_line(trial['reason']))}" if trial["reason"] else ""
    return f"{trial['name']}  {trial['status']}  {tuned}{objective}{reason}"


def _short(text: str) -> str:
    try:
        return text if text.isdecimal() else f"{float(text):.3g}"
    except ValueError:
        return escape(text)


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]
