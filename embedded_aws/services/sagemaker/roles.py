"""Execution roles: assumed for what a request asks for, or refused as SageMaker refuses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embedded_aws.runtime.credentials import Role, RoleError
from embedded_aws.services.sagemaker.errors import validation_exception

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.store import Record


def role_of(record: Record, arn: str, *, endpoint_url: str) -> Role:
    """Return the role as which what the record stands for acts; nobody is asked whether it can."""
    return Role(arn, account=record.account, region=record.region, endpoint_url=endpoint_url)


def assumed_role(record: Record, arn: str, *, endpoint_url: str) -> Role:
    """Return the role as which what the record stands for acts.

    Asks IAM about it: not to be called on the gateway's event loop. Raises AWS's ValidationException if SageMaker can't
    assume it.
    """
    role = role_of(record, arn, endpoint_url=endpoint_url)
    try:
        role.check()
    except RoleError as error:
        raise validation_exception(str(error)) from error
    return role
