"""The certificates of an embedded AWS: for the loopback address, and for each of AWS's names that is asked for.

Each start makes an authority whose key only the gateway's memory holds, and whose certificate says that it speaks for
AWS's names, the loopback address and the one that stands for it in containers, and for no other: a tool that trusts it
loses nothing elsewhere.

By hand with cryptography, not with trustme: trustme's authorities have no name constraints and are valid until the year
3000, so that who trusts one trusts it for every name there is.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from embedded_aws import aws_names, tls

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# The loopback address, and where a container with a network of its own finds it (runtime/docker/networks.py).
_ADDRESSES = [ipaddress.ip_address(address) for address in ("127.0.0.1", "169.254.170.2")]
_LOCAL = "localhost"
_VALIDITY = timedelta(days=365)
_BUNDLE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
_END = b"-----END CERTIFICATE-----"
_CACHED_NAMES = 1024


class Authority:
    """Signs certificates, and picks among them by the name that a client asks for."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Write the files that tls.py names; what `environment`, OpenSSL or certifi trust is trusted further on."""
        self._folder = folder
        self._key, self._leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        root = _builder("embedded-aws", self._key, self._key)
        root = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        root = root.add_extension(_key_usage(signs_certificates=True), critical=True)
        root = root.add_extension(_name_constraints(), critical=True)
        certificate = _pem(root.sign(self._key, hashes.SHA256()))
        folder.mkdir(parents=True, exist_ok=True)
        tls.authority(folder).write_bytes(certificate)
        tls.trusted(folder).write_bytes(_joined(*_bundles(environment), certificate))
        tls.node(folder).write_bytes(_joined(*_contents(environment.get("NODE_EXTRA_CA_CERTS")), certificate))
        self._context_of = lru_cache(_CACHED_NAMES)(self._context)
        self.context = self._context()
        self.context.sni_callback = self._choose_by_name

    def _choose_by_name(self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        if name and aws_names.is_aws(name):
            connection.context = self._context_of(name.lower())

    def _context(self, name: str | None = None) -> ssl.SSLContext:
        """Return a context that serves with a certificate for one of AWS's names, or for the loopback address."""
        names: list[x509.GeneralName] = [x509.DNSName(name or _LOCAL)]
        if name is None:
            names += map(x509.IPAddress, _ADDRESSES)
        leaf = _builder("embedded-aws, a service", self._leaf_key, self._key)
        leaf = leaf.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        leaf = leaf.add_extension(_key_usage(signs_certificates=False), critical=True)
        leaf = leaf.add_extension(x509.SubjectAlternativeName(names), critical=False)
        served = _private_pem(self._leaf_key) + _pem(leaf.sign(self._key, hashes.SHA256()))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        # Python takes certificates from files only; this one is readable by its owner alone, for this moment.
        descriptor, path = tempfile.mkstemp(dir=self._folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(served)
            context.load_cert_chain(path)
        finally:
            Path(path).unlink()
        return context


def _builder(
    name: str, key: ec.EllipticCurvePrivateKey, authority: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    subject, issuer = _x509_name(name), _x509_name("embedded-aws")
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + _VALIDITY)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    return builder.add_extension(issued_by, critical=False)


def _x509_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _name_constraints() -> x509.NameConstraints:
    """Return what the authority may sign for: AWS's domains with all below them, and this machine."""
    names = [x509.DNSName(domain) for domain in (*aws_names.domains(), _LOCAL)]
    addresses = [x509.IPAddress(ipaddress.ip_network(address)) for address in _ADDRESSES]
    return x509.NameConstraints([*names, *addresses], None)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
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


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _bundles(environment: Mapping[str, str]) -> Iterator[bytes]:
    """Yield the bundles that tools on this machine trust: those they are told of, OpenSSL's, Mozilla's by certifi."""
    for name in _BUNDLE_VARIABLES:
        yield from _contents(environment.get(name))
    yield from _contents(ssl.get_default_verify_paths().cafile)
    yield certifi.contents().encode()


def _contents(path: str | None) -> Iterator[bytes]:
    if path and Path(path).is_file():
        yield Path(path).read_bytes()


def _joined(*bundles: bytes) -> bytes:
    """Return all certificates of the bundles, each once; what stands between them is for people."""
    each = (part[part.rfind(b"-----BEGIN") :] for bundle in bundles for part in bundle.split(_END)[:-1])
    return b"".join(part + _END + b"\n" for part in dict.fromkeys(each))
