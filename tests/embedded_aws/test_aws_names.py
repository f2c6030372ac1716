"""Requests to AWS's own names end at the embedded AWS; those to others go where they went before.

The embedded AWS of this module has a proxy of the user's own before it, which sees all that leaves.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socketserver
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import certifi
import pytest
from cryptography import x509

from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway, proxies
from tests import functions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embedded_aws.gateway import Gateway
    from tests.embedded_aws.account import Account

STS = "https://sts.us-east-1.amazonaws.com"
INDEX = "mine-000000000000.d.codeartifact.us-east-1.amazonaws.com"
CALLER = (
    f"import boto3; print('I am', boto3.client('sts', 'us-east-1', endpoint_url='{STS}').get_caller_identity()['Arn'])"
)
HANDLER = f"""
import boto3
def handler(event, context):
    return boto3.client("sts", endpoint_url="{STS}").get_caller_identity()["Arn"]
"""


def certificates(bundle: str) -> list[str]:
    """The certificates of a bundle, as PEM."""
    return re.findall("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", bundle, re.DOTALL)


class Spy(socketserver.StreamRequestHandler):
    """A proxy that notes what it is asked, and leads to nothing but a greeting."""

    asked: list[str]

    def handle(self) -> None:
        """Answer one request, or what comes through a tunnel."""
        head = self._head()
        self.asked.append(head)
        if head.startswith("CONNECT"):
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            self._head()
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

    def _head(self) -> str:
        lines = iter(self.rfile.readline, b"\r\n")
        return b"".join(lines).decode()


class Outside:
    """An embedded AWS with such a proxy before it."""

    def __init__(self, home: Any) -> None:
        self.asked: list[str] = []
        handler = type("Handler", (Spy,), {"asked": self.asked})
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        url = f"http://me:s%40crt@127.0.0.1:{self._server.server_address[1]}"
        self.own = {
            "HTTPS_PROXY": url,
            "http_proxy": url,
            "no_proxy": ".s3.amazonaws.com,.corp.test,*",
            "PIP_EXTRA_INDEX_URL": f"https://mine.test/simple https://aws:token@{INDEX}/pypi/mine/simple/",
        }
        self.home = home
        self.running = gateway.start(home, cache=paths.cache(), environment={**tool_environment(), **self.own}, port=0)
        self.environment = {**os.environ, **self.own, **self.running.environment({**os.environ, **self.own})}

    def close(self) -> None:
        """End both."""
        gateway.stop(self.home)
        self._server.shutdown()
        self._server.server_close()

    def python(self, program: str) -> str:
        """What a program prints in an environment as `./lab env` makes it."""
        command = [sys.executable, "-c", program]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True).stdout.strip()

    def get(self, url: str) -> tuple[int, str]:
        """Status and body of what is asked for by the proxy that the environment names."""
        proxy = {"https": self.environment["HTTPS_PROXY"], "http": self.environment["HTTP_PROXY"]}
        trusting = ssl.create_default_context(cafile=self.environment["SSL_CERT_FILE"])
        handlers = [urllib.request.ProxyHandler(proxy), urllib.request.HTTPSHandler(context=trusting)]
        try:
            with urllib.request.build_opener(*handlers).open(url, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """One for this module."""
    made = Outside(tmp_path_factory.mktemp("outside"))
    yield made
    aws = [head for head in made.asked if "amazonaws" in head or "api.aws" in head]
    assert [head for head in aws if not head.startswith(f"CONNECT {INDEX}:443")] == []
    made.close()


@pytest.mark.parametrize(
    "name", ["sts.us-east-1.amazonaws.com", "sts.amazonaws.com", "sts.cn-north-1.amazonaws.com.cn"]
)
def test_an_endpoint_that_is_named(outside: Outside, name: str) -> None:
    """Whatever AWS_ENDPOINT_URL says, an SDK's client for one of AWS's endpoints reaches the embedded AWS."""
    said = outside.python(CALLER.replace("sts.us-east-1.amazonaws.com", name))
    assert said == f"I am arn:aws:iam::{gateway.ACCOUNT}:root"


def test_no_endpoint_need_be_named(outside: Outside) -> None:
    """Without AWS_ENDPOINT_URL all is the same: dual stack and buckets in host names, in http too."""
    program = """
import boto3, os
from botocore.config import Config
del os.environ["AWS_ENDPOINT_URL"]
boto3.client("s3").create_bucket(Bucket="by-name")
for style in ({"addressing_style": "virtual"}, {"use_dualstack_endpoint": True}, {"addressing_style": "path"}):
    for tls in (True, False):
        s3 = boto3.client("s3", use_ssl=tls, config=Config(s3=style))
        s3.put_object(Bucket="by-name", Key=f"{style} {tls}", Body=b"x" * 300_000)
        url = s3.generate_presigned_url("get_object", {"Bucket": "by-name", "Key": f"{style} {tls}"})
        assert "amazonaws.com" in url or "api.aws" in url, url
