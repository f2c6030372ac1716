"""Prices: from AWS's price list of today, or, for what cannot be had from it, from a dated table.

On-demand prices in US dollars. Nothing is known of free tiers, savings plans, credits and taxes. The Price List Query
API is asked once a day. Source of the filters and of what an answer looks like: AWS's LLMeter
(callbacks/cost/providers/sagemaker.py) and the Price List's user guide; the usage types are those of SageMaker's bills.
"""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from cli import paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cli.aws.session import Session

HOURS_A_MONTH = 730  # as AWS's price calculator counts
_TABLE = Path(__file__).with_name("prices.json")
# The API has endpoints in few regions, and each knows the prices of all regions of its partition.
_ENDPOINTS = {"cn": "cn-northwest-1", "eu": "eu-central-1", "ap": "ap-south-1"}
_ELSEWHERE = "us-east-1"
# A table is at hand: nobody has to wait for the list.
_TIMEOUT = 5  # seconds
_ATTEMPTS = 2
_DAY = 24 * 3600  # seconds
# The region's code is before the hyphen, and only us-east-1's old usage types go without.
_USAGE = re.compile(r"(?:^|-)(Host|Train|Notebk|Processing|Tsform):(ml\.[-a-z0-9.]+)$")
_USES = {
    "Host": "Hosting",
    "Train": "Training",
    "Notebk": "Notebook",
    "Processing": "Processing",
    "Tsform": "Transform",
}


class InstanceUse(StrEnum):
    """What an instance is used for: SageMaker has a price for each, which the price list calls its component."""

    HOSTING = "Hosting"
    TRAINING = "Training"
    NOTEBOOK = "Notebook"
    PROCESSING = "Processing"
    TRANSFORM = "Transform"


Want = tuple[str, InstanceUse]
Hourly = dict[tuple[str, str], float]  # USD by instance type and use


@dataclass(frozen=True, kw_only=True)
class Prices:
    """USD: an hour of an instance, a month of a volume's GB and of others, a second of a serving GB, a million calls.

    `missed` says why the price list was not asked to the end; it is empty if it was.
    """

    region: str
    live: Mapping[Want, float]
    table: Mapping[Want, float]
    table_of: str
    volume_gb_month: float
    months: Mapping[str, float]
    serverless_gb_second: float = 0.0
    labeled_object: float = 0.0  # in a labeling job
    rest_million: float = 0.0
    lambda_million: float = 0.0
    lambda_million_gb_seconds: float = 0.0
    missed: str = ""
    asked: set[Want] = field(default_factory=set)

    @classmethod
    def of(cls, session: Session, wanted: Iterable[Want]) -> Prices:
        """Look up the prices of these instance types for these uses, in the session's region."""
        asked = set(wanted)
        live, missed = _hourly(session, {instance_type for instance_type, _ in asked})
        document = json.loads(_TABLE.read_text())
        table = {
            (instance_type, InstanceUse(use)): price
            for instance_type, uses in document["instances"].items()
            for use, (price, _) in uses.items()
        }
        return cls(
            region=session.region,
            live={(instance_type, InstanceUse(use)): price for (instance_type, use), price in live.items()},
            table=table,
            table_of=f"{document['region']} of {document['as_of']}",
            volume_gb_month=document["notebook_volume_gb_month"][0],
            months={name: price for name, (price, _) in document["months"].items()},
            serverless_gb_second=document["serverless_gb_second"][0],
            labeled_object=document["labeled_object"][0],
            rest_million=document["rest_million"][0],
            lambda_million=document["lambda_million"][0],
            lambda_million_gb_seconds=document["lambda_million_gb_seconds"][0],
            missed=missed,
            asked=asked,
        )

    def hourly(self, instance_type: str, use: InstanceUse) -> float | None:
        """Return what an hour of an instance costs; None if that is not known."""
        want = (instance_type, use)
        return self.live.get(want, self.table.get(want))

    def volume(self, gigabytes: int) -> float:
        """Return what an hour of a notebook instance's volume costs."""
        return gigabytes * self.volume_gb_month / HOURS_A_MONTH

    def serverless(self, megabytes: int) -> float:
        """Return what a second costs in which a serverless endpoint of so much memory answers."""
        return megabytes / 1024 * self.serverless_gb_second

    def by_the_month(self, kind: str) -> float:
        """Return what an hour of a "key", a "dashboard" or an "alarm" costs."""
        return self.months[kind] / HOURS_A_MONTH

    @property
    def source(self) -> str:
        """Say in a sentence which prices these are, of where and when, and which there are none of."""
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
        """Return it for programs."""
        return {
            "region": self.region,
            "live": sorted(" ".join(want) for want in self.asked if want in self.live),
            "table": self.table_of,
            "note": self.source,
        }

    def _unknown(self) -> str:
        unknown = sorted(f"{name} ({use.lower()})" for name, use in self.asked if self.hourly(name, use) is None)
        return f" No price is known for {', '.join(unknown)}." if unknown else ""


