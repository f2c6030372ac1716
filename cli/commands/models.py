"""`./lab models`: the versions of the lab's model, their approval, and which of them serves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from cli import settings
from cli.aws import model_serving, stacks
from cli.aws.models import APPROVED, REJECTED, Models
from cli.aws.session import connect
from cli.ui import screen
from cli.ui.errors import LabError
from cli.ui.table import Column, Table
from infra.regions import registers_models
from teardown.names import REGISTERED_BY, training_stack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.aws.session import Target

_LONGEST = 1024  # characters of ApprovalDescription, botocore
_COLOURS = {APPROVED: "green", REJECTED: "red"}


def show_all(target: Target, context: Sequence[str], *, as_json: bool) -> None:
    """Print every version, newest first."""
    models = _of(target, context)
    documents = [each.document(serves=models.serves(each)) for each in models]
    if as_json:
        print(json.dumps(documents, indent=2))
        return
    if not documents:
        if not registers_models(models.session.region):
            raise LabError(f"CloudFormation has no model registry in {models.session.region}: no model is registered.")
        screen.console.print("No model is registered yet: `./lab up` trains and registers one.", soft_wrap=True)
        return
    table = Table(Column("version", numbers=True), "", "approval", "test accuracy", "training job", "created")
    for each in documents:
        table.add_row(
            f"[bold]{each['version']}[/]",
            "[green]serves[/]" if each["serves"] else "",
            _approval(each["approval"], each["because"]),
            _accuracy(each["test_accuracy"]),
            each["training_job"] or "",
            each["created"][:19].replace("T", " "),
        )
    table.show()


def show(target: Target, context: Sequence[str], version: str, *, as_json: bool) -> None:
    """Print all that is known of a version: its approval, training job, hyperparameters, hashes and artifact."""
    models = _of(target, context)
    found = models.lineage(models.version(version))
    if as_json:
        print(json.dumps(found, indent=2))
        return
    table = Table("", "")
    for name, value in _rows(found):
        table.add_row(name, escape(value))
    table.show()


def decide(target: Target, context: Sequence[str], version: str, *, approval: str, because: str) -> None:
    """Approve or reject a version."""
    if len(because) > _LONGEST:
        raise LabError(f"--because has {len(because)} characters; SageMaker keeps {_LONGEST} at most.")
    models = _of(target, context)
    chosen = models.version(version)
    models.decide(chosen, approval, because)
    serves_now = approval == APPROVED and chosen.known.get("RegisteredBy") == REGISTERED_BY and models.lab.retraining
    more = " The endpoint is updated to it: `./lab status` shows that." if serves_now else ""
    screen.console.print(f"Version {chosen.number} is {approval}.{more}", soft_wrap=True)
    if approval == REJECTED and models.serves(chosen):
        screen.console.print(
            "[yellow]![/] It serves still: `./lab models rollback` has the one before it serve.", soft_wrap=True
        )


def serve(target: Target, context: Sequence[str], version: str | None) -> None:
    """Have the endpoint serve this version; None: the approved one before that which serves."""
    models = _of(target, context)
    chosen = model_serving.before(models) if version is None else models.version(version)
    with screen.step(f"version {chosen.number} to the endpoint") as retitle:
        model_serving.serve(models, chosen, retitle)
        retitle(f"version {chosen.number} serves")
    screen.console.print("`./lab up` keeps it, until it has trained another model.", soft_wrap=True)


def _of(target: Target, context: Sequence[str]) -> Models:
    lab = settings.read(context)
    session = connect(target)
    if not any(stack.name == training_stack(lab.name) for stack in stacks.of_lab(session, lab.name)):
        raise LabError(f"The lab {lab.name} is not deployed: `./lab up` does it.")
    return Models(session, lab)


def _approval(approval: str, because: str | None) -> str:
    said = f": {escape(because)}" if because else ""
    return f"[{_COLOURS.get(approval, 'yellow')}]{approval}[/]{said}"


def _accuracy(given: str | None) -> str:
    return screen.percent(given) if given else ""


def _rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    because = f": {found['because']}" if found["because"] else ""
    named = [
        ("version", f"{found['version']}{', which serves' if found['serves'] else ''}"),
        ("ARN", found["arn"]),
        ("created", found["created"]),
        ("approval", f"{found['approval']}{because}"),
        *found["known"].items(),
        *((name, value) for name, value in (found["hyperparameters"] or {}).items()),
        ("answers bear", found["answers_bear"]),
    ]
    for each in found["containers"]:
        named += [("image", each["image"]), ("artifact", each["artifact"])]
    return [(name, str(value)) for name, value in named if value]
