"""`./lab console`: a page that shows the lab as it lives, until Ctrl-C."""

from __future__ import annotations

import json
import queue
from typing import TYPE_CHECKING

from cli import embedded, settings
from cli.aws.session import connect
from cli.console.server import serving
from cli.ui import screen, signals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.aws.session import Target
    from cli.console.actions import Actions

_LOOK = 0.2  # seconds


def console(target: Target, context: Sequence[str], *, browser: bool, as_json: bool) -> None:
    """Serve the console on this machine, and open it, until Ctrl-C."""
    lab = settings.read(context)
    session = connect(target)
    embedded.stop_watching()  # the page outlives it, and shows it again when it is back
    ended: queue.SimpleQueue[int] = queue.SimpleQueue()
    with serving(session, lab, context) as served:
        signals.hear(lambda number, _: ended.put(number))
        if as_json:
            print(json.dumps({"url": served.link}, indent=2), flush=True)
        else:
            screen.open_page(served.link, browser=browser, remark="   opens once; Ctrl-C ends it")
        ended.get()
        _wait_for(served.actions, ended)


def _wait_for(actions: Actions, ended: queue.SimpleQueue[int]) -> None:
    """Wait for what was begun on the page; a further signal interrupts it."""
    running = actions.running()
    if not running:
        return
    lines = ", ".join(f"`{run.line}`" for run in running)
    screen.errors.print(
        f"Waiting for {lines}, begun on the page; Ctrl-C again interrupts.", soft_wrap=True, markup=False
    )
    while actions.running():
        try:
            ended.get(timeout=_LOOK)
        except queue.Empty:
            continue
        actions.interrupt()
