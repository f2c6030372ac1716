"""The certificate of an embedded AWS that enforces policies.

Each start makes an authority that signs one certificate, for the loopback address, and then loses its key: nothing else
can ever bear its signature, so to trust it costs a tool nothing.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from emulator import tls

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES = ("127.0.0.1", "localhost")
_LASTS = timedelta(days=365)


def make(folder: Path, environment: Mapping[str, str]) -> None:
    """Write the files into a folder; what `environment` or OpenSSL trusts besides is trusted further on."""
    folder.mkdir(parents=True, exist_ok=True)
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer, subject = _named("Bricklab's embedded AWS"), _named(_NAMES[0])
    root = _builder(issuer, issuer, authority, authority)
    root = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    root = root.add_extension(_usage(signs_certificates=True), critical=True)
    leaf = _builder(subject, issuer, key, authority)
    leaf = leaf.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    leaf = leaf.add_extension(_usage(signs_certificates=False), critical=True)
    names = [x509.IPAddress(ipaddress.ip_address(_NAMES[0])), x509.DNSName(_NAMES[1])]
    leaf = leaf.add_extension(x509.SubjectAlternativeName(names), critical=False)
    trusted = root.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    served = leaf.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    tls.authority(folder).write_bytes(trusted)
    tls.trusted(folder).write_bytes(_trusted_so_far(environment) + trusted)
    with os.fdopen(os.open(tls.server(folder), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(_private(key) + served)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, authority: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + _LASTS)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    return builder.add_extension(issued_by, critical=False)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _trusted_so_far(environment: Mapping[str, str]) -> bytes:
    """The certificates that OpenSSL trusts; none if it keeps them elsewhere, as it may on macOS."""
    found = environment.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    return Path(found).read_bytes() + b"\n" if found else b""
