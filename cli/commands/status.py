"""`./lab status`: show the lab's state, for people and (`--json`) for programs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psutil
from rich.markup import escape

from cli import embedded, paths, settings
from cli.aws import drift, endpoint, labeling_jobs, lease, pausing, retraining, seats, stacks
from cli.aws.labeling_jobs import LABELING_JOB
from cli.aws.models import Models
from cli.aws.scaling import EndpointScaling
from cli.aws.session import Session, Target, connect
from cli.ui import screen
from cli.ui.table import Table
from embedded_aws import gateway
from teardown import names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.settings import Settings


def status(target: Target, context: Sequence[str], *, as_json: bool) -> None:
    """Print the lab's stacks, newest training job, endpoint, seats, and what runs on this machine."""
    read = settings.read(context)
    lab = read.name
    if target is Target.EMBEDDED and embedded.kept():
        embedded.find()
    runs = _embedded_process()
    session = None if target is Target.EMBEDDED and runs is None else connect(target)
    found = {
        "lab": lab,
        "target": target.value,
        "runs": runs,
        **(_lab_status(session, read) if session else _NOT_DEPLOYED),
    }
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        _show(found)


# What `lab.serve_also` has made, by the output that says where it is.
_WAYS = {"lambda": "FunctionUrl", "rest": "RestUrl", "edge": "EdgeComponent", "web": "WebUrl"}

_NOT_DEPLOYED: dict[str, Any] = {
    "stacks": [],
    "training_job": None,
    "tuning_jobs": [],
    "labeling_jobs": [],
    "endpoint": None,
    "model": None,
    "drift": None,
    "dashboard": None,
    "ways": {},
    "retraining": None,
    "seats": [],
    "paused": [],
    "lease_end": None,
}


def _lab_status(session: Session, lab_settings: Settings) -> dict[str, Any]:
    lab = lab_settings.name
    found = stacks.of_lab(session, lab)
    sagemaker = session.client("sagemaker")
    jobs = sagemaker.list_training_jobs(
        NameContains=names.prefix(lab), SortBy="CreationTime", SortOrder="Descending", MaxResults=100
    )
    instances = seats.notebooks(session, lab).values()
    outputs = {key: value for stack in found for key, value in stack.outputs.items()}
    end = lease.end(session, lab)
    served = outputs.get("TrainingJobName")
    return {
        "stacks": [{"name": s.name, "status": s.status} for s in found],
        "training_job": next(
            (
                {
                    "name": j["TrainingJobName"],
                    "status": j["TrainingJobStatus"],
                    "secondary_status": j.get("SecondaryStatus"),
                    **_quality(outputs if j["TrainingJobName"] == served else {}),
                }
                for j in jobs["TrainingJobSummaries"]
                if not j["TrainingJobName"].startswith(names.tuning_prefix(lab))
            ),
            None,
        ),
        "tuning_jobs": _tuning(sagemaker, lab),
        "labeling_jobs": _labeling(sagemaker, lab) if lab_settings.labelling == "ground-truth" else [],
        "endpoint": _endpoint(session, endpoint.name_of(found, lab_settings)),
        "model": _model(session, lab_settings) if found else None,
        "drift": drift.Drift(session, lab).summary() if lab_settings.monitor != "off" else None,
        "dashboard": _dashboard(session, outputs.get("DashboardName")),
        "ways": {way: outputs[output] for way, output in _WAYS.items() if output in outputs},
        "retraining": run.document() if found and (run := retraining.latest(session, lab)) else None,
        "seats": [
            {"name": s["NotebookInstanceName"], "status": s["NotebookInstanceStatus"], "type": s["InstanceType"]}
            for s in instances
        ],
        "paused": [paused.document() for paused in pausing.find_paused(session, lab)],
        "lease_end": end.isoformat() if end else None,
    }


def _quality(outputs: Mapping[str, str]) -> dict[str, str | None]:
    """Return how good the model is that is served; an algorithm of AWS's that names no class has a distance."""
    distance = outputs.get("TestMeanSquaredDistance")
    return {
        "test_accuracy": outputs.get("TestAccuracy"),
        **({"test_mean_squared_distance": distance} if distance else {}),
        **({"algorithm": outputs["Algorithm"]} if "Algorithm" in outputs else {}),
    }


def _endpoint(session: Session, name: str) -> dict[str, Any] | None:
    """Return an endpoint's state, with the bounds between which its instances are scaled, "" if they are not."""
    found = endpoint.state(session.client("sagemaker"), name)
    if found is None:
        return None
    bounds = EndpointScaling(session.client("application-autoscaling")).bounds(name).values()
    return {**found, "scaled": "; ".join(f"{least}-{most}" for least, most in bounds)}


def _model(session: Session, lab: Settings) -> dict[str, Any] | None:
    """Return the version that serves, None if what serves is not registered."""
    version = Models(session, lab).serving()
    return version.document(serves=True) if version else None


def _dashboard(session: Session, name: str | None) -> dict[str, str | None] | None:
    """Return the dashboard's name, and where CloudWatch shows it; the embedded AWS has no pages."""
    if name is None:
        return None
    region = session.region
    page = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#dashboards/dashboard/{name}"
    return {"name": name, "url": page if session.target is Target.AWS else None}


def _tuning(sagemaker: Any, lab: str) -> list[dict[str, Any]]:
    """List the lab's tuning jobs that run."""
    operation = sagemaker.get_paginator("list_hyper_parameter_tuning_jobs")
    pages = operation.paginate(NameContains=names.prefix(lab), StatusEquals="InProgress")
    found = [job for page in pages for job in page["HyperParameterTuningJobSummaries"]]
    return [
        {
            "name": job["HyperParameterTuningJobName"],
            "status": job["HyperParameterTuningJobStatus"],
            "training_jobs": sum(job["TrainingJobStatusCounters"].values()),
        }
        for job in found
        if job["HyperParameterTuningJobName"].startswith(names.prefix(lab))
    ]


