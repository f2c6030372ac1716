"""What an hour costs: from AWS's price list, on the wire as AWS's clients meet it, or from the dated table."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from cli.place import Place, Target
from cli.prices import Prices, Use

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGE = "ml.m5.large"


def product(usage: str, usd: str, *, unit: str = "Hrs") -> str:
    """A product of the price list, in the JSON in which GetProducts has each as a text."""
    dimension = {"unit": unit, "pricePerUnit": {"USD": usd}, "beginRange": "0", "endRange": "Inf"}
    terms = {"OnDemand": {"SKU.JRTCKXETXF": {"priceDimensions": {"SKU.JRTCKXETXF.6YS6EN2CT7": dimension}}}}
    reserved = {"SKU.X": {"priceDimensions": {"SKU.X.Y": {"unit": "Hrs", "pricePerUnit": {"USD": "0.01"}}}}}
    attributes = {"usagetype": usage, "regionCode": "eu-west-1", "servicecode": "AmazonSageMaker"}
    return json.dumps({"product": {"attributes": attributes}, "terms": {**terms, "Reserved": reserved}})


@dataclass
class PriceList:
    """A price list's answers, page by page, and what it was asked."""

    pages: list[list[str]] = field(default_factory=list)
    refusal: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    def answer(self, request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body of a GetProducts."""
        self.asked.append(request)
        if self.refusal:
            return 400, {"__type": self.refusal, "message": "no"}
        number = int(request.get("NextToken", 0))
        following = {"NextToken": str(number + 1)} if number + 1 < len(self.pages) else {}
        return 200, {"FormatVersion": "aws_v1", "PriceList": self.pages[number], **following}


@pytest.fixture
def price_list() -> Iterator[PriceList]:
    """A server that speaks the Price List Query API's JSON 1.1."""
    offer = PriceList()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.headers["X-Amz-Target"] == "AWSPriceListService.GetProducts"
            status, body = offer.answer(request)
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    offer.url = f"http://127.0.0.1:{server.server_port}"
    yield offer
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def here(price_list: PriceList, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place in Ireland whose price list is ours, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    variables = {
        "AWS_ENDPOINT_URL": price_list.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    return Place(Target.AWS, variables, "123456789012", "eu-west-1")


def test_the_price_of_a_use_is_found_among_all_of_a_types_products(price_list: PriceList, here: Place) -> None:
    """On-demand hours of hosting, training and notebooks are told from each other, from Studio's and from spot's."""
    price_list.pages = [
        [product("EU-Host:ml.m5.large", "0.128"), product("EU-TrSpt:ml.m5.large", "0.05")],
        [product("EU-Notebk:ml.m5.large", "0.129"), product("EU-Studio:JupyterLab-ml.m5.large", "0.5")],
        [product("EU-Train:ml.m5.large", "0.127"), product("EU-Host:ml.m5.large", "7", unit="GB")],
    ]
    prices = Prices.of(here, [(LARGE, Use.HOSTING)])
    assert [prices.hourly(LARGE, use) for use in (Use.HOSTING, Use.TRAINING, Use.NOTEBOOK)] == [0.128, 0.127, 0.129]
    assert "price list of today for eu-west-1" in prices.source
    assert {"Type": "TERM_MATCH", "Field": "regionCode", "Value": "eu-west-1"} in price_list.asked[0]["Filters"]
    assert {"Type": "TERM_MATCH", "Field": "instanceName", "Value": LARGE} in price_list.asked[0]["Filters"]


def test_a_type_is_asked_for_once_a_day(price_list: PriceList, here: Place) -> None:
    """The answer is kept, so that the next command does not ask again."""
    price_list.pages = [[product("EU-Host:ml.m5.large", "0.128")]]
    first = Prices.of(here, [(LARGE, Use.HOSTING)])
    second = Prices.of(here, [(LARGE, Use.HOSTING)])
    assert first.hourly(LARGE, Use.HOSTING) == second.hourly(LARGE, Use.HOSTING) == 0.128
    assert len(price_list.asked) == 1


def test_a_refusal_leaves_the_dated_table_and_is_said(price_list: PriceList, here: Place) -> None:
    """Without the price list the table serves, and the sentence names why, its date and its region."""
    price_list.refusal = "AccessDeniedException"
    prices = Prices.of(here, [(LARGE, Use.HOSTING)])
    assert prices.hourly(LARGE, Use.HOSTING) == 0.115
    assert "us-east-1 of 20" in prices.source
    assert "AccessDeniedException" in prices.source
    assert "today" not in prices.source


def test_what_the_price_list_does_not_have_comes_from_the_table_or_is_unknown(
    price_list: PriceList, here: Place
) -> None:
    """A use that the list has no price for is the table's; one that neither has is named, never made up."""
    price_list.pages = [[product("EU-Train:ml.m5.large", "0.127")]]
    prices = Prices.of(here, [(LARGE, Use.HOSTING), (LARGE, Use.TRAINING), ("ml.m4.xlarge", Use.TRAINING)])
    assert prices.hourly(LARGE, Use.HOSTING) == 0.115
    assert prices.hourly(LARGE, Use.TRAINING) == 0.127
    assert prices.hourly("ml.m4.xlarge", Use.TRAINING) is None
    assert "No price is known for ml.m4.xlarge (training)" in prices.source


def test_a_price_list_that_is_not_there_is_a_refusal(here: Place) -> None:
    """Nobody to connect to ends in the table, not in an error."""
    alone = replace(here, variables={**here.variables, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    prices = Prices.of(alone, [("ml.t3.medium", Use.NOTEBOOK)])
    assert prices.hourly("ml.t3.medium", Use.NOTEBOOK) == 0.05
    assert "EndpointConnectionError" in prices.source
