"""The REST API's document: what docs/ has of it is what the API is made of, in the endpoint's own words."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infra import openapi, rest, web
from tests.infra.templates import of_kind, only

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesise
    from tests.infra.templates import Template

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def template(synthesise: Synthesise) -> Template:
    """The endpoint's template with an API and a page."""
    return synthesise(seats=0, serve_also=["rest", "web"], rest_rate=7)["bricklab-endpoint"]


def test_docs_has_the_document_as_it_is() -> None:
    """`python -m infra.openapi > docs/openapi.json` writes it."""
    assert (ROOT / "docs" / "openapi.json").read_text() == openapi.text()


def test_what_is_no_picture_is_refused_in_the_endpoints_words() -> None:
    """The sentence stands in model_code/inference.py, letter by letter."""
    source = ast.parse((ROOT / "model_code" / "inference.py").read_text())
    assert rest.BAD_BODY in {node.value for node in ast.walk(source) if isinstance(node, ast.Constant)}


def test_the_api_validates_by_the_documents_schema(template: Template) -> None:
    """But for what each picture is, which the endpoint has sentences for; the method's validator is the API's."""
    _, model = only(template, "AWS::ApiGateway::Model")
    schema: dict[str, Any] = {**model["Schema"]}
    assert schema.pop("$schema").startswith("http://json-schema.org/draft-04/")
    [rows, bare] = openapi.document("1")["components"]["schemas"]["Images"]["anyOf"]
    assert bare["type"] == "array"
    loose = {**rows, "properties": {**rows["properties"], "instances": {}}}
    assert schema == {"anyOf": [loose, {"type": "array"}]}
    validator, made = only(template, "AWS::ApiGateway::RequestValidator")
    assert made["ValidateRequestBody"] is made["ValidateRequestParameters"] is True
    methods = of_kind(template, "AWS::ApiGateway::Method").values()
    assert {"Ref": validator} in [each.get("RequestValidatorId") for each in methods]


def test_a_key_and_a_plan_stand_before_it(template: Template) -> None:
    """At the settings' rate; each type of refusal has its sentence."""
    methods = of_kind(template, "AWS::ApiGateway::Method").values()
    assert [each["ApiKeyRequired"] for each in methods if each["HttpMethod"] == "POST"] == [True]
    assert only(template, "AWS::ApiGateway::UsagePlan")[1]["Throttle"] == {"RateLimit": 7, "BurstLimit": 14}
    refusals = of_kind(template, "AWS::ApiGateway::GatewayResponse").values()
    said = {each["ResponseType"]: each["ResponseTemplates"] for each in refusals}
    assert said == {kind: {rest.JSON: json.dumps({"error": text})} for kind, text in rest.REFUSALS.items()}


def test_of_the_pages_bucket_only_its_distribution_reads(template: Template) -> None:
    """Which adds the page's own policy to every answer."""
    distribution, _ = only(template, "AWS::CloudFront::Distribution")
    statements = [
        statement
        for policy in of_kind(template, "AWS::S3::BucketPolicy").values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    [condition] = [each["Condition"]["StringEquals"]["AWS:SourceArn"] for each in statements]
    assert distribution in json.dumps(condition)
    _, headers = only(template, "AWS::CloudFront::ResponseHeadersPolicy")
    security = headers["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    assert security["ContentSecurityPolicy"]["ContentSecurityPolicy"] == web.CONTENT_SECURITY_POLICY
    assert "unsafe" not in web.CONTENT_SECURITY_POLICY


def test_by_default_there_is_neither(templates: dict[str, dict[str, Any]]) -> None:
    """Each part is off unless the settings name it."""
    kinds = {item["Type"] for template in templates.values() for item in template["Resources"].values()}
    assert not {kind for kind in kinds if kind.startswith(("AWS::ApiGateway::", "AWS::CloudFront::"))}
