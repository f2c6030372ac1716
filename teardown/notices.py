"""Messages to the lab's topic about its end, in sentences for whoever subscribed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from teardown.receipt import Receipt

_SUBJECT_LENGTH = 100  # SNS: "must be … less than 100 characters long"
_MOST = 20


class Notices:
    """A topic of SNS that hears of one lab."""

    def __init__(self, sns: Any, topic: str, lab: str) -> None:
        self._sns, self._topic, self._lab = sns, topic, lab

    def warn(self, end: datetime) -> None:
        """Tell that the lab ends soon."""
        self._tell(
            f"Lab {self._lab} ends at {end:%H:%M} UTC",
            f"The lease of lab {self._lab} ends at {end:%Y-%m-%d %H:%M} UTC. Everything of it is deleted then: "
            "notebooks with what lies on them, models, endpoints, the bucket.\n\nTo prolong it: ./lab extend 2h",
        )

    def ended(self, receipt: Receipt) -> None:
        """Tell that the lab has ended, and what was deleted."""
        counts = Counter(resource.kind for resource in receipt.deleted)
        deleted = "\n".join(f"  {count} x {kind}" for kind, count in sorted(counts.items()))
        remains = "".join(f"\n  {each.resource}: {each.why}" for each in receipt.remaining.values())
        remains += "".join(f"\n  {kind}s could not be looked for: {why}" for kind, why in receipt.unseen.items())
        self._tell(
            f"Lab {self._lab} has ended",
            f"The lease of lab {self._lab} is over. Deleted:\n{deleted or '  nothing'}\nand, as the last, the stack "
            f"that did it. A KMS key stays in its waiting period of 7 days, without cost.{remains}",
        )

    def stuck(self, receipt: Receipt) -> None:
        """Tell that the lab could not be ended, and why."""
        reasons = [f"  {each.resource}: {each.why}" for each in receipt.remaining.values() if not each.expected]
        self._tell(
            f"Lab {self._lab} could not be ended",
            f"The lease of lab {self._lab} is over, but this could not be deleted, and may cost money:\n"
            + "\n".join(reasons[:_MOST])
            + "\n\nIt is tried again every hour. To end it by hand: ./lab down",
        )

    def _tell(self, subject: str, message: str) -> None:
        self._sns.publish(TopicArn=self._topic, Subject=subject[: _SUBJECT_LENGTH - 1], Message=message)
