"""An account of a module's own, for labs that are taken down in it."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

import boto3
import pytest

from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway
from tests.teardown.embedded_account import TRUST, EmbeddedAccount

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAccount]:
    """An embedded AWS with a role and a function for custom resources in it."""
    home = tmp_path_factory.mktemp("aws")
    url = gateway.start(home, cache=paths.cache(), environment=tool_environment(), pace=0.1, port=0).url
    session = boto3.Session("test", "test", region_name=gateway.REGION)
    made = EmbeddedAccount(cache(lambda service: session.client(service, endpoint_url=url)))
    role = made.client("iam").create_role(RoleName="execution", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    made.prepare(role["Arn"])
    yield made
    gateway.stop(home)
