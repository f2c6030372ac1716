"""The one module that touches ministack's internals: it makes SageMaker an ordinary service of its port.

The names used here are private to ministack 1.5.33, which is pinned exactly; `tests/emulator/test_hooks.py`
says which one is gone when that pin moves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ministack.app
from ministack.core import responses, router
from ministack.services import stepfunctions
from ministack.services.cloudformation import provisioners, stacks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Response = tuple[int, dict[str, str], bytes]
    Handler = Callable[[str, str, dict[str, str], bytes, dict[str, list[str]]], Awaitable[Response]]
    Provisioner = Mapping[str, Callable[..., Any]]

PREFIX = "AWS::SageMaker::"


def caller() -> tuple[str, str]:
    """Account and region of the request that is being answered (also inside CloudFormation's threads)."""
    return responses.get_account_id(), responses.get_region()


def application() -> Any:
    """Ministack's ASGI application."""
    return ministack.app.app


def install(
    handler: Handler,
    resource_types: Mapping[str, Provisioner],
    *,
    replacing: Mapping[str, tuple[str, ...]],
    names: Mapping[str, str],
) -> None:
    """Answer SageMaker's calls with `handler` and provision `resource_types` in CloudFormation.

    `replacing` lists, by type, the properties whose change makes a new resource; `names` the one that names it.
    """
    ministack.app.SERVICE_HANDLERS["sagemaker"] = handler
    router.SERVICE_PATTERNS["sagemaker"] = {
        "target_prefixes": ["SageMaker."],
        "host_patterns": [r"sagemaker\.", r"runtime\.sagemaker\."],
        "credential_scope": "sagemaker",
    }
    stepfunctions._AWS_SDK_SERVICE_MAP["sagemaker"] = {"target_prefix": "SageMaker", "protocol": "json"}
    stepfunctions._AWS_SDK_ERROR_PREFIX["sagemaker"] = "SageMaker"
    for type_name, provisioner in resource_types.items():
        provisioners._RESOURCE_HANDLERS[type_name] = dict(provisioner)
        provisioners._REPLACING_PROPERTIES[type_name] = replacing[type_name]
        provisioners._CUSTOM_NAME_REPLACEMENT[type_name] = {"name": names[type_name]}
        provisioners._STACK_TAG_PROPERTY[type_name] = ("Tags", "list")
    _provision_off_the_loop()


def _provision_off_the_loop() -> None:
    """Run SageMaker's provisioners on worker threads: they wait until a resource has settled."""
    blocks = stacks._runs_on_worker_thread

    def blocks_or_is_ours(resource_type: str) -> bool:
        return resource_type.startswith(PREFIX) or bool(blocks(resource_type))

    stacks._runs_on_worker_thread = blocks_or_is_ours
