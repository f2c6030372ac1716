"""The event loop on which ministack answers, for what our services do to ministack's without a request to the port."""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING

from ministack.core import responses

if TYPE_CHECKING:
    from collections.abc import Callable


class EventLoop:
    """The event loop that runs when this is made."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def call_soon(self, account: str, region: str, act: Callable[[], object]) -> None:
        """Call `act` on the loop soon, as if that account asked in that region, in the order of these calls.

        May be called from any thread. Nothing comes of it once the gateway has ended.
        """
        context = contextvars.Context()
        context.run(responses._request_account_id.set, account)
        context.run(responses.set_request_region, region)
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(act, context=context)
