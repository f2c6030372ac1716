"""The labelling page's server: on this machine, and at the same port in every run, if that is free.

A browser keeps what it could not send under the page's origin, which the port is a part of: so the next run's page
finds it and sends it.
"""

from __future__ import annotations

import hashlib
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cli import page_server
from cli.console.access import HOST, Access
from cli.labelling.page import LabellingPage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.labelling.store import JobStore
    from cli.labelling.worklist import Worklist
    from infra.settings import Settings

_FIRST, _PORTS = 20_000, 12_000  # below the ports that Linux, macOS and Windows give to whoever wants any


@contextmanager
def serving(
    store: JobStore, worklist: Worklist, lab: Settings, *, worker: str, account: str, **options: Any
) -> Iterator[str]:
    """Serve a person's page while the block runs; yield the link that lets them in."""
    listening = _listen(f"{account}/{lab.name}/{store.task.name}/{worker}")
    entrance = Access(listening.getsockname()[1], "label")
    page = LabellingPage(store, worklist, entrance, lab, worker=worker, **options)
    with page_server.running(page.application(), listening):
        yield entrance.link


def _listen(whose: str) -> socket.socket:
    digest = hashlib.blake2b(whose.encode(), digest_size=4).digest()
    try:
        return socket.create_server((HOST, _FIRST + int.from_bytes(digest) % _PORTS))
    except OSError:  # somebody else has it
        return socket.create_server((HOST, 0))
