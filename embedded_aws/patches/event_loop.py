"""What the services of ours ask ministack for inside the process, as if an account asked in one of its regions."""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING

from ministack.core import responses

if TYPE_CHECKING:
    from collections.abc import Callable


class Inside:
    """The event loop on which ministack answers; from any thread."""

    def __init__(self) -> None:
        """To be made on that loop."""
        self._loop = asyncio.get_running_loop()

    def ask(self, account: str, region: str, act: Callable[[], object]) -> None:
        """Let `act` be done soon, in the order of the calls; nothing comes of it once the gateway has ended."""
        context = contextvars.Context()
        context.run(responses._request_account_id.set, account)
        context.run(responses.set_request_region, region)
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(act, context=context)
