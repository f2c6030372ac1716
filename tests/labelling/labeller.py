"""A person at the labelling page, who needs no browser."""

from __future__ import annotations

import json
from typing import Any

from tests.cli.console.test_access import Visitor


class Labeller(Visitor):
    """Asks what the page asks, once the link has let them in."""

    def __init__(self, link: str) -> None:
        super().__init__(link)
        self.cookie = self(self.token).headers["Set-Cookie"].partition(";")[0]
        self("")
        token = self.text.partition('name="form-token" content="')[2].partition('"')[0]
        self.own = {"Origin": f"http://{self.address}", "X_Form_Token": token}

    def next(self) -> list[int]:
        """The next photos, in their order."""
        self("work", "POST", '{"held": []}', **self.own)
        return [each["photo"] for each in json.loads(self.text)["photos"]]

    def send(self, *events: dict[str, Any]) -> dict[str, Any]:
        """Send answers as they are; what the page is told."""
        self("answers", "POST", json.dumps(events), **self.own)
        told: dict[str, Any] = json.loads(self.text)
        return told

    def answer(self, photo: int, label: int | None) -> dict[str, Any]:
        """Answer for a photo, or take that back; what the page is told."""
        moments = {"accepted": "2026-11-30T11:00:00.000Z", "submitted": "2026-11-30T11:00:02.000Z"}
        return self.send({"id": f"{photo}-{label}", "photo": photo, "label": label, "seconds": 2, **moments})

    def suggestion(self, photo: int) -> dict[str, Any]:
        """What the endpoint sees, or why nobody knows."""
        self(f"suggestions/{photo}")
        told: dict[str, Any] = json.loads(self.text)
        return told
