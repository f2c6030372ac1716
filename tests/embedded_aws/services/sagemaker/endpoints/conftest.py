"""Accounts for endpoints: one whose clock runs a hundred times as fast, and the one of all tests, left without any."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway
from tests.embedded_aws.account import Account

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """That account."""
    home = tmp_path_factory.mktemp("hurried")
    started = gateway.start(
        home, cache=paths.cache(), environment=tool_environment(), pace=0.01, port=0, owner=os.getpid()
    )
    session: Any = boto3.Session("test", "test", region_name=gateway.REGION)
    yield Account(lambda service: session.client(service, endpoint_url=started.url))
    gateway.stop(home)


@pytest.fixture(scope="module")
def ended(account: Account) -> Iterator[None]:
    """Delete a module's endpoints at its end: hosts that go on would be measured by all that follows."""
    yield
    for endpoint in account.sagemaker.list_endpoints(MaxResults=100)["Endpoints"]:
        with suppress(ClientError):  # it is at work still
            account.sagemaker.delete_endpoint(EndpointName=endpoint["EndpointName"])
