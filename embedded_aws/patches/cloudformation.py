"""CloudFormation: types of ours beside ministack's."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from ministack.services import s3, sns
from ministack.services.cloudformation import drift, handlers, provisioners, stacks

from embedded_aws.services.cloudformation_types import api_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from embedded_aws.services.cloudformation_types import ResourceProvider


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


def ask_for_capabilities() -> None:
    """Have IAM's resources and macros acknowledged as CloudFormation does; ministack asks when it enforces policies."""
    handlers._capabilities_enforced = lambda: True


def encrypt_as_templates_say() -> None:
    """Give buckets the default encryption, and topics the key, that their templates name; ministack leaves them out."""
    _after_each_change(_BUCKET, _encrypt)
    _after_each_change("AWS::SNS::Topic", _lock)


def _after_each_change(kind: str, then: Callable[[str, Mapping[str, Any]], None]) -> None:
    handlers = provisioners._RESOURCE_HANDLERS[kind]
    create, update = handlers["create"], handlers["update"]

    def created(logical_id: str, properties: Mapping[str, Any], *stack: str) -> tuple[str, Any]:
        name, attributes = create(logical_id, properties, *stack)
        then(name, properties)
        return name, attributes

    def updated(name: str, old: Mapping[str, Any], new: Mapping[str, Any], *stack: str) -> tuple[str, Any]:
        renamed, attributes = update(name, old, new, *stack)
        then(renamed, new)
        return renamed, attributes

    provisioners._RESOURCE_HANDLERS[kind] = {**handlers, "create": created, "update": updated}


def _lock(topic: str, properties: Mapping[str, Any]) -> None:
    attributes = sns._topics[topic]["attributes"]
    attributes.pop("KmsMasterKeyId", None)
    if key := properties.get("KmsMasterKeyId"):
        attributes["KmsMasterKeyId"] = key


def _encrypt(bucket: str, properties: Mapping[str, Any]) -> None:
    """Put it as ministack keeps it, the document that PutBucketEncryption is given."""
    rules = properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
    defaults = [rule["ServerSideEncryptionByDefault"] for rule in rules if "ServerSideEncryptionByDefault" in rule]
    if not defaults:
        s3._bucket_encryption.pop(bucket, None)
        return
    members = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in defaults[0].items())
    with_key = str(rules[0].get("BucketKeyEnabled", False)).lower()
    s3._bucket_encryption[bucket] = (
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"
        f"{members}</ApplyServerSideEncryptionByDefault><BucketKeyEnabled>{with_key}</BucketKeyEnabled></Rule>"
        "</ServerSideEncryptionConfiguration>"
    )


def _reader(
    read: Callable[[str], Mapping[str, Any] | None],
) -> Callable[[str, Mapping[str, Any]], Mapping[str, Any] | None]:
    return lambda physical_id, _properties: read(physical_id)


def provision(types: Mapping[str, ResourceProvider]) -> None:
    """Let templates use these types, by name."""
    for name, one in types.items():
        provisioners._RESOURCE_HANDLERS[name] = {"create": one.create, "update": one.update, "delete": one.delete}
        provisioners._REPLACING_PROPERTIES[name] = one.replacing
        if one.tags:
            provisioners._STACK_TAG_PROPERTY[name] = (one.tags, "list")
        if one.name:
            provisioners._CUSTOM_NAME_REPLACEMENT[name] = {"name": one.name}
        if one.read:
            drift._DRIFT_READERS[name] = (_reader(one.read), frozenset(one.reads))
    waiting = {name for name, one in types.items() if one.waits}
    blocks = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda name: name in waiting or bool(blocks(name))
