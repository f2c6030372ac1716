"""Clients of the lab's functions: patient with an AWS that throttles, and soon done with an answer that does not come.

A function has minutes, and its caller asks again: a call that is given up is made in the next invocation.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Mapping

# With one call in five throttled, one in 400,000 fails eight times. The waits between come to a minute at most.
RETRIES: Mapping[str, Any] = {"mode": "standard", "total_max_attempts": 8}
CONFIG = Config(retries=dict(RETRIES), connect_timeout=5, read_timeout=25)  # type: ignore[arg-type]  # a TypedDict


@cache
def client(service: str) -> Any:
    """Return the client for a service, made once an execution environment."""
    return boto3.client(service, config=CONFIG)  # type: ignore[call-overload]  # any service's name


def invoking_client() -> Any:
    """Return a client for sagemaker-runtime that waits for an answer as long as a model may take: a minute.

    Source: sagemaker-runtime's InvokeEndpoint, whose documentation asks for a timeout of 70 seconds.
    """
    return boto3.client("sagemaker-runtime", config=CONFIG.merge(Config(read_timeout=70)))
