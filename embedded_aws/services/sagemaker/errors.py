"""Errors with AWS's codes: what the embedded SageMaker answers when it refuses."""

from __future__ import annotations

VALIDATION = "ValidationException"
IN_USE = "ResourceInUse"
LIMIT = "ResourceLimitExceeded"
NOT_FOUND = "ResourceNotFound"


class ServiceError(Exception):
    """A refusal: AWS's error code, its message, and the HTTP status it travels with."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def validation_exception(message: str) -> ServiceError:
    """The request is not one that SageMaker takes."""
    return ServiceError(VALIDATION, message)


def limit(message: str) -> ServiceError:
    """A quota is used up."""
    return ServiceError(LIMIT, message)
