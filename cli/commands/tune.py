"""`./lab tune`: find better hyperparameters for the lab's network, by a tuning job over its training job."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from rich.live import Live
from rich.markup import escape

from cli import settings
from cli.aws import tuning, tuning_jobs
from cli.aws.session import Target, connect
from cli.aws.tuning import OBJECTIVE, TUNABLE
from cli.aws.tuning_jobs import UNDER_WAY, best_trial, short
from cli.ui import screen
from cli.ui.errors import Interrupted, LabError
from cli.ui.table import Table
from teardown.names import LAB_TAG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rich.console import Console

    from cli.aws.session import Session
    from cli.aws.tuning import TuningOptions

    Trials = Sequence[dict[str, Any]]

_POLL_SECONDS = {Target.EMBEDDED: 0.3, Target.AWS: 5.0}
_COLOURS = {"Completed": "green", "Failed": "red", "Stopped": "yellow", "InProgress": "cyan", "Stopping": "yellow"}


def tune(target: Target, context: Sequence[str], options: TuningOptions, *, apply: bool, as_json: bool) -> None:
    """Run a tuning job, show its trials and end with the best. Raises LabError for wrong options and if it fails."""
    lab = settings.read(context).name
    config = options.config(context)
    session = connect(target)
    name = _start(session, lab, config)
    job, trials = _follow(session, name, quiet=as_json)
    best = next((each for each in trials if each["name"] == best_trial(job)), None)
    if as_json:
        status = job["HyperParameterTuningJobStatus"]
        print(json.dumps({"tuning_job": name, "status": status, "best": best, "trials": trials}, indent=2))
    else:
        _table(trials, best_trial(job)).show()
    if best is None:
        raise LabError(_why(job, trials))
    if apply:
        _apply(best["hyperparameters"])
    if not as_json:
        found = ", ".join(f"{key} {value}" for key, value in best["hyperparameters"].items())
        screen.done(f"{name}: {best['objective']:.2%} with {found}", _seconds(job))
        values = best["hyperparameters"]
        screen.console.print(_applied(context) if apply else _may_apply(values), soft_wrap=True)


def _start(session: Session, lab: str, config: dict[str, Any]) -> str:
    """Start the tuning job; return its name."""
    name = tuning.job_name(lab, time.time())
    job = tuning.training_job(session, lab)
    try:
        session.client("sagemaker").create_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name,
            HyperParameterTuningJobConfig=config,
            TrainingJobDefinition=tuning.definition(job, TUNABLE),
            Tags=[{"Key": LAB_TAG, "Value": lab}],
        )
    except ClientError as error:
        raise LabError(f"SageMaker refused the tuning job: {error.response['Error']['Message']}") from None
    return name


def _follow(session: Session, name: str, *, quiet: bool) -> tuple[dict[str, Any], Trials]:
    """Show the trials until the tuning job has ended; Ctrl-C, or another signal to end, stops it."""
    sagemaker = session.client("sagemaker")
    try:
        with _shown(screen.errors if quiet else screen.console, name) as show:
            while True:
                job = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
                trials = tuning_jobs.trials(sagemaker, name)
                show(trials, best_trial(job))
                if job["HyperParameterTuningJobStatus"] not in UNDER_WAY:
                    return job, trials
                time.sleep(_POLL_SECONDS[session.target])
    except Interrupted as interruption:
        sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        said = f"The tuning job {name} stops, with its training jobs; no setting was changed."
        raise Interrupted(said, interruption.number) from None


@contextmanager
def _shown(console: Console, name: str) -> Iterator[Callable[[Trials, str | None], None]]:
    """Let trials be shown as they come and go: in a table on a terminal, elsewhere a line for each that has ended."""
    if console.file.isatty():
        with Live(console=console, auto_refresh=False, transient=True) as live:
            yield lambda trials, best: live.update(_table(trials, best), refresh=True)
        return
    console.print(f"The tuning job {name}:", soft_wrap=True)
    told: set[str] = set()

    def tell(trials: Trials, _: str | None) -> None:
        for trial in trials:
            if trial["status"] not in UNDER_WAY and trial["name"] not in told:
                told.add(trial["name"])
                console.print(_line(trial), soft_wrap=True)
                console.file.flush()

    yield tell


def _table(trials: Sequence[dict[str, Any]], best: str | None) -> Table:
    """Return a table with a line a trial; the best one so far is marked."""
    made = Table("trial", "", *TUNABLE, OBJECTIVE, "")
    for trial in trials:
        tuned = (escape(short(trial["hyperparameters"].get(name, ""))) for name in TUNABLE)
        objective = "" if trial["objective"] is None else f"{trial['objective']:.2%}"
        status = f"[{_COLOURS.get(trial['status'], 'yellow')}]{trial['status']}[/]"
        mark = "[bold green]★ best[/]" if trial["name"] == best else f"[red]{escape(_first_line(trial['reason']))}[/]"
        made.add_row(trial["name"], status, *tuned, objective, mark)
    return made


def _line(trial: dict[str, Any]) -> str:
    """Return a trial in a line, for where there is no screen."""
    tuned = ", ".join(f"{name} {escape(short(trial['hyperparameters'].get(name, '')))}" for name in TUNABLE)
    objective = "" if trial["objective"] is None else f"  {OBJECTIVE} {trial['objective']:.2%}"
    reason = f"  {escape(_first_line(trial['reason']))}" if trial["reason"] else ""
    return f"{trial['name']}  {trial['status']}  {tuned}{objective}{reason}"


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _seconds(job: dict[str, Any]) -> float:
    return float((job["HyperParameterTuningEndTime"] - job["CreationTime"]).total_seconds())


def _why(job: dict[str, Any], trials: Trials) -> str:
    """Say why there is no best trial, with the first of the trials' own reasons."""
    reason = job.get("FailureReason", f"its status is {job['HyperParameterTuningJobStatus']}.")
    own = next((trial["reason"] for trial in trials if trial["reason"]), "")
    return f"The tuning job {job['HyperParameterTuningJobName']} found nothing: {reason} {own}".strip()


def _apply(values: Mapping[str, str]) -> None:
    """Write the hyperparameters into cdk.json, as the settings have them."""
    settings.write(
        learning_rate=float(values["learning_rate"]),
        batch_size=int(values["batch_size"]),
        hidden_units=values["hidden_units"],
    )


def _may_apply(values: Mapping[str, str]) -> str:
    """Return the last line where nothing was written: the command that trains with them."""
    given = " ".join(f"-c lab.{name}={value}" for name, value in values.items())
    return f"Train with them: ./lab up {given}\nOr write them into cdk.json; --apply does so by itself next time."


def _applied(context: Sequence[str]) -> str:
    """Return the last line where they were written. A setting on the command line would go before that."""
    over = [text for text in context if text.startswith(tuple(f"lab.{name}=" for name in TUNABLE))]
    leave = f", without {' '.join(f'-c {text}' for text in over)}" if over else ""
    return f"They stand in cdk.json now: `./lab up`{leave} trains with them."
