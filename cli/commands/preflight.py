"""`./lab preflight`: all that can be known before anything is deployed, in the time of the slowest question."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from cli import embedded, paths, settings
from cli.aws import stacks
from cli.aws.cdk import deploy_lock
from cli.aws.session import Target, connect, start_embedded
from cli.checks import account, bootstrap, containers, lease, name, price, quotas, region, standing, tag
from cli.checks.result import Finding, State, Subject
from cli.ui import screen
from cli.ui.errors import LabError
from embedded_aws import gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cli.aws.session import Session
    from infra.settings import Settings

_CHECKS: dict[str, Callable[[Subject], Iterator[Finding]]] = {
    "account": account.check,
    "region": region.check,
    "containers": containers.check,
    "quotas": quotas.check,
    "bootstrap": bootstrap.check,
    "name": name.check,
    "stacks": standing.check,
    "lease": lease.check,
    "price": price.check,
    "budget": tag.check,
}
_MARKS = {
    State.OK: "[green]✓[/]",
    State.HINT: "[yellow]![/]",
    State.RISKY: "[red]✗[/]",
    State.WRONG: "[red]✗[/]",
}


def preflight(target: Target, context: Sequence[str], *, as_json: bool) -> bool:
    """Print what is well and what to do; whether `./lab up` would deploy."""
    lab = settings.read(context)
    with _somewhere(target) as session:
        found = findings(session, lab)
    passed = not any(finding.stops for finding in found)
    if as_json:
        document = [{"subject": each.subject, "state": each.state, "text": each.text} for each in found]
        print(json.dumps({"lab": lab.name, "target": target.value, "passed": passed, "findings": document}, indent=2))
        return passed
    for finding in found:
        show(finding)
    return passed


@contextmanager
def _somewhere(target: Target) -> Iterator[Session]:
    """The place as it is; an embedded AWS that does not run is started for as long as the checks take."""
    if target is Target.AWS or gateway.running(paths.GATEWAY):
        yield connect(target)
        return
    with deploy_lock():  # no `up` may find it, and lose it
        idle = gateway.running(paths.GATEWAY) is None
        try:
            yield start_embedded(enforce=False) if idle else connect(target)
        finally:
            if idle:
                embedded.stop_watching()
                gateway.stop(paths.GATEWAY)


def findings(session: Session, lab: Settings) -> list[Finding]:
    """What every check has found, all asked at the same time, in their own order."""
    subject = Subject(session, lab, stacks.every(session))
    with ThreadPoolExecutor(len(_CHECKS)) as pool:
        asked = [pool.submit(look, named, subject) for named in _CHECKS]
        return [finding for answer in asked for finding in answer.result()]


def look(named: str, subject: Subject) -> list[Finding]:
    """The findings of a check; one that AWS does not let us make is one too."""
    try:
        return list(_CHECKS[named](subject))
    except (BotoCoreError, ClientError) as error:
        text = f"this could not be looked at: {error} Ask for the permission, or --force to go on without"
        return [Finding(named, State.RISKY, text)]


def before_up(session: Session, lab: Settings, *, force: bool) -> None:
    """Let a deployment begin, or raise LabError with all that is in its way."""
    with screen.step("preflight") as retitle:
        found = findings(session, lab)
        stopping = [each for each in found if each.stops and not (force and each.state is State.RISKY)]
        if stopping:
            raise LabError(_refusal(stopping))
        retitle(f"preflight: {len(_CHECKS)} checks")
    for finding in found:
        if finding.state is State.RISKY:
            screen.console.print(f"  [yellow]overridden by --force:[/] {_line(finding)}", soft_wrap=True)


def show(finding: Finding) -> None:
    """One line, with its mark."""
    screen.console.print(f"{_MARKS[finding.state]} {_line(finding)}", soft_wrap=True)


def _line(finding: Finding) -> str:
    return f"[bold]{finding.subject}[/]  {escape(finding.text)}"


def _refusal(stopping: Sequence[Finding]) -> str:
    lines = [f"  {each.subject}: {each.text}" for each in stopping]
    may = "" if any(each.state is State.WRONG for each in stopping) else " `./lab up --force` goes on all the same."
    return "\n".join(["Nothing was deployed, for:", *lines, f"`./lab preflight` looks again.{may}"])
