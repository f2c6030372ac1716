"""`./lab edge`: the lab's Greengrass component on this machine, by its recipe's own scripts."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cli import settings
from cli.aws import edge_component, stacks
from cli.aws.edge_component import ComponentError
from cli.aws.edge_device import EdgeDevice
from cli.aws.session import connect
from cli.lifecycle import LifecycleError
from cli.programs import tool_environment
from cli.ui.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cli.aws.edge_component import Component
    from cli.aws.session import Session, Target


def edge(
    target: Target, context: Sequence[str], folder: Path, *, results: Path | None, deliver: bool, watch: bool
) -> int:
    """Answer for the photos in a folder, a JSON line each, and return the exit code of the recipe's script.

    The newest version is fetched where the target can be reached; else the one from before answers, without AWS. With
    `deliver` the lines go to the lab's bucket, as soon as it can be reached; with `watch` it goes on until Ctrl-C.
    """
    if not folder.is_dir():
        raise LabError(f"There is no folder {folder}: name the one with the photos.")
    lab = settings.read(context).name
    session = _reachable(target)
    try:
        environment = session.environment() if session else tool_environment()
        device = EdgeDevice(lab, _component(session, lab), environment)
        device.install()
        configuration = {
            "photos": str(folder.resolve()),
            "results": str((results or device.work / "results").resolve()),
            "more": "" if watch else "--once",
            **({} if deliver else {"bucket": ""}),
        }
        with _ends_when_interrupted():
            return device.run(configuration)
    except (ComponentError, LifecycleError) as error:
        raise LabError(str(error)) from None


def _reachable(target: Target) -> Session | None:
    try:
        return connect(target)
    except LabError:
        return None


def _component(session: Session | None, lab: str) -> Component:
    """Return the version that is deployed, or without AWS the one that was fetched last."""
    if session:
        try:
            if arn := stacks.outputs(session, lab).get("EdgeComponent"):
                return edge_component.fetch(session, lab, arn)
        except (BotoCoreError, ClientError) as error:
            print(f"AWS can't be reached, so the component that is here answers: {error}", file=sys.stderr)
    if found := edge_component.kept(lab):
        return found
    raise LabError(
        f"No component of the lab {lab} is here yet: run `./lab up -c lab.serve_also=edge`, and this once while the "
        "lab is there; afterwards it needs no AWS."
    )


@contextmanager
def _ends_when_interrupted() -> Iterator[None]:
    """Let Ctrl-C end the script, which it reaches as well, and not this command before it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
