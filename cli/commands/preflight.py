"""`./lab preflight`: check all that can be known before anything is deployed, in the time of the slowest question."""

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
from cli.checks import quotas
from cli.checks.account import check_account, check_bootstrap, check_containers, check_region
from cli.checks.existing import check_name, check_stacks
from cli.checks.labelling import check_labelling
from cli.checks.result import CheckResult, Deployment, State
from cli.checks.serving import check_serving
from cli.checks.spending import check_budget_tag, check_lease, check_price
from cli.ui import screen
from cli.ui.errors import LabError
from embedded_aws import gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cli.aws.session import Session
    from infra.settings import Settings

_CHECKS: dict[str, Callable[[Deployment], Iterator[CheckResult]]] = {
    "account": check_account,
    "region": check_region,
    "containers": check_containers,
    "quotas": quotas.check,
    "serving": check_serving,
    "bootstrap": check_bootstrap,
    "name": check_name,
    "stacks": check_stacks,
    "labelling": check_labelling,
    "lease": check_lease,
    "price": check_price,
    "budget": check_budget_tag,
}
_MARKS = {
    State.OK: "[green]✓[/]",
    State.HINT: "[yellow]![/]",
    State.RISKY: "[red]✗[/]",
    State.WRONG: "[red]✗[/]",
}


def preflight(target: Target, context: Sequence[str], *, as_json: bool) -> bool:
    """Print what is well and what to do; return whether `./lab up` would deploy."""
    lab = settings.read(context)
    with _session_for_checks(target) as session:
        found = run_checks(session, lab)
    passed = not any(result.stops for result in found)
    if as_json:
        document = [{"subject": each.subject, "state": each.state, "text": each.text} for each in found]
        print(json.dumps({"lab": lab.name, "target": target.value, "passed": passed, "findings": document}, indent=2))
        return passed
    for result in found:
        show(result)
    return passed


@contextmanager
def _session_for_checks(target: Target) -> Iterator[Session]:
    """Open a session; an embedded AWS that does not run, and has kept nothing, is started only for the checks."""
    if target is Target.AWS or gateway.running(paths.GATEWAY) or embedded.kept():
        yield connect(target)
        return
    with deploy_lock():  # no `up` may find it, and lose it
        idle = gateway.running(paths.GATEWAY) is None
        try:
            yield start_embedded(enforce=False) if idle else connect(target)
        finally:
            if idle:
                embedded.stop_watching()
                gateway.forget(paths.GATEWAY)


def run_checks(session: Session, lab: Settings) -> list[CheckResult]:
    """Run every check at the same time; return the results in the checks' own order."""
    deployment = Deployment(session, lab, stacks.every(session))
    with ThreadPoolExecutor(len(_CHECKS)) as pool:
        asked = [pool.submit(run_check, name, deployment) for name in _CHECKS]
        return [result for answer in asked for result in answer.result()]


def run_check(name: str, deployment: Deployment) -> list[CheckResult]:
    """Run one check; that AWS does not let us make it is a result too."""
    try:
        return list(_CHECKS[name](deployment))
    except (BotoCoreError, ClientError) as error:
        text = f"this could not be looked at: {error} Ask for the permission, or --force to go on without"
        return [CheckResult(name, State.RISKY, text)]


def before_up(session: Session, lab: Settings, *, force: bool) -> None:
    """Let a deployment begin, or raise LabError with all that is in its way."""
    with screen.step("preflight") as retitle:
        found = run_checks(session, lab)
        stopping = [each for each in found if each.stops and not (force and each.state is State.RISKY)]
        if stopping:
            raise LabError(_refusal(stopping))
        retitle(f"preflight: {len(_CHECKS)} checks")
    for result in found:
        if result.state is State.RISKY:
            screen.console.print(f"  [yellow]overridden by --force:[/] {_line(result)}", soft_wrap=True)


def show(result: CheckResult) -> None:
    """Print one line, with its mark."""
    screen.console.print(f"{_MARKS[result.state]} {_line(result)}", soft_wrap=True)


def _line(result: CheckResult) -> str:
    return f"[bold]{result.subject}[/]  {escape(result.text)}"


def _refusal(stopping: Sequence[CheckResult]) -> str:
    lines = [f"  {each.subject}: {each.text}" for each in stopping]
    may = "" if any(each.state is State.WRONG for each in stopping) else " `./lab up --force` goes on all the same."
    return "\n".join(["Nothing was deployed, for:", *lines, f"`./lab preflight` looks again.{may}"])
