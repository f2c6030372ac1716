"""`./lab up`: from nothing to a lab that answers, and from a lab to its next version."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from rich.panel import Panel

from cli import cdk, images, place, screen, settings, stacks
from cli.errors import LabError
from cli.place import Place, Target
from cli.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.settings import Settings


def up(target: Target, context: Sequence[str]) -> None:
    """Deploy the lab; raises LabError with the reason when it could not."""
    lab = settings.read(context)
    if target is Target.EMBEDDED:
        images.install()
        with screen.step("embedded AWS") as retitle:
            here = place.start_embedded()
            retitle(f"embedded AWS on {here.variables['AWS_ENDPOINT_URL']}")
    else:
        here = place.aws()
    before = _job(here, lab.name)
    _prepare(here, context)
    _deploy(here, lab)
    _summary(here, lab, retrained=_job(here, lab.name) != before)


def _prepare(here: Place, context: Sequence[str]) -> None:
    """Synthesise and bootstrap, at the same time: neither needs the other."""
    with screen.step("CDK app synthesised") as retitle, ThreadPoolExecutor() as pool:
        bootstrapping = None if stacks.exists(here, "CDKToolkit") else pool.submit(cdk.bootstrap, here)
        cdk.synth(here, context)
        if bootstrapping:
            retitle("CDK app synthesised, account bootstrapped")
            bootstrapping.result()


def _deploy(here: Place, lab: Settings) -> None:
    names = cdk.stack_names()
    started = time.time()
    stacks.settle(here, lab.name, notice=lambda _: None)
    with Watch(here, lab.name, names):
        deployed = cdk.deploy(here)
    if deployed:
        return
    reasons = stacks.failures(here, names, since=started) or [cdk.last_words(cdk.deploy_log())]
    raise LabError(
        "\n".join([*reasons, f"Mend it and run `./lab up` again; the CDK's whole log is {cdk.deploy_log()}."])
    )


def _job(here: Place, lab: str) -> str | None:
    """The training job whose model the lab has."""
    outputs = {k: v for stack in stacks.of_lab(here, lab) for k, v in stack.outputs.items()}
    return outputs.get("TrainingJobName")


def _summary(here: Place, lab: Settings, *, retrained: bool) -> None:
    outputs = {k: v for stack in stacks.of_lab(here, lab.name) for k, v in stack.outputs.items()}
    accuracy = screen.percent(outputs["TestAccuracy"])
    training = "trained" if retrained else "not retrained: same code, data and hyperparameters"
    on_aws = " --target aws" if here.target is Target.AWS else ""
    screen.console.print(
        Panel.fit(
            f"[bold]{lab.name}[/] is up.\n"
            f"model      [bold]{accuracy}[/] of the test images right ({training})\n"
            f"job        {outputs['TrainingJobName']}\n"
            f"endpoint   {outputs['EndpointName']}\n"
            f"bucket     {outputs['BucketName']}\n\n"
            f"Next:  [bold]./lab predict photo.png{on_aws}[/]   [bold]./lab status{on_aws}[/]   "
            f"[bold]./lab down{on_aws}[/]",
            border_style="green",
        )
    )
