"""S3's own key in an account, `aws/s3`: what is put under KMS without a key being named lies under it.

It is made when it is first needed (S3's guide, "Using server-side encryption with AWS KMS keys"). Its description, its
manager and its policy: DescribeKey's answers and policies that users published of theirs. S3 answers the whole ARN of a
key, by whatever name it was asked for. Nobody can delete, disable or change it: KMS's guide, "AWS managed keys". Not
compared with AWS: what KMS says to who tries.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ministack.core.responses import error_response_json
from ministack.services import kms, s3

from embedded_aws.patches import service_handlers
from embedded_aws.patches.iam_principals import caller

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.patches.service_handlers import Response

_ALIAS = "alias/aws/s3"
_KMS = "aws:kms"
_ALGORITHM = "x-amz-server-side-encryption"
_KEY = "x-amz-server-side-encryption-aws-kms-key-id"
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


def keep_managed_keys() -> None:
    """Let S3 have its key in every account and region, and nobody change it."""
    resolve, default, describe = s3._resolve_sse_write_headers, s3._bucket_default_sse_headers, kms._key_metadata

    def resolved(headers: Mapping[str, str], bucket: str) -> Any:
        wanted = headers
        if headers.get(_ALGORITHM) == _KMS and not headers.get(_KEY):
            # A bucket's own key is for what names no encryption at all.
            wanted = {**headers, _KEY: _managed_key()}
        kept, error = resolve(wanted, bucket)
        return (_with_whole_arn(kept), None) if error is None else (kept, error)

    def by_default(bucket: str) -> dict[str, str]:
        found = default(bucket)
        return {**found, _KEY: _managed_key()} if found.get(_ALGORITHM) == _KMS and _KEY not in found else found

    def described(record: Mapping[str, Any]) -> dict[str, Any]:
        return {**describe(record), **({"KeyManager": "AWS"} if is_managed(str(record["KeyId"])) else {})}

    s3._resolve_sse_write_headers, s3._bucket_default_sse_headers = resolved, by_default
    kms._key_metadata = described
    service_handlers.before("kms", _unchanged)


def is_managed(key: str) -> bool:
    """Whether a key, by its id, ARN or alias, is S3's own: its policy lets all use it through S3."""
    record = kms._resolve_key(key)
    return record is not None and record["KeyId"] == kms._aliases.get(kms._alias_arn(_ALIAS))


def _managed_key() -> str:
    """Its ARN."""
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


def _with_whole_arn(headers: Mapping[str, str]) -> dict[str, str]:
    record = kms._resolve_key(headers.get(_KEY, ""))
    return {**headers, **({_KEY: str(record["Arn"])} if record else {})}


def _unchanged(
    _method: str, _path: str, headers: dict[str, str], body: bytes, _query: dict[str, list[str]]
) -> Response | None:
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    if operation not in _CHANGES:
        return None
    asked = json.loads(body or b"{}")
    key = str(asked.get("AliasName") or asked.get("KeyId") or "")
    if not is_managed(key):
        return None
    arn = kms._resolve_key(key)["Arn"]
    sentence = f"kms:{operation} is not authorized on resource {arn}: it is a key that AWS manages."
    answer: Response = error_response_json("AccessDeniedException", sentence, 400)
    return answer