count = boto3.client("s3").list_objects_v2(Bucket="by-name")["KeyCount"]
print(count, boto3.client("sagemaker").list_models()["Models"])
"""
    assert outside.python(program) == "6 []"


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_name_that_nobody_answers_for(outside: Outside, scheme: str) -> None:
    """It is refused with a sentence that names it."""
    status, said = outside.get(f"{scheme}://checkip.amazonaws.com/")
    assert status == http.client.BAD_REQUEST
    assert "The embedded AWS has not got the service checkip.amazonaws.com" in said


def test_a_port_that_nobody_answers_at(outside: Outside) -> None:
    """AWS has services on other ports, which no sentence of HTTP's could refuse: the tunnel is not made."""
    address = outside.environment["HTTPS_PROXY"].removeprefix("http://")
    connection = http.client.HTTPConnection(address)
    connection.request("CONNECT", "broker.mq.us-east-1.amazonaws.com:5671")
    answer = connection.getresponse()
    assert (answer.status, b"nothing is sent to AWS" in answer.read()) == (http.client.FORBIDDEN, True)
    connection.close()


def test_all_else_goes_by_the_users_own_proxy(outside: Outside) -> None:
    """With what it wants to be told, and nobody else; a tunnel's bytes pass as they are."""
    assert outside.get("http://index.test/simple/?a=b") == (http.client.OK, "hello")
    assert outside.asked[-1].startswith("GET http://index.test/simple/?a=b HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic bWU6c0BjcnQ=" in outside.asked[-1]
    tunnel = http.client.HTTPConnection(outside.environment["HTTPS_PROXY"].removeprefix("http://"))
    tunnel.set_tunnel("index.test", 443)
    tunnel.request("GET", "/")
    assert tunnel.getresponse().read() == b"hello"
    assert outside.asked[-1].startswith("CONNECT index.test:443 HTTP/1.1\r\n")
    tunnel.close()
    status, said = outside.get("http://nobody.corp.test/")  # its user's NO_PROXY names it
    assert (status, "nobody.corp.test:80 can't be reached" in said) == (http.client.BAD_GATEWAY, True)


def test_the_users_own_package_index_may_be_awss(outside: Outside) -> None:
    """CodeArtifact's, as the environment names it: packages come from there."""
    tunnel = http.client.HTTPConnection(outside.environment["HTTPS_PROXY"].removeprefix("http://"))
    tunnel.set_tunnel(INDEX, 443)
    tunnel.request("GET", "/")
    assert tunnel.getresponse().read() == b"hello"
    tunnel.close()


def test_nothing_is_exempt_that_is_of_aws(outside: Outside) -> None:
    """A company's NO_PROXY often names `.amazonaws.com`; the rest of it holds."""
    direct = outside.environment["NO_PROXY"].split(",")
    of_companies = {"NO_PROXY": "amazonaws.com, *.amazonaws.com,com,example.org"}
    made = proxies.variables("http://127.0.0.1:1", outside.home, of_companies)
    assert made["NO_PROXY"].rpartition("169.254.170.2,")[2] == "example.org"
    assert {"127.0.0.1", "localhost", ".corp.test"} <= {*direct}
    assert not {"*", ".s3.amazonaws.com"} & {*direct}
    assert outside.environment["no_proxy"] == outside.environment["NO_PROXY"]


def test_what_was_trusted_is_trusted_further_on(outside: Outside) -> None:
    """Package indexes among it; the embedded AWS's authority may speak for AWS's names and this machine only."""
    bundle = certificates(Path(outside.environment["REQUESTS_CA_BUNDLE"]).read_text())
    assert {*certificates(certifi.contents())} < {*bundle}
    assert len(bundle) == len({*bundle})
    authority = x509.load_pem_x509_certificate(bundle[-1].encode())
    limits = authority.extensions.get_extension_for_class(x509.NameConstraints)
    names = {str(each.value) for each in limits.value.permitted_subtrees or ()}
    assert limits.critical
    assert {"amazonaws.com", "amazonaws.com.cn", "api.aws", "on.aws", "localhost", "127.0.0.1/32"} <= names
    assert not {name for name in names if "." not in name} - {"localhost"}


def test_aws_is_trusted_by_its_authority_alone(outside: Outside) -> None:
    """No other may answer AWS's SDKs and its CLI, and none of them reads all authorities of the web for a call."""
    trusted = certificates(Path(outside.environment["AWS_CA_BUNDLE"]).read_text())
    assert trusted == certificates(Path(outside.environment["REQUESTS_CA_BUNDLE"]).read_text())[-1:]


def test_jobs_and_functions_are_told(account: Account, embedded: Gateway) -> None:
    """A program in a job's container, and in a function, that names AWS's endpoint, is who its role says."""
    name = account.start_job(program=CALLER)
    ended = account.end_of(name)
    printed = account.printed("/aws/sagemaker/TrainingJobs", name)
    assert ended["TrainingJobStatus"] == "Completed", printed
    assert f"I am arn:aws:sts::{gateway.ACCOUNT}:assumed-role/execution/SageMaker" in printed
    session = boto3.Session("test", "test", region_name=gateway.REGION)
    client = session.client("lambda", endpoint_url=embedded.url)
    functions.make(client, "caller", role=account.role, source=HANDLER)
    answer = client.invoke(FunctionName="caller")
    assert json.loads(answer["Payload"].read()) == f"arn:aws:iam::{gateway.ACCOUNT}:root"  # nobody asks policies here
    client.close()


def test_a_job_reaches_its_other_hosts_directly() -> None:
    """No proxy knows algo-2, nor its address."""
    made = proxies.reached_directly({"no_proxy": "a", "NO_PROXY": "b"}, "algo-2", "127.1.0.7")
    assert made == {"no_proxy": "a,algo-2,127.1.0.7", "NO_PROXY": "b,algo-2,127.1.0.7"}
