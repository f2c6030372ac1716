"""`./lab retrain`: train the model anew with what is new in the bucket, as the lab itself does when something is."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from rich.markup import escape

from cli import settings
from cli.aws.retraining import RUNNING, STEPS, Retraining, Run
from cli.aws.session import Target, connect
from cli.ui import screen
from cli.ui.errors import Interrupted, LabError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_POLL_SECONDS = {Target.EMBEDDED: 0.5, Target.AWS: 5.0}
_EVENT_SECONDS = 120  # for the approval's event to start the endpoint's update
_BAD = {"failed", "rolled-back", "aborted", "timed_out"}


def retrain(target: Target, context: Sequence[str], *, wait: bool, stop: bool, as_json: bool) -> None:
    """Start a run, or go on with the one that runs, and show it to its end; `stop` ends it instead.

    Raises LabError if it comes to nothing for a failure.
    """
    lab = settings.read(context).name
    retraining = Retraining(connect(target), lab)
    running = retraining.running()
    if stop:
        _stop(retraining, running, lab, as_json=as_json)
        return
    run = running[-1] if running else retraining.start()
    if not wait:
        if as_json:
            print(json.dumps(run.document(), indent=2))
        else:
            _say(
                f"The run {run.name} {'goes on' if running else 'has begun'}: `./lab retrain` shows it, --stop ends it."
            )
        return
    try:
        ended = _follow(retraining, run, target, quiet=as_json)
    except Interrupted as interruption:
        said = f"The run {run.name} goes on: `./lab retrain` shows it again, `./lab retrain --stop` ends it."
        raise Interrupted(said, interruption.number) from None
    if as_json:
        print(json.dumps(ended.document(), indent=2))
    if ended.outcome in _BAD:
        raise LabError(ended.sentence)
    if not as_json:
        _say(ended.sentence)


def _follow(retraining: Retraining, run: Run, target: Target, *, quiet: bool) -> Run:
    """Show each step when it is over; return the run when it has ended, and what it has approved serves."""
    began, shown = time.monotonic(), 0
    with screen.waiting("waiting for its turn", quiet=quiet) as notice:
        while True:
            found = retraining.run(run.described["executionArn"])
            steps = retraining.steps(found)
            over = steps if found.status != RUNNING else steps[:-1]
            for step in over[shown:] if not quiet else ():
                screen.done(STEPS[step], time.monotonic() - began)
                began = time.monotonic()
            shown = len(over)
            if found.status != RUNNING:
                break
            if steps:
                notice(STEPS[steps[-1]])
            time.sleep(_POLL_SECONDS[target])
        return _deployed(retraining, found, target, notice, quiet=quiet) if found.outcome == "approved" else found


def _deployed(retraining: Retraining, run: Run, target: Target, notice: Callable[[str], None], *, quiet: bool) -> Run:
    """Wait until the endpoint has been updated to the version of a run; return what that came to, with the version."""
    notice("updating the endpoint")
    began = time.monotonic()
    while (found := retraining.deployment_of(run)) is None or found.status == RUNNING:
        if found is None and time.monotonic() - began > _EVENT_SECONDS:
            raise LabError(
                f"{run.sentence} Its approval has started no update of the endpoint in {_EVENT_SECONDS} s: "
                f"`./lab models serve {run.package.rpartition('/')[2]}` does it."
            )
        time.sleep(_POLL_SECONDS[target])
    if not quiet:
        screen.done("updating the endpoint", time.monotonic() - began)
    return found


def _stop(retraining: Retraining, running: Sequence[Run], lab: str, *, as_json: bool) -> None:
    if not running:
        raise LabError(f"No retraining of the lab {lab} runs: there is nothing to stop.")
    for run in running:
        retraining.stop(run)
    if as_json:
        print(json.dumps({"stopped": [run.name for run in running]}, indent=2))
        return
    names = " and ".join(run.name for run in running)
    _say(f"Stopped: {names}, with the job that was waited for; what serves serves on.")


def _say(text: str) -> None:
    screen.console.print(escape(text), soft_wrap=True)
