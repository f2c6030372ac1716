"""An embedded AWS of its own for the tests of scaling: its minutes last little more than a second."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway
from tests import conforming
from tests.embedded_aws.account import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Any]]:
    """Makes clients of an embedded AWS whose waits are a fiftieth of the usual."""
    home = tmp_path_factory.mktemp("hurried")
    started = gateway.start(
        home, cache=paths.cache(), environment=tool_environment(), pace=0.02, port=0, owner=os.getpid()
    )
    session: Any = boto3.Session("test", "test", region_name=gateway.REGION)
    yield lambda service: conforming.watch(session.client(service, endpoint_url=started.url))
    gateway.stop(home)


@pytest.fixture(scope="module")
def hurried_account(hurried: Callable[[str], Any]) -> Account:
    """An account of it."""
    return Account(hurried)
