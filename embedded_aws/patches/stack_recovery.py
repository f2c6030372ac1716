"""A stack that was at work when the embedded AWS ended is rolled back at the next start, as one that has failed is.

What a rollback needs, ministack has in memory only; here it stands in the stack's record from the operation's first
moment. A deletion goes on. What was being cleared away after an update stays: the sweep of who made it finds it by its
tags. AWS's CloudFormation does not end; that a stack is rolled back then is what it does when a resource fails.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from ministack.core import responses
from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, engine, handlers, stacks

from embedded_aws.patches.patching import Patches

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    Stack = dict[str, Any]
    Work = Callable[..., Coroutine[Any, Any, None]]

log = logging.getLogger(__name__)

_OPERATION, _DELETION = "_operation", "_deletion"
_REASON = "The embedded AWS ended while this stack was at work"

patches = Patches()


@patches.wraps(stacks._deploy_stack_async, changesets, handlers, stacks)
def _deploy_stack_async(
    original: Work,
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
) -> Coroutine[Any, Any, None]:
    """Note what a rollback needs, from before the caller is answered until the stack has ended its work."""
    stack = cloudformation._stacks[stack_name]
    before = previous_stack or {}
    given = (template, param_values, retain_except_on_create, stack.get("Tags") or [], before.get("Tags") or [])
    operation = stacks._failed_operation(is_update, previous_stack, [], None, None, [], False, *given, imports)
    stack[_OPERATION] = {**operation, "disable_rollback": disable_rollback}
    how = (is_update, previous_stack, retain_except_on_create, imports)
    work = original(stack_name, stack_id, template, param_values, disable_rollback, tags, *how)
    return _without_note(stack, _OPERATION, work)


@patches.wraps(stacks._delete_stack_async, handlers, stacks)
def _delete_stack_async(
    original: Work,
    stack_name: str,
    stack_id: str,
    retain_resources: Any = (),
    force: bool = False,  # noqa: FBT002 - ministack's signature
) -> Coroutine[Any, Any, None]:
    """Note how it is deleted, from before the caller is answered."""
    stack = cloudformation._stacks.get(stack_name)
    if stack is None:
        return original(stack_name, stack_id, retain_resources, force)
    stack[_DELETION] = {"retain": sorted(retain_resources), "force": force}
    return _without_note(stack, _DELETION, original(stack_name, stack_id, retain_resources, force))


async def _without_note(stack: Stack, note: str, work: Coroutine[Any, Any, None]) -> None:
    await work
    stack.pop(note, None)


async def resume(remove_unknown: Callable[[str, set[str]], object]) -> None:
    """Begin to roll back or to delete what was at work.

    `remove_unknown` removes what a stack of the caller's, by its ID, has made beside the resources of these IDs; it is
    called on a thread.
    """
    for (account, region, name), stack in list(cloudformation._stacks._data.items()):
        if _is_at_work(stack):
            known = {str(each.get("PhysicalResourceId")) for each in stack.get("_resources", {}).values()}
            with responses.request_scope(account, region):
                try:
                    await asyncio.to_thread(remove_unknown, str(stack["StackId"]), known)
                    _resume(name, stack)
                except Exception:
                    log.exception("stack %s can't go on", name)


def _is_at_work(stack: Mapping[str, Any]) -> bool:
    return _OPERATION in stack or _DELETION in stack


def _resume(name: str, stack: Stack) -> None:
    for change_set in cloudformation._change_sets.values():
        if change_set.get("StackId") == stack["StackId"] and change_set.get("ExecutionStatus") == "EXECUTE_IN_PROGRESS":
            change_set["ExecutionStatus"] = "EXECUTE_FAILED"
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
