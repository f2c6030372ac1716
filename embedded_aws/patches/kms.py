"""KMS: S3's own key in an account, `aws/s3`, and the keys that who puts and gets objects needs.

What is put under KMS without a key being named lies under `aws/s3`; ministack refuses it. It is made when it is first
needed (S3's guide, "Using server-side encryption with AWS KMS keys"). Its description, its manager and its policy:
DescribeKey's answers and policies that users published of theirs. S3 answers the whole ARN of a key, by whatever name
it was asked for. Nobody can delete, disable or change it: KMS's guide, "AWS managed keys".
Not compared with AWS: what KMS says to who tries.

Whoever puts an object under a KMS key, or gets one from under it, needs the key too; S3 asks KMS in his name. Put and
the start of an upload in parts need GenerateDataKey; a part, the upload's end, a copy's source and a get need Decrypt.
A publisher to an encrypted topic needs both. Sources: S3's guide, "Using server-side encryption with AWS KMS keys" and
"Multipart upload API and permissions"; SNS's guide, "Key management". ministack asks about none of it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from ministack.core import iam_actions
from ministack.core.responses import error_response_json
from ministack.services import kms, s3, sns

from embedded_aws.patches import service_handlers
from embedded_aws.patches.iam_principals import caller, principal
from embedded_aws.patches.patching import Patches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from embedded_aws.patches.service_handlers import Response

    Checks = Callable[[str, str, dict[str, str], bytes, dict[str, list[str]]], list[tuple[str, str]]]

_ALIAS = "alias/aws/s3"
_KMS = "aws:kms"
_ALGORITHM = "x-amz-server-side-encryption"
_KEY = "x-amz-server-side-encryption-aws-kms-key-id"
_ABOUT = frozenset({"acl", "annotation", "attributes", "legal-hold", "retention", "tagging", "torrent"})  # an object
_WRITE, _READ = "kms:GenerateDataKey", "kms:Decrypt"
_CHANGES = (
    "CancelKeyDeletion",
    "DeleteAlias",
    "DisableKey",
    "DisableKeyRotation",
    "EnableKey",
    "EnableKeyRotation",
    "PutKeyPolicy",
    "ScheduleKeyDeletion",
    "TagResource",
    "UntagResource",
    "UpdateAlias",
    "UpdateKeyDescription",
)

patches = Patches()
enforced = Patches()


def apply() -> None:
    """Let S3 have its key in every account and region, and nobody change it."""
    patches.apply()
    service_handlers.intercept("kms", _refuse_change)


def enforce() -> None:
    """Let S3 and SNS use a key only for who may."""
    enforced.apply()
    service_handlers.intercept("sns", _refuse_publishing)


def is_managed(key: str) -> bool:
    """Tell whether a key, by its id, ARN or alias, is S3's own: its policy lets all use it through S3."""
    record = kms._resolve_key(key)
    return record is not None and record["KeyId"] == kms._aliases.get(kms._alias_arn(_ALIAS))


@patches.wraps(s3._resolve_sse_write_headers)
def _resolve_sse_write_headers(
    original: Callable[[dict[str, str], str], tuple[dict[str, str], Any]], headers: dict[str, str], bucket_name: str
) -> tuple[dict[str, str], Any]:
    wanted = headers
    if headers.get(_ALGORITHM) == _KMS and not headers.get(_KEY):
        # A bucket's own key is for what names no encryption at all.
        wanted = {**headers, _KEY: _managed_key()}
    kept, error = original(wanted, bucket_name)
    return (_with_whole_arn(kept), None) if error is None else (kept, error)


@patches.wraps(s3._bucket_default_sse_headers)
def _bucket_default_sse_headers(original: Callable[[str], dict[str, str]], bucket_name: str) -> dict[str, str]:
    found = original(bucket_name)
    return {**found, _KEY: _managed_key()} if found.get(_ALGORITHM) == _KMS and _KEY not in found else found


@patches.wraps(kms._key_metadata)
def _key_metadata(original: Callable[[dict[str, Any]], dict[str, Any]], rec: dict[str, Any]) -> dict[str, Any]:
    return {**original(rec), **({"KeyManager": "AWS"} if is_managed(str(rec["KeyId"])) else {})}


