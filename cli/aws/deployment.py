"""The CDK's stacks brought up: what all share, and the seats, of which one that fails does not stop the others."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cli import paths
from cli.aws import cdk, stacks, wait
from cli.aws.progress import DeploymentProgress
from cli.ui import screen
from cli.ui.errors import LabError
from teardown import names
from teardown.executions import ExecutionsSweep
from teardown.receipt import Receipt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.aws.session import Session
    from infra.settings import Settings

_POLL_SECONDS = 0.3
_CORE_LOG = paths.LOGS / "deploy.log"
_SEATS_LOG = paths.LOGS / "seats.log"


@dataclass
class SeatsOutcome:
    """Which seats are ready, and why the others are not."""

    ready: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def deploy_lab(session: Session, settings: Settings) -> SeatsOutcome:
    """Deploy the whole synthesised app: the seats as soon as the storage stands, while the model is trained.

    Raises LabError with the reasons if what all share could not be deployed; the seats have their own outcome.
    """
    assembly = cdk.assembly()
    started = time.time()
    stacks.wait_until_settled(session, settings.name, notice=lambda _: None)
    over = threading.Event()
    _CORE_LOG.unlink(missing_ok=True)
    with DeploymentProgress(session, settings.name, assembly.names), ThreadPoolExecutor() as pool:
        classroom = pool.submit(_seats_after_storage, session, settings, assembly.seats, over)
        try:
            deployed = cdk.deploy(session, assembly.core, concurrency=settings.deploy_concurrency, log=_CORE_LOG)
        finally:
            over.set()
        outcome = classroom.result()
    if not deployed:
        stacks.finish_rollback(session, settings.name, notice=lambda _: None)
        reasons = stacks.failures(session, assembly.core, since=started) or [cdk.error_in(_CORE_LOG)]
        raise LabError("\n".join([*reasons, f"Mend it and run `./lab up` again; the CDK's whole log is {_CORE_LOG}."]))
    return outcome


def end_retraining(session: Session, lab: str) -> None:
    """Stop what runs of a lab's retraining and delete its stack, if there is one: the app has none any more."""
    stack = names.retraining_stack(lab)
    if any(each.name == stack for each in stacks.of_lab(session, lab)):
        with screen.step(f"{stack} deleted, for lab.retraining is false") as retitle:
            wait.until(ExecutionsSweep(session.client, lab, Receipt()).step, retitle)
            stacks.delete(session, lab, retitle, only=[stack])
            retitle(f"{stack} deleted, for lab.retraining is false")


def deploy_seats(session: Session, settings: Settings, wanted: Mapping[str, str]) -> SeatsOutcome:
    """Deploy these seats (seat -> stack) and no other stack."""
    stacks.wait_until_settled(session, settings.name, notice=lambda _: None)
    with DeploymentProgress(session, settings.name, list(wanted.values())):
        return _seats(session, settings, wanted)


def check_endpoint(session: Session, lab: str) -> None:
    """Raise LabError if the endpoint serves another config than its stack made.

    What an update of the stack came to, the stack has looked at itself; somebody may have changed the endpoint by hand
    since then, which CloudFormation does not see where nothing of the stack has changed.
    """
    sagemaker = session.client("sagemaker")
    asked = _deployed_config(session, lab)
    endpoint = stacks.outputs(session, lab)["EndpointName"]
    serving = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    if serving != asked:
        raise LabError(
            f"The endpoint {endpoint} serves the config {serving}, and not the one that was deployed, {asked}: "
            "somebody has changed it. `aws sagemaker update-endpoint "
            f"--endpoint-name {endpoint} --endpoint-config-name {asked}` puts it right."
        )


def _seats_after_storage(
    session: Session, settings: Settings, wanted: Mapping[str, str], over: threading.Event
) -> SeatsOutcome:
    """Wait until this deployment has the storage stack behind it: all seats read from it, also what it changes now."""
    storage = names.storage_stack(settings.name)
    while wanted and storage not in cdk.deployed(_CORE_LOG):
        if over.wait(_POLL_SECONDS) and storage not in cdk.deployed(_CORE_LOG):
            return SeatsOutcome(failed=dict.fromkeys(wanted, "not deployed, for the lab's storage was not"))
    return _seats(session, settings, wanted)


def _seats(session: Session, settings: Settings, wanted: Mapping[str, str]) -> SeatsOutcome:
    """Deploy the seats; the CDK CLI stops at the first that fails, and is run again until each has had its turn."""
    outcome = SeatsOutcome()
    _clear_broken(session, settings.name, set(wanted.values()))
    left = dict(wanted)
    while left:
        started = time.time()
        whole = cdk.deploy(session, list(left.values()), concurrency=settings.deploy_concurrency, log=_SEATS_LOG)
        done = set(left.values()) if whole else cdk.deployed(_SEATS_LOG)
        outcome.ready += [seat for seat, stack in left.items() if stack in done]
        rest = {seat: stack for seat, stack in left.items() if stack not in done}
        reasons = {seat: reason for seat, stack in rest.items() if (reason := _reason(session, stack, since=started))}
        outcome.failed |= reasons
        left = {seat: stack for seat, stack in rest.items() if seat not in reasons}
        if not (done or reasons):  # no stack's fault: every other run would end like this one
            outcome.failed |= dict.fromkeys(left, cdk.error_in(_SEATS_LOG))
            break
    return outcome


def _reason(session: Session, stack: str, *, since: float) -> str:
    """Return the first cause of a stack's failure; empty if it did not have its turn."""
    events = stacks.failures(session, [stack], since=since)
    return events[0].removeprefix(f"{stack}: ") if events else cdk.failure(_SEATS_LOG, stack)


def _clear_broken(session: Session, lab: str, names: set[str]) -> None:
    """Delete what is left of seats that failed in the middle: a stack in such a state can't be deployed again."""
    broken = [stack.name for stack in stacks.of_lab(session, lab) if stack.broken and stack.name in names]
    if broken:
        stacks.delete(session, lab, lambda _: None, only=broken)


def _deployed_config(session: Session, lab: str) -> str:
    """Return the name of the config that the stack made; its ARN has it in lower case."""
    operation = session.client("cloudformation").get_paginator("list_stack_resources")
    pages = operation.paginate(StackName=names.endpoint_stack(lab))
    made = {r["ResourceType"]: r["PhysicalResourceId"] for page in pages for r in page["StackResourceSummaries"]}
    arn = made["AWS::SageMaker::EndpointConfig"]
    pages = (
        session.client("sagemaker").get_paginator("list_endpoint_configs").paginate(NameContains=arn.rpartition("-")[2])
    )
    named = {
        each["EndpointConfigArn"]: each["EndpointConfigName"] for page in pages for each in page["EndpointConfigs"]
    }
    return str(named.get(arn, arn.rpartition("/")[2]))
