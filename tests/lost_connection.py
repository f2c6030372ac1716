"""A connection that gets lost, between a browser and whom it sends answers to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Route


class LostConnection:
    """What a page's requests meet, as a handler of Playwright's routes: `fault`, as long as there is one."""

    NOT_SENT, RECEIPT_LOST = "not sent", "receipt lost"

    def __init__(self) -> None:
        self.fault = ""
        self.met: set[str] = set()

    def __call__(self, route: Route) -> None:
        """Pass a request on, or its answer, or neither."""
        self.met.add(self.fault)
        if self.fault == self.NOT_SENT:
            route.abort()
            return
        answer = route.fetch()
        if self.fault:
            route.abort()
        else:
            route.fulfill(response=answer)
