"""The console's server: on this machine's own address and a free port, until it is ended."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from cli import lab_sources
from cli.aws import owner
from cli.aws.collector import Collector
from cli.console.access import HOST, Access
from cli.console.actions import Actions
from cli.console.app import Console
from cli.console.panels import Pages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cli.aws.session import Session
    from infra.settings import Settings


@contextmanager
def serving(session: Session, lab: Settings, context: Sequence[str], port: int = 0) -> Iterator[str]:
    """Serve the console in a thread while the block runs; yield the link that lets its visitor in."""
    listening = socket.create_server((HOST, port))
    entrance = Access(listening.getsockname()[1])
    with Collector(lab_sources.of_lab(session, lab)) as collector:
        pages = Pages(session, lab, collector, entrance.form_token)
        who = owner.caller_arn(session)
        actions = Actions(session, lab.name, who, context)
        pages.actions = actions
        console = Console(session, collector, pages, actions, entrance)
        config = uvicorn.Config(
            console.application(), log_level="error", access_log=False, lifespan="off", timeout_graceful_shutdown=2
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), name="console", daemon=True)
        thread.start()
        try:
            with collector.watching():
                pass  # who was watched a moment ago is asked for: the browser takes a second to start
            yield entrance.link
        finally:
            console.end()
            server.should_exit = True
            thread.join()
            listening.close()
