"""pytest fixtures: one embedded AWS for the test run, and in it a clean account for each test or each module.

An account is a number of twelve digits that nothing was made in before: no stack, role or job of another test is in
it. It is closed after the test: what still runs in it is stopped, what it held is forgotten. Buckets' names are shared
by all accounts, as AWS has it; those of a closed one are free again.
With pytest-xdist each worker has an embedded AWS of its own. Nothing is imported before a test asks for a fixture.

In pytest's configuration `embedded_aws_pace` says how long AWS's waits take (0.1 of normal unless given), and
`embedded_aws_enforce_iam = true` has policies asked before every call, and `embedded_aws_containers = docker` (or
`podman`) lets that engine run images of one's own.
"""

from __future__ import annotations

import os
import secrets
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import boto3

    from embedded_aws.gateway import Gateway

_ACCOUNTS = 10**12
_NO_FILES = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


@dataclass(frozen=True)
class EmbeddedAws:
    """A clean account of the embedded AWS, and how to reach it; `environment` points any AWS tool at it."""

    endpoint_url: str
    account: str
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)

    @property
    def session(self) -> boto3.Session:
        """A boto3 session of the account's root; its clients reach the embedded AWS while the fixture lasts."""
        import boto3

        return boto3.Session(self.access_key_id, self.secret_access_key, region_name=self.region)

    def client(self, service: str, **options: Any) -> Any:
        """Return a boto3 client of the account's root for a service; the options are boto3's."""
        given = {"endpoint_url": self.endpoint_url, "verify": self.environment["AWS_CA_BUNDLE"], **options}
        return self.session.client(service, **given)  # type: ignore[call-overload]  # any service's name


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare what pytest's configuration may say."""
    parser.addini(
        "embedded_aws_pace", "How long AWS's waits take in the embedded AWS, in parts of normal.", default="0.1"
    )
    parser.addini(
        "embedded_aws_containers", "The engine that may run images of one's own: docker or podman.", default=""
    )
    parser.addini("embedded_aws_enforce_iam", "Have the embedded AWS ask policies before every call.", type="bool")


@pytest.fixture(scope="session")
def _embedded_aws_gateway(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    from embedded_aws import gateway, settings, shell

    outside = dict(os.environ)
    shell.undo(outside)  # the one that this shell is pointed at may be gone, and its proxy with it
    home = tmp_path_factory.mktemp("embedded_aws")
    running = gateway.start(
        home,
        cache=settings.default_cache(),
        environment=settings.tools(outside),
        pace=float(pytestconfig.getini("embedded_aws_pace")),
        port=0,
        owner=os.getpid(),
        enforce=bool(pytestconfig.getini("embedded_aws_enforce_iam")),
        containers=str(pytestconfig.getini("embedded_aws_containers")),
    )
    try:
        yield running
    finally:
        gateway.stop(home)


@pytest.fixture
def embedded_aws(_embedded_aws_gateway: Gateway) -> Iterator[EmbeddedAws]:
    """Return a clean account of an embedded AWS for this test; AWS's environment variables point at it."""
    with _account(_embedded_aws_gateway) as made:
        yield made


@pytest.fixture(scope="module")
def embedded_aws_module(_embedded_aws_gateway: Gateway) -> Iterator[EmbeddedAws]:
    """Return a clean account of an embedded AWS for this module's tests; AWS's environment variables point at it."""
    with _account(_embedded_aws_gateway) as made:
        yield made


@contextmanager
def _account(running: Gateway) -> Iterator[EmbeddedAws]:
    number = f"{secrets.randbelow(_ACCOUNTS - 1) + 1:012d}"
    variables = running.environment(account=number)
    made = EmbeddedAws(
        endpoint_url=running.url,
        account=number,
        region=variables["AWS_REGION"],
        access_key_id=number,
        secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        environment=variables,
    )
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)  # no account of the caller's may be reached
        for name, value in {**_NO_FILES, **variables}.items():
            patch.setenv(name, value)
        patch.setattr("boto3.DEFAULT_SESSION", None)  # it holds the credentials of the test before
        try:
            yield made
        finally:
            _close(running, number)


def _close(running: Gateway, account: str) -> None:
    request = running.admin_request(f"/_embedded_aws/accounts/{account}/close")
    with urllib.request.urlopen(request, context=running.ssl_context(), timeout=60):  # noqa: S310 - our own URL
        pass
