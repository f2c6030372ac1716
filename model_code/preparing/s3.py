"""S3 as many photos need it: a client for several threads, and addresses taken apart."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config


def client(threads: int) -> Any:
    """Return a client that so many threads may use at a time."""
    return boto3.client("s3", config=Config(max_pool_connections=threads, retries={"mode": "standard"}))


def split(address: str) -> tuple[str, str]:
    """Return the bucket and the key of an address, s3://bucket/key."""
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return bucket, key
