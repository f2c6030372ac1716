"""What a container is told so that it reaches AWS as its role, for as long as it runs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embedded_aws.runtime.credentials import Role
    from embedded_aws.runtime.metadata import CredentialsEndpoint


@contextmanager
def reach(
    credentials: CredentialsEndpoint, role: Role, *, endpoint_url: str, isolated: bool
) -> Iterator[dict[str, str]]:
    """The variables for it; a container in network isolation gets no credentials, and pip no index."""
    common = {"AWS_REGION": role.region, "AWS_EC2_METADATA_DISABLED": "true"}
    if isolated:
        yield {**common, "PIP_NO_INDEX": "1"}
        return
    given = credentials.environment(role)
    try:
        yield {**common, "AWS_ENDPOINT_URL": endpoint_url, **given}
    finally:
        credentials.forget(given)
