"""The files that certificates.py writes, and the variables that make tools trust what they hold.

It speaks TLS for AWS's own names, and for all when it enforces policies: buckets deny what does not come over it
(`aws:SecureTransport`).
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def authority(folder: Path) -> Path:
    """Return the file of the authority's own certificate, as PEM."""
    return folder / "authority.pem"


def trusted(folder: Path) -> Path:
    """Return the file of the authority's certificate after all others that are trusted, as PEM."""
    return folder / "trusted.pem"


def node(folder: Path) -> Path:
    """Return the file of what Node trusts besides its own: what it did before and the authority's certificate, PEM."""
    return folder / "node.pem"


def variables(folder: Path) -> dict[str, str]:
    """Return the environment that makes any program trust the authority besides what it trusts already.

    AWS's SDKs and its CLI trust it alone for what they ask of AWS: no other may speak for AWS here. With each
    connection boto3 reads the file anew, which with all authorities of the web takes longer than most calls.
    """
    bundle = str(trusted(folder))
    return {
        "AWS_CA_BUNDLE": str(authority(folder)),
        "CURL_CA_BUNDLE": bundle,
        "NODE_EXTRA_CA_CERTS": str(node(folder)),
        "REQUESTS_CA_BUNDLE": bundle,
        "SSL_CERT_FILE": bundle,
    }


def context(folder: Path) -> ssl.SSLContext:
    """Return what Python's own HTTP client needs to trust it, and it only."""
    return ssl.create_default_context(cafile=str(authority(folder)))
