"""A stack that was at work when the embedded AWS ended is rolled back at the next start, as one that has failed is.

What a rollback needs, ministack has in memory only; here it stands in the stack's record from the operation's first
moment. A deletion goes on. What was being cleared away after an update stays: the sweep of who made it finds it by its
tags. AWS's CloudFormation does not end; that a stack is rolled back then is what it does when a resource fails.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ministack.core import responses
from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, engine, handlers, stacks

from embedded_aws.patches.patching import Patches

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Stack = dict[str, Any]

log = logging.getLogger(__name__)

_OPERATION, _DELETION = "_operation", "_deletion"
_REASON = "The embedded AWS ended while this stack was at work"

patches = Patches()


@patches.wraps(stacks._deploy_stack_async, changesets, handlers, stacks)
async def _deploy_stack_async(
    original: Callable[..., Awaitable[None]],
    stack_name: str,
    stack_id: str,
    template: dict[str, Any],
    param_values: dict[str, Any],
    disable_rollback: bool,
    tags: list[Any],
    is_update: bool = False,  # noqa: FBT002 - ministack's signature
    previous_stack: Stack | None = None,
    retain_except_on_create: bool = False,  # noqa: FBT002 - as before
    imports: dict[str, Any] | None = None,
) -> None:
    """Note what a rollback needs, for as long as the stack is at work."""
    stack = cloudformation._stacks[stack_name]
    operation = stacks._failed_operation(
        is_update,
        previous_stack,
        [],
        None,
        None,
        [],
        False,
        template,
        param_values,
        retain_except_on_create,
        stack.get("Tags") or [],
        (previous_stack or {}).get("Tags") or [],
        imports,
    )
    stack[_OPERATION] = {**operation, "disable_rollback": disable_rollback}
    await original(
        stack_name,
        stack_id,
        template,
        param_values,
        disable_rollback,
        tags,
        is_update,
        previous_stack,
        retain_except_on_create,
        imports,
    )
    stack.pop(_OPERATION, None)


@patches.wraps(stacks._delete_stack_async, handlers, stacks)
async def _delete_stack_async(
    original: Callable[..., Awaitable[None]],
    stack_name: str,
    stack_id: str,
    retain_resources: Any = (),
    force: bool = False,  # noqa: FBT002 - as before
) -> None:
    """Note how it is deleted."""
    if stack := cloudformation._stacks.get(stack_name):
        stack[_DELETION] = {"retain": sorted(retain_resources), "force": force}
    await original(stack_name, stack_id, retain_resources, force)
    if stack:
        stack.pop(_DELETION, None)


def resume(remove_unknown: Callable[[str, str, str, set[str]], object]) -> list[str]:
    """Begin, on the event loop, to roll back or to delete what was at work; return the names of these stacks.

    `remove_unknown` removes what a stack, by account, region and ID, has made beside the resources of these IDs.
    """
    found = [(key, stack) for key, stack in list(cloudformation._stacks._data.items()) if _is_at_work(stack)]
    for (account, region, name), stack in found:
        known = {str(each.get("PhysicalResourceId")) for each in stack.get("_resources", {}).values()}
        remove_unknown(account, region, str(stack["StackId"]), known)
        with responses.request_scope(account, region):
            _resume(name, stack)
    return [name for (_, _, name), _ in found]


def _is_at_work(stack: Mapping[str, Any]) -> bool:
    return _OPERATION in stack or _DELETION in stack


def _resume(name: str, stack: Stack) -> None:
    stack_id, status = str(stack["StackId"]), str(stack["StackStatus"])
    if deletion := stack.get(_DELETION):
        work = stacks._delete_stack_async(name, stack_id, frozenset(deletion["retain"]), force=deletion["force"])
        stacks._create_stack_task_in_region(work, stack, stack_id)
        return
    operation = stack.pop(_OPERATION)
    if status.endswith("_CLEANUP_IN_PROGRESS"):
        stack["StackStatus"] = status.removesuffix("_CLEANUP_IN_PROGRESS")
        return
    if not status.endswith("_IN_PROGRESS"):
        return
    operation = {**operation, **_done(name, stack, operation)}
    if operation.pop("disable_rollback") and "ROLLBACK" not in status:
        stack.update(StackStatus=status.replace("_IN_PROGRESS", "_FAILED"), StackStatusReason=_REASON)
        stack["_failed_operation"] = operation
        return
    work = stacks._roll_back_operation(name, stack_id, stack, operation, reason_override=_REASON)
    stacks._create_stack_task_in_region(work, stack, stack_id)


def _done(name: str, stack: Stack, operation: Mapping[str, Any]) -> dict[str, Any]:
    """Return the resources that the operation had made or changed; the one that it was changing counts as changed."""
    before = (operation["previous_stack"] or {}).get("_resources", {})
    resources = stack.setdefault("_resources", {})
    at_work = _resource_at_work(stack)
    if operation["is_update"] and at_work in before and resources.get(at_work) == before[at_work]:
        resources[at_work] = {**before[at_work], "Properties": _asked(name, stack, operation, at_work)}
    return {"created": [each for each, resource in resources.items() if before.get(each) != resource]}


def _resource_at_work(stack: Stack) -> str:
    """Return the logical ID of the resource whose latest event says that it is being changed; "" if there is none."""
    for event in reversed(cloudformation._stack_events.get(stack["StackId"]) or []):
        if event["LogicalResourceId"] != stack["StackName"]:
            at_work = str(event["ResourceStatus"]).endswith("_IN_PROGRESS")
            return str(event["LogicalResourceId"]) if at_work else ""
    return ""


def _asked(name: str, stack: Stack, operation: Mapping[str, Any], logical_id: str) -> dict[str, Any]:
    """Return the properties that the template wants of a resource."""
    template, values = operation["template"], operation["param_values"]
    conditions = engine._evaluate_conditions(template, values)
    properties = template.get("Resources", {}).get(logical_id, {}).get("Properties", {})
    resources, mappings = stack.get("_resources", {}), template.get("Mappings", {})
    made = engine._resolve_refs(properties, resources, values, conditions, mappings, name, stack["StackId"])
    return {each: value for each, value in made.items() if value is not engine._NO_VALUE}
