"""What AWS has no operation for is answered to who started the embedded AWS, and to nobody else."""

from __future__ import annotations

import io
import json
import re
import stat
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ministack
import psutil
import pytest

from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway
from embedded_aws.admin_token import HEADER

if TYPE_CHECKING:
    from collections.abc import Callable

    from embedded_aws.gateway import Gateway

MINISTACK = Path(str(ministack.__file__)).parent
# Beyond what ministack's sources have: ours, one that it may have one day, and the ways in which a path can be written.
OTHERS = [
    "/_embedded_aws/accounts/111122223333/close",
    "/_embedded_aws/training-jobs/mine/interrupt",
    "/_ministack/",
    "/_ministack/a-new-one",
    "/%5fministack/reset",
    "/_ministack/%72eset",
    "/_localstack/init",
]
HEALTH = {"/_ministack/health", "/_ministack/ready", "/_localstack/health"}


def control_paths() -> list[str]:
    """The paths of ministack's own, as its sources name them; what follows them is a name or a secret."""
    sources = "\n".join(path.read_text() for path in MINISTACK.rglob("*.py"))
    return sorted(set(re.findall(r"""["'`](/_(?:ministack|localstack)/[a-z/.-]+)""", sources)) - HEALTH)


def ask(embedded: Gateway, method: str, path: str, **headers: str) -> tuple[int, bytes]:
    """Status and body of the answer to a request of any program's."""
    request = urllib.request.Request(f"{embedded.url}{path}", method=method, headers=headers)  # noqa: S310 - our own URL
    if method in ("POST", "PUT"):
        request.data = b"{}"
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_nobody_else_is_answered(embedded: Gateway) -> None:
    """Each path with each method, without a token, with a wrong one, and in AWS's own host names; but the health."""
    found = control_paths()
    assert {"/_ministack/reset", "/_ministack/config", "/_ministack/sqs/messages"} < set(found)
    capabilities = {("PUT", "cfn-response"), ("PUT", "cfn-signal"), ("POST", "eks-auth"), ("POST", "rds")}
    for path in [*found, *OTHERS]:
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
            if (method, path.split("/")[2]) in capabilities:
                continue
            for headers in ({}, {HEADER: "guess"}, {"Host": "s3.us-east-1.amazonaws.com"}):
                status, body = ask(embedded, method, path, **headers)
                assert status == 403, (method, path, body)
    message = json.loads(ask(embedded, "POST", "/_ministack/reset")[1])["message"]
    assert f"the header {HEADER} must bring what stands in {embedded.admin_token}" in message
    for path in HEALTH:
        assert ask(embedded, "GET", path)[0] == 200
        assert ask(embedded, "POST", path)[0] == 403


def test_ministack_has_no_other_prefix() -> None:
    """What begins otherwise with an underscore is a function's or an API's own address."""
    app = (MINISTACK / "app.py").read_text()
    assert set(re.findall(r"""["'](/_[a-z]+/)""", app)) == {"/_ministack/", "/_localstack/", "/_aws/", "/_alb/"}


def test_the_owner_is_answered(embedded: Gateway) -> None:
    """With what stands in a file that only this user may read."""
    file = Path(embedded.admin_token)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    token = {HEADER: file.read_text()}
    status, body = ask(embedded, "POST", "/_ministack/config", **token)
    assert (status, json.loads(body)) == (200, {"applied": {}})
    assert ask(embedded, "GET", "/_ministack/sqs/messages", **token)[0] == 200
    assert ask(embedded, "POST", "/_embedded_aws/accounts/123412341234/close", **token)[0] == 200


@pytest.mark.usefixtures("unforked")  # a restart reads the environment that the process was begun with
def test_a_token_is_one_run_s(tmp_path: Path) -> None:
    """Each start makes another one; it stands in no log and no variable, and ends with the embedded AWS."""
    try:
        first = gateway.start(tmp_path, cache=paths.cache(), environment=tool_environment(), port=0)
        token = first.read_admin_token()
        assert ask(first, "POST", "/_ministack/reset", **{HEADER: token}) == (200, b'{"reset": "ok"}')
        again = gateway.restart(tmp_path)
        assert again.read_admin_token() != token
        assert ask(again, "POST", "/_ministack/reset", **{HEADER: token})[0] == 403
        token = again.read_admin_token()
        assert token not in gateway.log(tmp_path).read_text()
        assert token not in json.dumps(again.environment())
        assert token not in psutil.Process(again.pid).environ().values()
    finally:
        gateway.stop(tmp_path)
    assert not Path(first.admin_token).exists()
    with pytest.raises(gateway.GatewayError, match="can't be read"):
        first.admin_request("/_ministack/reset")


def test_code_is_had_by_its_link(embedded: Gateway, client: Callable[[str], Any]) -> None:
    """A function's code and a layer's content by the URL that Lambda gives out, and by no other."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", "def handler(event, context): return 1")
    lambdas = client("lambda")
    lambdas.create_function(
        FunctionName="linked",
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/any",
        Handler="index.handler",
        Code={"ZipFile": packed.getvalue()},
    )
    layer = lambdas.publish_layer_version(LayerName="linked", Content={"ZipFile": packed.getvalue()})
    for url in (lambdas.get_function(FunctionName="linked")["Code"]["Location"], layer["Content"]["Location"]):
        path, _, query = url.removeprefix(embedded.url).partition("?")
        assert ask(embedded, "GET", f"{path}?{query}") == (200, packed.getvalue())
        assert ask(embedded, "GET", path)[0] == 403
        assert ask(embedded, "GET", f"{path}?{query.replace('Expires=1', 'Expires=2')}")[0] == 403
        assert ask(embedded, "GET", f"{path}?{query[:-1]}x")[0] == 403
    lambdas.delete_function(FunctionName="linked")
