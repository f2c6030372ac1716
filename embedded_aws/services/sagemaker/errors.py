"""Errors with AWS's codes, which the embedded SageMaker answers."""

from __future__ import annotations

import json

VALIDATION = "ValidationException"
IN_USE = "ResourceInUse"
CONFLICT = "ConflictException"
LIMIT = "ResourceLimitExceeded"
NOT_FOUND = "ResourceNotFound"
UNAVAILABLE = "ServiceUnavailable"
JSON = "application/x-amz-json-1.1"  # the content type of AWS's protocol awsJson1.1


class ServiceError(Exception):
    """An error that is answered: AWS's code, the message, the HTTP status, and what else the code's shape has."""

    def __init__(self, code: str, message: str, status: int = 400, **details: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.details = details

    def response(self) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of the error in the protocol awsJson1.1."""
        body = json.dumps({"__type": self.code, "message": self.message}).encode()
        return self.status, {"Content-Type": JSON, "x-amzn-ErrorType": self.code}, body


def validation_exception(message: str) -> ServiceError:
    """Return the error for a request that SageMaker does not accept."""
    return ServiceError(VALIDATION, message)


def limit(message: str) -> ServiceError:
    """Return the error for a quota that is used up."""
    return ServiceError(LIMIT, message)


def quota_exceeded(name: str, allowed: float, used: int, delta: int, unit: str) -> ServiceError:
    """Return the error for what would exceed a quota, in AWS's sentence."""
    return limit(
        f"The account-level service limit '{name}' is {allowed:.0f} {unit}, with current utilization of {used} {unit} "
        f"and a request delta of {delta} {unit}. Please use AWS Service Quotas to request an increase for this quota. "
        "If AWS Service Quotas is not available, contact AWS support to request an increase for this quota."
    )
