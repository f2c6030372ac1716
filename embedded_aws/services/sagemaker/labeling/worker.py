"""A worker: by which ID a labeling job's output knows them, and who they are in the user pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A person who labels: their ID in a job's output, and who that is in the user pool."""

    id: str
    issuer: str
    sub: str
    name: str

    @property
    def metadata(self) -> dict[str, Any]:
        """Return the workerMetadata of an answer."""
        identity = {"identityProviderType": "Cognito", "issuer": self.issuer, "sub": self.sub}
        return {"identityData": identity}

    @property
    def user_pool(self) -> str:
        """Return the ID of the user pool; an issuer is `https://cognito-idp.REGION.amazonaws.com/USER-POOL`."""
        return self.issuer.rpartition("/")[2]
