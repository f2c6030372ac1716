"""The console's server: on this machine's own address and a free port, until it is ended.

What a first request would wait for, templates and the modules that serve files, is made ready before the link is told.
"""

from __future__ import annotations

import socket
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import TYPE_CHECKING

from cli import lab_sources
from cli.aws import owner
from cli.console.actions import Actions
from cli.console.app import Console
from cli.console.panels import Pages
from pages import server
from pages.access import HOST, Access

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cli.aws.session import Session
    from infra.settings import Settings


@dataclass(frozen=True)
class Served:
    """A console that is served: the link that lets its visitor in, and what its buttons have begun."""

    link: str
    actions: Actions


@contextmanager
def serving(session: Session, lab: Settings, context: Sequence[str], port: int = 0) -> Iterator[Served]:
    """Serve the console in a thread while the block runs."""
    listening = socket.create_server((HOST, port))
    entrance = Access(listening.getsockname()[1], "`./lab console`")
    with lab_sources.watching(session, lab) as collector:
        pages = Pages(session, lab, collector, entrance)
        who = owner.caller_arn(session)
        actions = Actions(session, lab.name, who, context)
        pages.actions = actions
        console = Console(session, collector, pages, actions, entrance)
        with server.running(console.application(), listening, console.end):
            pages.whole()
            _ask_for_a_file(entrance)
            yield Served(entrance.link, actions)


def _ask_for_a_file(entrance: Access) -> None:
    with closing(HTTPConnection(HOST, entrance.port)) as connection:
        connection.request("GET", f"{entrance.home}static/page/icon.svg")
        connection.getresponse().read()
