"""CloudFormation: types of ours beside ministack's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ministack.services import s3
from ministack.services.cloudformation import provisioners, stacks

from emulator.provisioning import api_error

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from emulator.provisioning import ResourceType


_BUCKET = "AWS::S3::Bucket"
_NOT_EMPTY = "The bucket you tried to delete is not empty"  # S3's list of error codes


def refuse_full_buckets() -> None:
    """Let a bucket with anything in it fail its stack's deletion, as S3 refuses it; ministack deletes it with all."""
    handlers = provisioners._RESOURCE_HANDLERS[_BUCKET]
    delete = handlers["delete"]

    def refuse(name: str, properties: Mapping[str, Any]) -> None:
        bucket = s3._buckets.get(name)
        if bucket and (bucket["objects"] or s3._bucket_has_versions(name)):
            raise api_error("S3", status=409, code="BucketNotEmpty", message=_NOT_EMPTY)
        delete(name, properties)

    provisioners._RESOURCE_HANDLERS[_BUCKET] = {**handlers, "delete": refuse}


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
