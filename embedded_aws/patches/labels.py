"""The Content-Type that an answer bears: ministack puts it right, by what botocore says of the service's protocol.

For those two words it reads the service's whole model, with a session of its own, while everybody waits: up to half a
second and 10 MB a service. And what a SageMaker model answers is the model's business, JSON or not.
"""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import ministack.app
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from ministack.core import responses

if TYPE_CHECKING:
    from collections.abc import Callable

    Fix = Callable[[str, int, dict[str, str]], None]

_OURS = "sagemaker"


def label_answers() -> None:
    """Let answers of SageMaker and its runtime keep theirs, and find the others' in a tenth of the time."""
    responses._service_model = _description  # Step Functions, imported before, goes on with the whole model
    ministack.app.fix_success_content_type = _but_for_ours(ministack.app.fix_success_content_type)
    ministack.app.fix_error_content_type = _but_for_ours(ministack.app.fix_error_content_type)


def _but_for_ours(fix: Fix) -> Fix:
    def fixed(service: str, status: int, headers: dict[str, str]) -> None:
        if service != _OURS:
            fix(service, status, headers)

    return fixed


@cache
def _description(service: str) -> Any:
    """What ministack looks at of a service's model; None if there is no such service."""
    name = responses._BOTOCORE_NAME.get(service, service)
    try:
        # A loader of its own, for it keeps all that it has loaded.
        model = Loader().load_service_model(name, "service-2")
    except UnknownServiceError:
        return None
    return SimpleNamespace(metadata=model["metadata"])
