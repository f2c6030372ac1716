"""What an hour costs: from AWS's price list, on the wire as AWS's clients meet it, or from the dated table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.session

from cli.aws import prices
from cli.aws.prices import InstanceUse, Prices
from infra.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Wire

LARGE = "ml.m5.large"


def product(usage: str, usd: str, *, unit: str = "Hrs") -> str:
    """A product of the price list, in the JSON in which GetProducts has each as a text."""
    dimension = {"unit": unit, "pricePerUnit": {"USD": usd}, "beginRange": "0", "endRange": "Inf"}
    terms = {"OnDemand": {"SKU.JRTCKXETXF": {"priceDimensions": {"SKU.JRTCKXETXF.6YS6EN2CT7": dimension}}}}
    reserved = {"SKU.X": {"priceDimensions": {"SKU.X.Y": {"unit": "Hrs", "pricePerUnit": {"USD": "0.01"}}}}}
    attributes = {"usagetype": usage, "regionCode": "eu-west-1", "servicecode": "AmazonSageMaker"}
    return json.dumps({"product": {"attributes": attributes}, "terms": {**terms, "Reserved": reserved}})


def pages(*products: list[str]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """GetProducts' answers, page by page."""

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        number = int(request.get("NextToken", 0))
        following = {"NextToken": str(number + 1)} if number + 1 < len(products) else {}
        return {"FormatVersion": "aws_v1", "PriceList": products[number], **following}

    return answer


def test_the_price_of_a_use_is_found_among_all_of_a_types_products(wire: Wire) -> None:
    """On-demand hours of each use are told from each other, from Studio's and from spot's."""
    wire.answers["GetProducts"] = pages(
        [product("EU-Host:ml.m5.large", "0.128"), product("EU-TrSpt:ml.m5.large", "0.05")],
        [product("EU-Notebk:ml.m5.large", "0.129"), product("EU-Studio:JupyterLab-ml.m5.large", "0.5")],
        [product("EU-Train:ml.m5.large", "0.127"), product("EU-Host:ml.m5.large", "7", unit="GB")],
        [product("EU-Processing:ml.m5.large", "0.126"), product("EU-Tsform:ml.m5.large", "0.125")],
    )
    found = Prices.of(wire.session(), [(LARGE, InstanceUse.HOSTING)])
    uses = (
        InstanceUse.HOSTING,
        InstanceUse.TRAINING,
        InstanceUse.NOTEBOOK,
        InstanceUse.PROCESSING,
        InstanceUse.TRANSFORM,
    )
    assert [found.hourly(LARGE, use) for use in uses] == [0.128, 0.127, 0.129, 0.126, 0.125]
    assert "price list of today for eu-west-1" in found.source
    filters = wire.asked["GetProducts"][0]["Filters"]
    assert {"Type": "TERM_MATCH", "Field": "regionCode", "Value": "eu-west-1"} in filters
    assert {"Type": "TERM_MATCH", "Field": "instanceName", "Value": LARGE} in filters


def test_a_type_is_asked_for_once_a_day(wire: Wire) -> None:
    """The answer is kept, so that the next command does not ask again."""
    wire.answers["GetProducts"] = pages([product("EU-Host:ml.m5.large", "0.128")])
    first = Prices.of(wire.session(), [(LARGE, InstanceUse.HOSTING)])
    second = Prices.of(wire.session(), [(LARGE, InstanceUse.HOSTING)])
    assert first.hourly(LARGE, InstanceUse.HOSTING) == second.hourly(LARGE, InstanceUse.HOSTING) == 0.128
    assert len(wire.asked["GetProducts"]) == 1


def test_a_refusal_leaves_the_dated_table_and_is_said(wire: Wire) -> None:
    """Without the price list the table serves, and the sentence names why, its date and its region."""
    wire.refused["GetProducts"] = "AccessDeniedException"
    found = Prices.of(wire.session(), [(LARGE, InstanceUse.HOSTING)])
    assert found.hourly(LARGE, InstanceUse.HOSTING) == 0.115
    assert "us-east-1 of 20" in found.source
    assert "AccessDeniedException" in found.source
    assert "today" not in found.source


def test_what_the_price_list_does_not_have_comes_from_the_table_or_is_unknown(wire: Wire) -> None:
    """A use that the list has no price for is the table's; one that neither has is named, never made up."""
    wire.answers["GetProducts"] = pages([product("EU-Train:ml.m5.large", "0.127")])
    found = Prices.of(
        wire.session(),
        [(LARGE, InstanceUse.HOSTING), (LARGE, InstanceUse.TRAINING), ("ml.m4.xlarge", InstanceUse.TRAINING)],
    )
    assert found.hourly(LARGE, InstanceUse.HOSTING) == 0.115
    assert found.hourly(LARGE, InstanceUse.TRAINING) == 0.127
    assert found.hourly("ml.m4.xlarge", InstanceUse.TRAINING) is None
    assert "No price is known for ml.m4.xlarge (training)" in found.source


def test_a_price_list_that_is_not_there_is_a_refusal(wire: Wire) -> None:
    """Nobody to connect to ends in the table, not in an error."""
    wire.url = "http://127.0.0.1:1"
    found = Prices.of(wire.session(), [("ml.t3.medium", InstanceUse.NOTEBOOK)])
    assert found.hourly("ml.t3.medium", InstanceUse.NOTEBOOK) == 0.05
    assert "EndpointConnectionError" in found.source


def test_the_table_has_prices_of_what_there_is_with_their_sources() -> None:
    """Each is of a type that SageMaker has for that use, more than nothing, and from a source that the table names."""
    table = json.loads(Path(prices.__file__).with_name("prices.json").read_text())
    model = botocore.session.get_session().get_service_model("sagemaker")
    shapes = {
        "Hosting": "ProductionVariantInstanceType",
        "Training": "TrainingInstanceType",
        "Notebook": "InstanceType",
        "Processing": "ProcessingInstanceType",
        "Transform": "TransformInstanceType",
    }
    known = {use: set(model.shape_for(shape).metadata["enum"]) for use, shape in shapes.items()}
    entries = [(name, use, *entry) for name, uses in table["instances"].items() for use, entry in uses.items()]
    assert not [(name, use) for name, use, _, _ in entries if name not in known[use]]
    assert all(price > 0 and source in table["sources"] for _, _, price, source in entries)
    defaults = Settings()
    assert defaults.endpoint_instance_type in table["instances"]
    assert defaults.notebook_instance_type in table["instances"]
