"""`./lab up`: from nothing to a lab that answers, and from a lab to its next version."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from cli import (
    cdk,
    deploy_lock,
    deployment,
    images,
    lease,
    owner,
    place,
    preflight,
    resume,
    screen,
    seat,
    seats,
    serving,
    settings,
    stacks,
)
from cli.place import Place, Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.deployment import Outcome
    from infra.settings import Settings


def up(target: Target, context: Sequence[str], *, force: bool, enforce: bool) -> None:
    """Deploy the lab; raises LabError with the reason when it could not. `force` overrides what preflight lets it.

    With `enforce` the embedded AWS asks policies before each call; AWS does so in any case.
    """
    lab = settings.read(context)
    with deploy_lock.hold():
        outcome = _up(target, context, lab, force=force, enforce=enforce)
    seats.report(outcome)


def _up(target: Target, context: Sequence[str], lab: Settings, *, force: bool, enforce: bool) -> Outcome:
    if target is Target.EMBEDDED:
        images.install()
        with screen.step("embedded AWS") as retitle:
            here = place.start_embedded(enforce=enforce)
            retitle(f"embedded AWS on {here.variables['AWS_ENDPOINT_URL']}")
    else:
        here = place.aws()
    preflight.before_up(here, lab, force=force)
    resume.bring_back(here, lab.name)  # an endpoint that is not there can't be updated
    before = _job(here, lab.name)
    _prepare(here, owner.named(here, lab, context))
    outcome = deployment.everything(here, lab)
    serving.check(here, lab.name)
    _summary(here, lab, retrained=_job(here, lab.name) != before)
    _told_of_strangers(here, lab)
    return outcome


def _prepare(here: Place, context: Sequence[str]) -> None:
    """Synthesise and bootstrap, at the same time: neither needs the other."""
    with screen.step("CDK app synthesised") as retitle, ThreadPoolExecutor() as pool:
        bootstrapping = None if stacks.exists(here, stacks.BOOTSTRAP) else pool.submit(cdk.bootstrap, here)
        cdk.synth(here, context)
        if bootstrapping:
            retitle("CDK app synthesised, account bootstrapped")
            bootstrapping.result()


def _job(here: Place, lab: str) -> str | None:
    """The training job whose model the lab has."""
    outputs = {k: v for stack in stacks.of_lab(here, lab) for k, v in stack.outputs.items()}
    return outputs.get("TrainingJobName")


def _told_of_strangers(here: Place, lab: Settings) -> None:
    """Seats that have left the settings still stand, and cost: say so."""
    strangers = [each.name for each in seat.find(here, lab) if not each.listed]
    if strangers:
        names = " ".join(strangers)
        screen.console.print(
            f"[yellow]![/] Not in the settings, but still there: `./lab seats remove {names}` ends it.",
            soft_wrap=True,
        )


def _summary(here: Place, lab: Settings, *, retrained: bool) -> None:
    outputs = {k: v for stack in stacks.of_lab(here, lab.name) for k, v in stack.outputs.items()}
    accuracy = screen.percent(outputs["TestAccuracy"])
    training = "trained" if retrained else "not retrained: same code, data and hyperparameters"
    on_aws = " --target aws" if here.target is Target.AWS else ""
    end = lease.end(here, lab.name)
    ends = f"lease      ends by itself at {lease.shown(end)} ([bold]./lab extend 2h[/] prolongs it)\n" if end else ""
    screen.boxed(
        f"[bold]{lab.name}[/] is up.\n"
        f"model      [bold]{accuracy}[/] of the test images right ({training})\n"
        f"job        {outputs['TrainingJobName']}\n"
        f"endpoint   {outputs['EndpointName']}\n"
        f"bucket     {outputs['BucketName']}\n"
        f"{ends}\n"
        f"Next:  [bold]./lab notebook{on_aws}[/]   [bold]./lab predict photo.png{on_aws}[/]   "
        f"[bold]./lab status{on_aws}[/]   [bold]./lab down{on_aws}[/]"
    )
