"""AWS's host names: those below the domains that botocore has of every partition, and CloudFront's distributions."""

from __future__ import annotations

from functools import cache

from botocore.loaders import create_loader

_DISTRIBUTIONS = "cloudfront.net"  # which botocore has not, for no API is there


@cache
def domains() -> tuple[str, ...]:
    """Return the domains, sorted: `amazonaws.com`, `amazonaws.com.cn`, `api.aws` and their like."""
    partitions = create_loader().load_data("partitions")["partitions"]
    suffixes = ("dnsSuffix", "dualStackDnsSuffix")
    return tuple(sorted({_DISTRIBUTIONS, *(one["outputs"][suffix] for one in partitions for suffix in suffixes)}))


def is_aws(host: str) -> bool:
    """Tell whether a host's name is one of AWS's."""
    name = host.rstrip(".").lower()
    return any(name == domain or name.endswith(f".{domain}") for domain in domains())
