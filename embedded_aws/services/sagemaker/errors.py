"""Errors with AWS's codes, which the embedded SageMaker answers."""

from __future__ import annotations

import json

VALIDATION = "ValidationException"
IN_USE = "ResourceInUse"
LIMIT = "ResourceLimitExceeded"
NOT_FOUND = "ResourceNotFound"
UNAVAILABLE = "ServiceUnavailable"
JSON = "application/x-amz-json-1.1"  # the content type of AWS's protocol awsJson1.1


class ServiceError(Exception):
    """An error that is answered: AWS's code, the message, and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status

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
