"""AWS's host names: below the domains that botocore has of every partition, and of what is no API's.

Sources of the latter: CloudFront's guide, "Use custom URLs"; Lambda's, "Creating and managing Lambda function URLs"
(`https://<url-id>.lambda-url.<region>.on.aws`); addresses of workers' portals that users published
(`<name>.labeling.<region>.sagemaker.aws`).
"""

from __future__ import annotations

from functools import cache

from botocore.loaders import create_loader

_OTHERS = ("cloudfront.net", "on.aws", "sagemaker.aws")


@cache
def domains() -> tuple[str, ...]:
    """Return the domains, sorted: `amazonaws.com`, `amazonaws.com.cn`, `api.aws` and their like."""
    partitions = create_loader().load_data("partitions")["partitions"]
    suffixes = ("dnsSuffix", "dualStackDnsSuffix")
    return tuple(sorted({*_OTHERS, *(one["outputs"][suffix] for one in partitions for suffix in suffixes)}))


def is_aws(host: str) -> bool:
    """Tell whether a host's name is one of AWS's."""
    name = host.rstrip(".").lower()
    return any(name == domain or name.endswith(f".{domain}") for domain in domains())
