"""Function URLs, called by AWS's name for them through the gateway's proxy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.aws.http_client import Answer, HttpClient
from cli.aws.session import Session, Target
from embedded_aws import gateway
from tests import functions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.embedded_aws.account import Account

SAY_HOW = """
import json
def handler(event, context):
    return {"statusCode": 200, "body": json.dumps({"base64": event["isBase64Encoded"]})}
"""


@pytest.fixture(scope="module")
def ask(
    client: Callable[[str], Any], embedded: gateway.Gateway, account: Account
) -> Iterator[Callable[[bytes, str], Answer]]:
    """Call the URL of a function that says how the body came that it got."""
    lambda_ = client("lambda")
    functions.make(lambda_, "by-url", role=account.role, source=SAY_HOW)
    url = lambda_.create_function_url_config(FunctionName="by-url", AuthType="NONE")["FunctionUrl"]
    http = HttpClient(Session(Target.EMBEDDED, embedded.environment(), gateway.ACCOUNT, gateway.REGION))
    yield lambda body, kind: http.send("POST", url, headers={"Content-Type": kind}, body=body)
    lambda_.delete_function(FunctionName="by-url")


def test_what_is_too_large_for_a_function_is_refused(ask: Callable[[bytes, str], Answer]) -> None:
    """Its event takes 6 MB, in which a picture is in base64 and a text as it is."""
    for kind, fits, too_large in (("image/png", 4_700_000, 4_719_000), ("text/plain", 6_280_000, 6_292_000)):
        answer = ask(b"x" * fits, kind)
        assert (answer.status, json.loads(answer.content)["base64"]) == (200, kind == "image/png")
        refused = ask(b"x" * too_large, kind)
        assert refused.status == 413
        assert json.loads(refused.content)["Message"].startswith("Request must be smaller than 6291456 bytes")
