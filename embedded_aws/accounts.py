"""Close an account: end what runs in it, and forget all that it holds. The other accounts do not notice."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from embedded_aws.patches import accounts
from embedded_aws.services.sagemaker import api
from embedded_aws.services.sagemaker.errors import ServiceError

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.service import SageMaker
    from embedded_aws.services.sagemaker.store import Record


def close(sagemaker: SageMaker, account: str) -> None:
    """Stop its jobs and notebook instances, delete its endpoints, then forget it in every service."""
    # What is made of others (a tuning job, an endpoint) was created after them, and ends first.
    for record in reversed(sagemaker.context.store.of_account(account)):
        _end(sagemaker, record)
        if record.resource_type.name != "Endpoint":  # its hosts are being ended, and it goes with them
            sagemaker.context.store.remove(record)
    accounts.forget(account)


def _end(sagemaker: SageMaker, record: Record) -> None:
    name = record.resource_type.name
    operation = next((verb + name for verb in ("Stop", "Delete") if verb + name in api.RESOURCE_OPERATIONS), None)
    if operation:
        with contextlib.suppress(ServiceError):  # it has ended already
            wanted = {record.resource_type.name_member: record.name}
            sagemaker.call(operation, wanted, account=record.account, region=record.region)
