"""Client tokens: a request that comes again with its token has been carried out already.

Source: botocore's model ("An idempotent operation completes no more than one time"). Not compared with AWS: that
another request with the token of an earlier one is a ConflictException, and its sentence.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.errors import CONFLICT, ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

MEMBER = "ClientRequestToken"
DIGEST = "RequestDigest"  # what is kept of the request


def digest(request: Mapping[str, Any]) -> str:
    """Return what tells a request from others with the same client token."""
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def conflict(request: Mapping[str, Any], what: str) -> ServiceError:
    """Return the error of a request whose token has done that for another."""
    return ServiceError(
        CONFLICT, f"The {MEMBER} {request[MEMBER]} has {what} with other members. Give each request a token of its own."
    )
