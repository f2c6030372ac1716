"""The labelling page's server: on this machine, and at the same port in every run, if that is free.

A browser keeps what it could not send under the page's origin, which the port is a part of: so the next run's page
finds it and sends it.
"""

from __future__ import annotations

import hashlib
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from labelling.page import LabellingPage
from pages import server
from pages.access import HOST, Access

if TYPE_CHECKING:
    from collections.abc import Iterator

    from labelling.store import JobStore
    from labelling.worklist import Worklist

_FIRST, _PORTS = 20_000, 12_000  # below the ports that Linux, macOS and Windows give to whoever wants any


@contextmanager
def serving(
    store: JobStore, worklist: Worklist, *, worker: str, opener: str, proxy: str = "", **options: Any
) -> Iterator[str]:
    """Serve a person's page while the block runs; yield the link that lets them in.

    `opener` is who shows it, in words. A `proxy` shows ports of this machine below its path, such as Jupyter's /proxy/.
    """
    listening = _listen(f"{store.task.uri('')} {worker}")
    port = listening.getsockname()[1]
    entrance = Access(port, opener, proxy=proxy and f"{proxy}{port}")
    page = LabellingPage(store, worklist, entrance, worker=worker, **options)
    with server.running(page.application(), listening):
        yield entrance.link


def _listen(whose: str) -> socket.socket:
    digest = hashlib.blake2b(whose.encode(), digest_size=4).digest()
    try:
        return socket.create_server((HOST, _FIRST + int.from_bytes(digest) % _PORTS))
    except OSError:  # somebody else has it
        return socket.create_server((HOST, 0))
