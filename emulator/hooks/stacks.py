"""CloudFormation: types of ours beside ministack's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ministack.services.cloudformation import provisioners, stacks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.provisioning import ResourceType


def provision(types: Mapping[str, ResourceType]) -> None:
    """Let templates use these types, by name."""
    for name, one in types.items():
        provisioners._RESOURCE_HANDLERS[name] = {"create": one.create, "update": one.update, "delete": one.delete}
        provisioners._REPLACING_PROPERTIES[name] = one.replacing
        provisioners._STACK_TAG_PROPERTY[name] = (one.tags, "list")
        if one.name:
            provisioners._CUSTOM_NAME_REPLACEMENT[name] = {"name": one.name}
    waiting = {name for name, one in types.items() if one.waits}
    blocks = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda name: name in waiting or bool(blocks(name))
