"""EventBridge: what SageMaker tells goes to the rules of the account's default bus, as AWS's own events do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ministack.services import eventbridge

from embedded_aws.services.sagemaker.events import SOURCE

if TYPE_CHECKING:
    from embedded_aws.patches.event_loop import Inside
    from embedded_aws.services.sagemaker.events import Event

_REMEMBERED = 100


class Bus:
    """The default bus of every account and region."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    def put(self, event: Event) -> None:
        """Let the rules that match an event fire; returns at once."""
        self._inside.ask(event.account, event.region, lambda: _put(event))


def _put(event: Event) -> None:
    entry = {
        "Source": SOURCE,
        "DetailType": event.detail_type,
        "Detail": json.dumps(event.detail),
        "Resources": [event.resource],
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
    del eventbridge._events_log_list()[:-_REMEMBERED]  # ministack keeps every event for ever, and asks for none
