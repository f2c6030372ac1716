"""The CDK's stacks brought up: what all share, and the seats, of which one that fails does not stop the others."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cli import cdk, paths, stacks
from cli.errors import LabError
from cli.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.place import Place
    from infra.settings import Settings

_POLL_SECONDS = 0.3


@dataclass
class Outcome:
    """Which seats are ready, and why the others are not."""

    ready: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def everything(here: Place, settings: Settings) -> Outcome:
    """Deploy the whole synthesised app: the seats as soon as the storage stands, while the model is trained.

    Raises LabError with the reasons if what all share could not be deployed; the seats have their own outcome.
    """
    assembly = cdk.assembly()
    started = time.time()
    stacks.settle(here, settings.name, notice=lambda _: None)
    over = threading.Event()
    with Watch(here, settings.name, assembly.names), ThreadPoolExecutor() as pool:
        classroom = pool.submit(_seats_after_storage, here, settings, assembly.seats, over)
        log = paths.LOGS / "deploy.log"
        deployed = cdk.deploy(here, assembly.core, concurrency=settings.deploy_concurrency, log=log)
        over.set()
        outcome = classroom.result()
    if not deployed:
        reasons = stacks.failures(here, assembly.core, since=started) or [cdk.last_words(log)]
        raise LabError("\n".join([*reasons, f"Mend it and run `./lab up` again; the CDK's whole log is {log}."]))
    return outcome


def seats(here: Place, settings: Settings, wanted: Mapping[str, str]) -> Outcome:
    """Deploy these seats (seat -> stack) and no other stack."""
    stacks.settle(here, settings.name, notice=lambda _: None)
    with Watch(here, settings.name, list(wanted.values())):
        return _seats(here, settings, wanted)


def _seats_after_storage(here: Place, settings: Settings, wanted: Mapping[str, str], over: threading.Event) -> Outcome:
    """Wait for the storage stack, which all seats read from; without it none can be deployed."""
    storage = f"{settings.name}-storage"
    while wanted and not _complete(here, settings.name, storage):
        if over.wait(_POLL_SECONDS) and not _complete(here, settings.name, storage):
            return Outcome(failed=dict.fromkeys(wanted, "not deployed, for the lab's storage was not"))
    return _seats(here, settings, wanted)


def _seats(here: Place, settings: Settings, wanted: Mapping[str, str]) -> Outcome:
    """The CDK CLI stops at the first stack that fails: it is run again for the rest until each has had its turn."""
    outcome = Outcome()
    _clear_broken(here, settings.name, set(wanted.values()))
    left = dict(wanted)
    log = paths.LOGS / "seats.log"
    while left:
        started = time.time()
        whole = cdk.deploy(here, list(left.values()), concurrency=settings.deploy_concurrency, log=log)
        done = set(left.values()) if whole else cdk.deployed(log)
        reasons = {} if whole else _reasons(here, left, since=started)
        outcome.ready += [seat for seat, stack in left.items() if stack in done]
        outcome.failed |= reasons
        rest = {seat: stack for seat, stack in left.items() if stack not in done and seat not in reasons}
        if len(rest) == len(left):  # no stack's fault: every other run would end like this one
            outcome.failed |= dict.fromkeys(rest, cdk.last_words(log))
            break
        left = rest
    return outcome


def _reasons(here: Place, left: Mapping[str, str], *, since: float) -> dict[str, str]:
    """The first cause of each seat that failed."""
    log = paths.LOGS / "seats.log"
    found = {}
    for seat, stack in left.items():
        said = cdk.failure(log, stack)
        if said:
            events = stacks.failures(here, [stack], since=since)
            found[seat] = events[0].removeprefix(f"{stack}: ") if events else said
    return found


def _clear_broken(here: Place, lab: str, names: set[str]) -> None:
    """Delete what is left of seats that failed in the middle: a stack in such a state can't be deployed again."""
    broken = [stack.name for stack in stacks.of_lab(here, lab) if stack.broken and stack.name in names]
    if broken:
        stacks.delete(here, lab, lambda _: None, only=broken)


def _complete(here: Place, lab: str, name: str) -> bool:
    """Whether the stack stands as asked for, with nothing of it being changed."""
    return any(stack.name == name and stack.complete for stack in stacks.of_lab(here, lab))
