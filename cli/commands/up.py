"""`./lab up`: from nothing to a lab that answers, and from a lab to its next version."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from cli import embedded, settings
from cli.aws import cdk, deployment, lease, owner, seats, stacks
from cli.aws.cdk import deploy_lock
from cli.aws.models import APPROVED, Models
from cli.aws.session import Session, Target, connect_to_aws, start_embedded
from cli.commands import preflight
from cli.commands.pause import bring_back
from cli.commands.seats import report
from cli.ui import screen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cli.aws.deployment import SeatsOutcome
    from infra.settings import Settings


def up(target: Target, context: Sequence[str], *, force: bool, enforce: bool, containers: str | None = None) -> None:
    """Deploy the lab; raises LabError with the reason when it could not. `force` overrides what preflight lets it.

    With `enforce` the embedded AWS asks policies before each call; AWS does so in any case. `containers` is the engine
    that may run images of one's own there, None: as before.
    """
    lab = settings.read(context)
    with deploy_lock():
        session = _open(target, lab, enforce=enforce, containers=containers)
        outcome = _up(session, context, lab, force=force)
    report(outcome)


def _open(target: Target, lab: Settings, *, enforce: bool, containers: str | None) -> Session:
    """Start the embedded AWS and open a session on it, or one on AWS."""
    if target is Target.EMBEDDED:
        embedded.install_images(lab.algorithm)
        with screen.step("embedded AWS") as retitle:
            session = start_embedded(enforce=enforce, containers=containers)
            retitle(f"embedded AWS on {session.variables['AWS_ENDPOINT_URL']}")
            return session
    return connect_to_aws()


def _up(session: Session, context: Sequence[str], lab: Settings, *, force: bool) -> SeatsOutcome:
    stacks.finish_rollback(session, lab.name, notice=lambda _: None)
    preflight.before_up(session, lab, force=force)
    bring_back(session, lab.name)  # an endpoint that is not there can't be updated
    job_before = stacks.outputs(session, lab.name).get("TrainingJobName")
    _synthesise_and_bootstrap(session, owner.add_to_context(session, lab, context))
    if not lab.retraining:
        deployment.end_retraining(session, lab.name)
    outcome = deployment.deploy_lab(session, lab)
    deployment.check_endpoint(session, lab.name)
    outputs = stacks.outputs(session, lab.name)
    _summary(session, lab, outputs, job_before)
    _warn_of_an_older_model(session, lab, outputs)
    _warn_of_unlisted_seats(session, lab)
    return outcome


def _synthesise_and_bootstrap(session: Session, context: Sequence[str]) -> None:
    """Synthesise and bootstrap, at the same time: neither needs the other."""
    with screen.step("CDK app synthesised") as retitle, ThreadPoolExecutor() as pool:
        # Another deployment may be at it, or have been killed while CloudFormation was.
        ready = stacks.wait_for_bootstrap(session, retitle)
        bootstrapping = None if ready else pool.submit(cdk.bootstrap, session)
        cdk.synth(session, context)
        if bootstrapping:
            retitle("CDK app synthesised, account bootstrapped")
            bootstrapping.result()


def _warn_of_unlisted_seats(session: Session, lab: Settings) -> None:
    """Warn of seats that have left the settings: they still stand, and cost."""
    unlisted = [each.name for each in seats.find(session, lab) if not each.listed]
    if unlisted:
        names = " ".join(unlisted)
        screen.console.print(
            f"[yellow]![/] Not in the settings, but still there: `./lab seats remove {names}` ends it.",
            soft_wrap=True,
        )


def _warn_of_an_older_model(session: Session, lab: Settings, outputs: Mapping[str, str]) -> None:
    """Warn that the endpoint serves what `./lab models` has chosen, and not what was trained last."""
    models = Models(session, lab)
    if models.served_artifact in ("", outputs["ModelArtifact"]):
        return
    serving, newest = models.serving(), next((each for each in models if each.approval == APPROVED), None)
    if serving and newest and serving.number != newest.number:
        screen.console.print(
            f"[yellow]![/] The endpoint serves version {serving.number} still, which was chosen: "
            f"`./lab models serve {newest.number}` has it serve what was trained last.",
            soft_wrap=True,
        )


def _summary(session: Session, lab: Settings, outputs: Mapping[str, str], job_before: str | None) -> None:
    """Print what stands now; `job_before` is the training job whose model stood before."""
    retrained = outputs["TrainingJobName"] != job_before
    training = "trained" if retrained else "not retrained: same code, data and hyperparameters"
    on_aws = " --target aws" if session.target is Target.AWS else ""
    end = lease.end(session, lab.name)
    ends = (
        f"lease      ends by itself at {lease.format_time(end)} ([bold]./lab extend 2h[/] prolongs it)\n" if end else ""
    )
    algorithm = f"algorithm  {outputs['Algorithm']}\n" if "Algorithm" in outputs else ""
    screen.boxed(
        f"[bold]{lab.name}[/] is up.\n"
        f"model      {_quality(outputs)} ({training})\n"
        f"{algorithm}"
        f"job        {outputs['TrainingJobName']}\n"
        f"endpoint   {outputs['EndpointName']}\n"
        f"bucket     {outputs['BucketName']}\n"
        f"{ends}\n"
        f"Next:  [bold]./lab notebook{on_aws}[/]   [bold]./lab predict photo.png{on_aws}[/]   "
        f"[bold]./lab status{on_aws}[/]   [bold]./lab down{on_aws}[/]"
    )


def _quality(outputs: Mapping[str, str]) -> str:
    """Return how good the model is; k-means knows no bricks, and is told by how far they lie from its clusters."""
    if "TestAccuracy" in outputs:
        return f"[bold]{screen.percent(outputs['TestAccuracy'])}[/] of the test images right"
    return f"[bold]{screen.number(outputs['TestMeanSquaredDistance'])}[/] mean squared distance of the test images"
