"""`./lab console`: a page that shows the lab as it lives, until Ctrl-C."""

from __future__ import annotations

import json
import signal
import threading
from typing import TYPE_CHECKING

from cli import settings
from cli.aws.session import connect
from cli.console.server import serving
from cli.ui import screen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.aws.session import Target


def console(target: Target, context: Sequence[str], *, browser: bool, as_json: bool) -> None:
    """Serve the console on this machine, and open it, until Ctrl-C."""
    lab = settings.read(context)
    session = connect(target)
    ended = threading.Event()
    with serving(session, lab, context) as link:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ended.set())
        if as_json:
            print(json.dumps({"url": link}, indent=2), flush=True)
        else:
            screen.open_page(link, browser=browser, remark="   opens once; Ctrl-C ends it")
        ended.wait()