def _managed_key() -> str:
    """Return its ARN, and make it if it is not there yet."""
    record = kms._resolve_key(_ALIAS)
    if record is None:
        description = "Default key that protects my S3 objects when no other key is defined"
        kms._create_key({"Description": description, "Policy": json.dumps(_policy())})
        record = list(kms._keys.values())[-1]
        record["KeyRotationEnabled"] = True
        kms._create_alias({"AliasName": _ALIAS, "TargetKeyId": record["KeyId"]})
    return str(record["Arn"])


def _policy() -> dict[str, Any]:
    account, region = caller()
    through_s3 = {"kms:CallerAccount": account, "kms:ViaService": f"s3.{region}.amazonaws.com"}
    return {
        "Version": "2012-10-17",
        "Id": "auto-s3-2",
        "Statement": [
            {
                "Sid": "Allow access through S3 for all principals in the account that are authorized to use S3",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
                "Resource": "*",
                "Condition": {"StringEquals": through_s3},
            },
            {
                "Sid": "Allow direct access to key metadata to the account",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                "Action": ["kms:Describe*", "kms:Get*", "kms:List*"],
                "Resource": "*",
            },
        ],
    }


def _with_whole_arn(headers: dict[str, str]) -> dict[str, str]:
    record = kms._resolve_key(headers.get(_KEY, ""))
    return {**headers, **({_KEY: str(record["Arn"])} if record else {})}


def _refuse_change(
    _method: str, _path: str, headers: dict[str, str], body: bytes, _query: dict[str, list[str]]
) -> Response | None:
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    if operation not in _CHANGES:
        return None
    asked = json.loads(body or b"{}")
    key = str(asked.get("AliasName") or asked.get("KeyId") or "")
    if not is_managed(key):
        return None
    arn = (kms._resolve_key(key) or {})["Arn"]
    sentence = f"kms:{operation} is not authorized on resource {arn}: it is a key that AWS manages."
    return error_response_json("AccessDeniedException", sentence, 400)


@enforced.wraps(iam_actions.s3_additional_checks)
def _s3_additional_checks(
    original: Checks,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, list[str]],
) -> list[tuple[str, str]]:
    """Ask for the keys of objects too."""
    further = original(method, path, headers, body, query_params)
    return [*further, *_of_object(method, path, headers, query_params)]


def _of_object(
    method: str, path: str, headers: Mapping[str, str], query: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    bucket, _, key = path.lstrip("/").partition("/")
    if not key:
        return
    if "uploadId" in query:
        if method in ("PUT", "POST"):
            yield from _question(_READ, _key_for_writing(bucket, headers))
    elif method == "GET" and not query.keys() & _ABOUT:
        yield from _question(_READ, _key_of_object(bucket, key))
    elif (method == "PUT" and not query.keys() & _ABOUT) or "uploads" in query:
        yield from _question(_WRITE, _key_for_writing(bucket, headers))
    if source := headers.get("x-amz-copy-source"):
        yield from _question(_READ, _key_of_object(*source.lstrip("/").partition("?")[0].split("/", 1)))


def _question(action: str, key: str | None) -> Iterator[tuple[str, str]]:
    """Yield the question to ask, if any: the policy of S3's own key lets everybody use it through S3."""
    if key and not is_managed(key):
        yield action, _arn(key)


def _key_for_writing(bucket: str, headers: Mapping[str, str]) -> str | None:
    """Return the key that is named, or the bucket's for who names no encryption at all."""
    if _ALGORITHM in headers:
        return headers.get(_KEY)
    return s3._bucket_default_sse_headers(bucket).get(_KEY)


def _key_of_object(bucket: str, key: str) -> str | None:
    found = s3._buckets.get(bucket, {}).get("objects", {}).get(key, {})
    key_id: str | None = found.get("preserved_headers", {}).get(_KEY)
    return key_id


def _arn(key: str) -> str:
    account, region = caller()
    return key if key.startswith("arn:") else f"arn:aws:kms:{region}:{account}:key/{key}"


def _refuse_publishing(
    _method: str, _path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
) -> Response | None:
    who = principal(headers, query)
    key = _key_of_topic(body) if who else None
    for action in (_WRITE, _READ) if key else ():
        if who and key and who.refusal(action, _arn(key), {}):
            return who.denied("sns", action, headers, _arn(key))
    return None


def _key_of_topic(body: bytes) -> str | None:
    """Return the key of the topic that a request publishes to; None if it has none, or does something else."""
    asked = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    topic = sns._topics.get(asked.get("TopicArn", "")) if asked.get("Action") == "Publish" else None
    key_id: str | None = (topic or {}).get("attributes", {}).get("KmsMasterKeyId")
    return key_id
