"""Close an account: end what runs in it, and forget all that it holds. The other accounts do not notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embedded_aws.patches import accounts

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.service import SageMaker


def close(sagemaker: SageMaker, account: str) -> None:
    """End its jobs, notebook instances and endpoints, then forget it in every service."""
    sagemaker.discard(account)
    accounts.forget(account)
