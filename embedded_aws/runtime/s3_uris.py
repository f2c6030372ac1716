"""Where an S3 address leads: bucket and key, in every form that SageMaker's patterns let through.

`(https|s3)://([^/]+)/?(.*)` is the pattern of botocore's model for models, channels, outputs, checkpoints. What hosts
there are: Amazon S3's guide, "Methods for accessing a general purpose bucket" and "Using dual-stack endpoints". Not
compared with AWS: the refusal of any other https address.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

_S3 = "s3://"
_HTTPS = "https://"
_HOST = re.compile(
    r"(?:(?P<bucket>[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9])\.)?"
    r"s3(?:-fips)?(?:\.dualstack)?(?:[.\-][a-z]{2,4}(?:-[a-z]+){1,2}-\d|-external-1)?\.amazonaws\.(?:com|com\.cn|eu)"
)


def split(uri: str) -> tuple[str, str]:
    """Return bucket and key of an address. Raises ValueError, in one sentence, for one that is not in S3."""
    if uri.startswith(_S3):
        bucket, _, key = uri.removeprefix(_S3).partition("/")
        return bucket, key
    host, _, path = uri.removeprefix(_HTTPS).partition("/")
    match = _HOST.fullmatch(host) if uri.startswith(_HTTPS) else None
    path = unquote(path)
    if match and match["bucket"]:
        return match["bucket"], path
    bucket, _, key = path.partition("/")
    if match and bucket:
        return bucket, key
    raise ValueError(
        f"{uri} is no place in S3, which is s3://BUCKET/KEY, https://BUCKET.s3.REGION.amazonaws.com/KEY or "
        "https://s3.REGION.amazonaws.com/BUCKET/KEY."
    )


def plain(uri: str) -> str:
    """Return the address in its shortest form, `s3://bucket/key`. Raises ValueError as `split` does."""
    bucket, key = split(uri)
    return f"{_S3}{bucket}/{key}"
