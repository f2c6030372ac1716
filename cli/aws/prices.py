"""What things cost: AWS's price list of today, or what cannot be had from it from a dated table.

On-demand prices in US dollars. Nothing is known of free tiers, savings plans, credits and taxes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.aws import price_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cli.aws.session import Session

HOURS_A_MONTH = 730  # as AWS's price calculator counts
_TABLE = Path(__file__).with_name("prices.json")


class Use(StrEnum):
    """What an instance is used for: SageMaker has a price for each, which the price list calls its component."""

    HOSTING = "Hosting"
    TRAINING = "Training"
    NOTEBOOK = "Notebook"
    PROCESSING = "Processing"
    TRANSFORM = "Transform"


Want = tuple[str, Use]


@dataclass(frozen=True, kw_only=True)
class Prices:
    """USD an hour of an instance, USD a month of a GB and of a key, and where they come from.

    `missed` says why the price list was not asked to the end; it is empty if it was.
    """

    region: str
    live: Mapping[Want, float]
    table: Mapping[Want, float]
    table_of: str
    volume_gb_month: float
    key_month: float
    missed: str = ""
    asked: set[Want] = field(default_factory=set)

    @classmethod
    def of(cls, session: Session, wanted: Iterable[Want]) -> Prices:
        """The prices of these instance types for these uses, in the place's region."""
        asked = set(wanted)
        live, missed = price_list.hourly(session, {instance_type for instance_type, _ in asked})
        document = json.loads(_TABLE.read_text())
        table = {
            (instance_type, Use(use)): price
            for instance_type, uses in document["instances"].items()
            for use, (price, _) in uses.items()
        }
        return cls(
            region=session.region,
            live={(instance_type, Use(use)): price for (instance_type, use), price in live.items()},
            table=table,
            table_of=f"{document['region']} of {document['as_of']}",
            volume_gb_month=document["notebook_volume_gb_month"][0],
            key_month=document["key_month"][0],
            missed=missed,
            asked=asked,
        )

    def hourly(self, instance_type: str, use: Use) -> float | None:
        """What an hour costs; None if that is not known."""
        want = (instance_type, use)
        return self.live.get(want, self.table.get(want))

    def volume(self, gigabytes: int) -> float:
        """What an hour of a notebook instance's volume costs."""
        return gigabytes * self.volume_gb_month / HOURS_A_MONTH

    @property
    def key(self) -> float:
        """What an hour of a KMS key costs."""
        return self.key_month / HOURS_A_MONTH

    @property
    def source(self) -> str:
        """One sentence: which prices these are, of where and when, and which there are none of."""
        of_list = {want for want in self.asked if want in self.live}
        rest = self.asked - of_list
        table = f"a table for {self.table_of}"
        if of_list:
            others = "other instances, volumes" if rest else "volumes"
            words = f"AWS's price list of today for {self.region}; of {others} and keys from {table}"
        else:
            words = table
        why = f" ({self.missed})" if rest and self.missed else ""
        return f"Prices: on demand, without tax, from {words}{why}.{self._unknown()}"

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "region": self.region,
            "live": sorted(" ".join(want) for want in self.asked if want in self.live),
            "table": self.table_of,
            "note": self.source,
        }

    def _unknown(self) -> str:
        unknown = sorted(f"{name} ({use.lower()})" for name, use in self.asked if self.hourly(name, use) is None)
        return f" No price is known for {', '.join(unknown)}." if unknown else ""
