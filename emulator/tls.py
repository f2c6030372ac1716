"""TLS for an embedded AWS that enforces policies: buckets deny what does not come over it (`aws:SecureTransport`).

Where certificates.py's files lie in their folder, and how tools are told to trust them.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def authority(folder: Path) -> Path:
    """The certificate of who signs, as PEM."""
    return folder / "authority.pem"


def trusted(folder: Path) -> Path:
    """The authority's certificate after all others that are trusted, as PEM."""
    return folder / "trusted.pem"


def server(folder: Path) -> Path:
    """The certificate with its private key, as PEM, for the owner's eyes only."""
    return folder / "server.pem"


def variables(folder: Path) -> dict[str, str]:
    """What makes AWS's tools and Node trust it."""
    return {"AWS_CA_BUNDLE": str(trusted(folder)), "NODE_EXTRA_CA_CERTS": str(authority(folder))}


def everywhere(folder: Path) -> dict[str, str]:
    """What makes any program trust it besides what it trusts already: functions, jobs and notebooks inherit it."""
    bundle = str(trusted(folder))
    return {**variables(folder), "SSL_CERT_FILE": bundle, "REQUESTS_CA_BUNDLE": bundle}


def context(folder: Path) -> ssl.SSLContext:
    """What Python's own HTTP client needs to trust it, and it only."""
    return ssl.create_default_context(cafile=str(authority(folder)))
