"""ARNs of this account and region, whichever they will be.

Each value read from the CDK costs a call to its engine, and a class of a hundred seats names thousands of ARNs: these
are put together here from values that are read once.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from aws_cdk import Aws


def arn(service: str, resource: str, *, account: str = "") -> str:
    """Return the ARN of a resource such as `endpoint/bricklab`, in this account if none is named."""
    here = _here()
    return f"arn:{here.partition}:{service}:{here.region}:{account or here.account}:{resource}"


def region() -> str:
    """Return this region."""
    return _here().region


def account() -> str:
    """Return this account."""
    return _here().account


def url_suffix() -> str:
    """Return the domain of this partition's services."""
    return _here().url_suffix


class _Here(NamedTuple):
    partition: str
    region: str
    account: str
    url_suffix: str


@cache
def _here() -> _Here:
    return _Here(Aws.PARTITION, Aws.REGION, Aws.ACCOUNT_ID, Aws.URL_SUFFIX)