def _labeling(sagemaker: Any, lab: str) -> list[dict[str, Any]]:
    """List the lab's labeling jobs that run, with how many of their objects are labeled."""
    return [
        {"name": job.name, "status": job.status, "labeled": job.labeled, "unlabeled": job.unlabeled}
        for job in labeling_jobs.listed(sagemaker, lab)
        if job.runs
    ]


def _instances(served: dict[str, Any]) -> str:
    if not served["instances"]:
        return ""
    of = f" of {served['scaled']}" if served["scaled"] else ""
    return f", {served['instances']}{of} instance{'s' * (served['instances'] != 1 or bool(of))}"


def _embedded_process() -> dict[str, Any] | None:
    """Return the embedded AWS's process and its children, if it runs."""
    found = gateway.running(paths.GATEWAY)
    if not found:
        return None
    process = psutil.Process(found.pid)
    family = [process, *process.children(recursive=True)]
    return {
        "url": found.url,
        "pid": found.pid,
        "processes": len(family),
        "memory_mb": round(sum(p.memory_info().rss for p in family) / 1e6),
        "log": str(gateway.log(paths.GATEWAY)),
        "unsandboxed": embedded.unsandboxed(found),
        "containers": found.containers,
    }


def _show(found: dict[str, Any]) -> None:
    table = Table("", "", "", heads=2)
    table.add_row("[bold]lab[/]", found["lab"], f"on {'AWS' if found['target'] == 'aws' else 'the embedded AWS'}")
    for stack in found["stacks"]:
        table.add_row("stack", stack["name"], _coloured(stack["status"]))
    _show_jobs(table, found)
    _show_endpoint(table, found)
    for way, url in found["ways"].items():
        table.add_row(way, "", escape(url))
    for each in found["seats"]:
        table.add_row("seat", each["name"], f"{_coloured(each['status'])}  {each['type']}")
    for each in found["paused"]:
        table.add_row("paused", each["name"], each["kind"])
    if found["lease_end"]:
        end = datetime.fromisoformat(found["lease_end"])
        table.add_row(
            "lease", lease.format_time(end), f"ends by itself in {lease.format_span(end - datetime.now(UTC))}"
        )
    if runs := found["runs"]:
        table.add_row("runs", runs["url"], f"{runs['processes']} processes, {runs['memory_mb']} MB")
    table.show()
    notes = [f"Its log: {runs['log']}", runs["unsandboxed"], _engine(runs["containers"])] if runs else []
    for note in filter(None, notes):
        screen.console.print(f"  {escape(note)}", soft_wrap=True)
    if not found["stacks"]:
        screen.console.print("  Nothing is deployed: `./lab up` does it.", soft_wrap=True)
    if found["paused"]:
        screen.console.print("  Paused: `./lab resume` brings it back.", soft_wrap=True)


def _show_endpoint(table: Table, found: dict[str, Any]) -> None:
    if served := found["endpoint"]:
        stage = f": {escape(served['stage'])}" if served["stage"] else ""
        said = f"{_coloured(served['status'])}{stage}  {served['hosting']}{_instances(served)}"
        table.add_row("endpoint", served["name"], said)
    if model := found["model"]:
        because = f": {escape(model['because'])}" if model["because"] else ""
        said = f"{_coloured(model['approval'])}{_quality_in_words(model)}{because}"
        table.add_row("model", f"version {model['version']}", said)
    if watched := found["drift"]:
        last = f"  last run {_coloured(watched['last_run'])}" if watched["last_run"] else ""
        table.add_row("drift", f"schedule {watched['schedule']}", f"{last}  `./lab drift`".strip())
    if dashboard := found["dashboard"]:
        table.add_row("dashboard", dashboard["name"], dashboard["url"] or "`./lab console` shows the lab here")
    if run := found["retraining"]:
        table.add_row("retraining", run["run"], escape(run["sentence"] or "goes on: `./lab retrain` shows it"))


def _engine(name: str) -> str:
    return name and f"{name.capitalize()} may run images of your own in it."


def _show_jobs(table: Table, found: dict[str, Any]) -> None:
    if job := found["training_job"]:
        progress = f": {job['secondary_status']}" if job["status"] == "InProgress" else ""
        algorithm = f"  {job['algorithm']}" if "algorithm" in job else ""
        said = f"{_coloured(job['status'])}{progress}{algorithm}{_quality_in_words(job)}"
        table.add_row("training job", job["name"], said)
    for each in found["tuning_jobs"]:
        launched = f"{each['training_jobs']} training jobs so far"
        table.add_row("tuning job", each["name"], f"{_coloured(each['status'])}  {launched}")
    for each in found["labeling_jobs"]:
        labeled = f"{each['labeled']} of {each['labeled'] + each['unlabeled']} objects labeled"
        table.add_row(LABELING_JOB, each["name"], f"{_coloured(each['status'])}  {labeled}")


def _quality_in_words(job: Mapping[str, Any]) -> str:
    if job["test_accuracy"]:
        return f"  test accuracy {screen.percent(job['test_accuracy'])}"
    distance = job.get("test_mean_squared_distance")
    return f"  test mean squared distance {screen.number(distance)}" if distance else ""


def _coloured(state: str) -> str:
    if state.endswith(("COMPLETE", "InService", "Completed", "Approved")) and "ROLLBACK" not in state:
        return f"[green]{state}[/]"
    return f"[yellow]{state}[/]" if "Fail" not in state and "FAIL" not in state else f"[red]{state}[/]"
