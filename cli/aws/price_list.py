"""AWS's Price List Query API: what an hour of a SageMaker instance costs today, asked once a day.

Source of the filters and of what an answer looks like: AWS's LLMeter (callbacks/cost/providers/sagemaker.py) and the
Price List's user guide; the usage types are those of SageMaker's bills.
"""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from cli import paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from cli.aws.session import Session

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

Hourly = dict[tuple[str, str], float]


def hourly(session: Session, instance_types: Iterable[str]) -> tuple[Hourly, str]:
    """USD an hour by instance type and use, and why some could not be asked for (empty if all could)."""
    found: Hourly = {}
    client = None
    for instance_type in sorted(instance_types):
        cached = _cached(session.region, instance_type)
        if cached is None:
            client = client or _client(session)
            try:
                cached = _ask(client, session.region, instance_type)
            except (BotoCoreError, ClientError) as error:
                return found, f"the price list did not answer: {_in_short(error)}"
            _keep(session.region, instance_type, cached)
        found |= {(instance_type, use): price for use, price in cached.items()}
    return found, ""


def _client(session: Session) -> Any:
    nearest = _ENDPOINTS.get(session.region.partition("-")[0], _ELSEWHERE)
    return replace(session, region=nearest).client("pricing", timeout=_TIMEOUT, attempts=_ATTEMPTS)


def _ask(client: Any, region: str, instance_type: str) -> dict[str, float]:
    wanted = {"regionCode": region, "instanceName": instance_type}
    filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in wanted.items()]
    pages = client.get_paginator("get_products").paginate(ServiceCode="AmazonSageMaker", Filters=filters)
    products = (json.loads(text) for page in pages for text in page["PriceList"])
    return {use: price for product in products for use, price in _prices(product, instance_type)}


def _prices(product: Mapping[str, Any], instance_type: str) -> Iterator[tuple[str, float]]:
    """Use and USD an hour of a product; nothing of what is not by the hour, or not for our uses."""
    usage = _USAGE.search(product["product"]["attributes"].get("usagetype", ""))
    if not usage or usage[2] != instance_type:
        return
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            if dimension["unit"].lower() == "hrs" and "USD" in dimension["pricePerUnit"]:
                yield _USES[usage[1]], float(dimension["pricePerUnit"]["USD"])


def _in_short(error: Exception) -> str:
    """The code of a refusal, or the kind of error; the whole would be longer than all else that is said."""
    return str(error.response["Error"].get("Code")) if isinstance(error, ClientError) else type(error).__name__


def _file(region: str, instance_type: str) -> Path:
    return paths.cache() / "prices" / f"{region}-{instance_type}.json"


def _cached(region: str, instance_type: str) -> dict[str, float] | None:
    """What was asked for within the last day; a file that can't be read is none."""
    file = _file(region, instance_type)
    with suppress(OSError, ValueError):
        if time.time() - file.stat().st_mtime < _DAY:
            prices: dict[str, float] = json.loads(file.read_text())
            return prices
    return None


def _keep(region: str, instance_type: str, prices: Mapping[str, float]) -> None:
    """Write the file as a whole: another `./lab` may read it at the same time."""
    file = _file(region, instance_type)
    with suppress(OSError):  # a cache that can't be written costs a call, no more
        file.parent.mkdir(parents=True, exist_ok=True)
        whole = file.with_suffix(f".{time.time_ns()}")
        whole.write_text(json.dumps(prices))
        whole.replace(file)
