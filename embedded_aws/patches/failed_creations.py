"""What a failed creation leaves to its rollback: custom resources, and what could not be deleted.

A custom resource that answers Create with FAILED is sent a Delete as its stack is rolled back, with the
PhysicalResourceId of that answer (aws/aws-cdk#5525, for which the CDK's provider framework is made); ministack forgets
it, and what it had made stays. What a rollback could not delete stays the stack's, which is ROLLBACK_FAILED and can be
deleted once more (CloudFormation's guide, "Understand CloudFormation stack creation events" and "Delete a stack");
ministack forgets that too. Not compared with AWS: that the Delete comes before those of what was made in its time; that
a stack without a rollback, which is CREATE_FAILED, forgets it when it is deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.core import responses
from ministack.services import cloudformation
from ministack.services.cloudformation import custom_resource, handlers, stacks

from embedded_aws.patches.patching import Patches

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

_FAILED = "_failed_custom_resources"  # in a stack's record, by their logical IDs
_LEFT = "_rollback_failed"  # ministack's own, likewise

patches = Patches()
_answered: dict[tuple[str, str], str] = {}  # physical IDs of what has failed, by stack and logical ID


@patches.wraps(custom_resource.deliver_response)
def deliver_response(original: Callable[[str, dict[str, Any]], bool], token: str, response: dict[str, Any]) -> bool:
    """Note under which ID a custom resource has failed."""
    if response.get("Status") == "FAILED" and (name := response.get("PhysicalResourceId")):
        _answered[str(response.get("StackId")), str(response.get("LogicalResourceId"))] = str(name)
    return original(token, response)


@patches.wraps(custom_resource.invoke_custom_resource)
def invoke_custom_resource(
    original: Callable[..., tuple[str, dict[str, Any]]],
    request_type: str,
    logical_id: str,
    props: dict[str, Any],
    stack_name: str,
    stack_id: str,
    resource_type: str,
    physical_id: str | None = None,
    old_props: dict[str, Any] | None = None,
) -> tuple[str, dict[str, Any]]:
    """Note in its stack that it has failed to be made."""
    how = (physical_id, old_props)
    try:
        return original(request_type, logical_id, props, stack_name, stack_id, resource_type, *how)
    except RuntimeError:
        name = _answered.pop((stack_id, logical_id), "")
        stack = cloudformation._stacks.get(stack_name)
        if request_type == "Create" and name and stack is not None:
            stack.setdefault(_FAILED, {})[logical_id] = {
                "LogicalResourceId": logical_id,
                "PhysicalResourceId": name,
                "ResourceType": resource_type,
                "ResourceStatus": "CREATE_FAILED",
                "Properties": props,
            }
        raise


@patches.wraps(stacks._roll_back_operation, handlers, stacks)
async def _roll_back_operation(
    original: Callable[..., Coroutine[Any, Any, None]],
    stack_name: str,
    stack_id: str,
    stack: dict[str, Any],
    operation: dict[str, Any],
    reason_override: str = "",
) -> None:
    """Let what has failed be deleted with what was made, and keep in the stack what could not be."""
    failed = stack.pop(_FAILED, {})
    resources = stack.setdefault("_resources", {})
    resources.update(failed)
    operation = {**operation, "created": [*operation["created"], *failed]}
    await original(stack_name, stack_id, stack, operation, reason_override)
    if not operation["is_update"]:
        told = {"ResourceStatus": "DELETE_FAILED", "Timestamp": responses.now_iso()}
        left = {name: {**each, "LogicalResourceId": name, **told} for name, each in stack.get(_LEFT, {}).items()}
        resources.update(reversed(left.items()))  # a deletion begins with the last
