"""Send what is meant for AWS's own names, `https://sts.us-east-1.amazonaws.com`, to the embedded AWS.

Programs that heed AWS_ENDPOINT_URL need none of it, but the SageMaker SDK, for one, names STS's endpoint itself. The
variables name the gateway's forward proxy (forward_proxy.py), which the usual HTTP clients heed; what is not AWS's it
passes on to the proxy that the environment named before, or straight to its host.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed has not got it

from embedded_aws import aws_names, tls

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY")
_NO_PROXY = "NO_PROXY"
_INDEX_VARIABLES = (
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_INDEX",
    "UV_INDEX_URL",
)
_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"^[\w.-]+=")  # before a URL of UV_INDEX
# This machine, and the metadata services, whose addresses no proxy may be asked for.
_DIRECT = ("127.0.0.1", "localhost", "::1", "169.254.169.254", "169.254.170.2")


def variables(url: str, certificates: Path, outside: Mapping[str, str]) -> dict[str, str]:
    """Return the variables, for a program whose environment is otherwise `outside`.

    Each in capitals and without: wget and gRPC know the latter only, and curl for plain http.
    """
    direct = ",".join(dict.fromkeys([*_DIRECT, *_exemptions(outside)]))
    made = {**dict.fromkeys(_PROXY_VARIABLES, url), _NO_PROXY: direct}
    return {
        **made,
        **{name.lower(): value for name, value in made.items()},
        **tls.variables(certificates),
    }


def reached_directly(environment: Mapping[str, str], *hosts: str) -> dict[str, str]:
    """Return NO_PROXY of an environment with further hosts, under the names that it has it under."""
    names = [name for name in (_NO_PROXY, _NO_PROXY.lower()) if name in environment]
    return {name: ",".join([environment[name], *hosts]) for name in names}


def package_indexes(outside: Mapping[str, str]) -> frozenset[tuple[str, int]]:
    """Return hosts and ports of what the environment names as package indexes, of which some are AWS's: CodeArtifact's.

    Some of uv's have a name before the URL: `mine=https://…`.
    """
    words = [word for name in _INDEX_VARIABLES for word in outside.get(name, "").split()]
    return frozenset(
        (url.hostname, url.port or _PORTS[url.scheme])
        for url in (urlsplit(_NAME.sub("", word)) for word in words)
        if url.hostname and url.scheme in _PORTS
    )


def upstream(scheme: str, host: str, port: int, outside: Mapping[str, str]) -> str | None:
    """Return the URL of the proxy by which the `outside` environment reaches a host; None if it does without."""
    found = _proxies(outside)
    if host in _DIRECT or proxy_bypass_environment(f"{host}:{port}", found):
        return None
    url = found.get(scheme) or found.get("all")
    return url if url is None or "://" in url else f"http://{url}"


def _proxies(outside: Mapping[str, str]) -> dict[str, str]:
    """Return the proxies by scheme, as urllib reads them: it reads its own process's environment only."""
    lowered = {name: value for name, value in outside.items() if name == name.lower()}
    said = {**{name.lower(): value for name, value in outside.items()}, **lowered}
    return {name.removesuffix("_proxy"): value for name, value in said.items() if name.endswith("_proxy") and value}


def _exemptions(outside: Mapping[str, str]) -> Iterator[str]:
    """Yield the entries of a NO_PROXY that exempt nothing of AWS's: companies exempt `.amazonaws.com`, and some all."""
    for entry in _proxies(outside).get("no", "").split(","):
        name = entry.strip()
        if name and name != "*" and not _covers_aws(name.lstrip("*.")):
            yield name


def _covers_aws(name: str) -> bool:
    return aws_names.is_aws(name) or any(domain.endswith(f".{name}") for domain in aws_names.domains())