def _hourly(session: Session, instance_types: Iterable[str]) -> tuple[Hourly, str]:
    """Return USD an hour by instance type and use, and why some could not be asked for (empty if all could)."""
    found: Hourly = {}
    client = None
    for instance_type in sorted(instance_types):
        cached = _cached(session.region, instance_type)
        if cached is None:
            client = client or _pricing_client(session)
            try:
                cached = _ask(client, session.region, instance_type)
            except (BotoCoreError, ClientError) as error:
                return found, f"the price list did not answer: {_in_short(error)}"
            _cache(session.region, instance_type, cached)
        found |= {(instance_type, use): price for use, price in cached.items()}
    return found, ""


def _pricing_client(session: Session) -> Any:
    nearest = _ENDPOINTS.get(session.region.partition("-")[0], _ELSEWHERE)
    return replace(session, region=nearest).client("pricing", timeout=_TIMEOUT, attempts=_ATTEMPTS)


def _ask(client: Any, region: str, instance_type: str) -> dict[str, float]:
    wanted = {"regionCode": region, "instanceName": instance_type}
    filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in wanted.items()]
    pages = client.get_paginator("get_products").paginate(ServiceCode="AmazonSageMaker", Filters=filters)
    products = (json.loads(text) for page in pages for text in page["PriceList"])
    return {use: price for product in products for use, price in _hourly_prices(product, instance_type)}


def _hourly_prices(product: Mapping[str, Any], instance_type: str) -> Iterator[tuple[str, float]]:
    """Use and USD an hour of a product; nothing of what is not by the hour, or not for our uses."""
    usage = _USAGE.search(product["product"]["attributes"].get("usagetype", ""))
    if not usage or usage[2] != instance_type:
        return
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            if dimension["unit"].lower() == "hrs" and "USD" in dimension["pricePerUnit"]:
                yield _USES[usage[1]], float(dimension["pricePerUnit"]["USD"])


def _in_short(error: Exception) -> str:
    """Return a refusal's code, or the kind of error; the whole would be longer than all else that is said."""
    return str(error.response["Error"].get("Code")) if isinstance(error, ClientError) else type(error).__name__


def _file(region: str, instance_type: str) -> Path:
    return paths.cache() / "prices" / f"{region}-{instance_type}.json"


def _cached(region: str, instance_type: str) -> dict[str, float] | None:
    """Return what was asked for within the last day; a file that can't be read is none."""
    file = _file(region, instance_type)
    with suppress(OSError, ValueError):
        if time.time() - file.stat().st_mtime < _DAY:
            prices: dict[str, float] = json.loads(file.read_text())
            return prices
    return None


def _cache(region: str, instance_type: str, prices: Mapping[str, float]) -> None:
    """Write the file as a whole: another `./lab` may read it at the same time."""
    file = _file(region, instance_type)
    with suppress(OSError):  # a cache that can't be written costs a call, no more
        file.parent.mkdir(parents=True, exist_ok=True)
        whole = file.with_suffix(f".{time.time_ns()}")
        whole.write_text(json.dumps(prices))
        whole.replace(file)
