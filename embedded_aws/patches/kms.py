"""Whoever puts an object under a KMS key, or gets one from under it, needs the key too; S3 asks KMS in his name.

Put and the start of an upload in parts need GenerateDataKey; a part, the upload's end, a copy's source and a get need
Decrypt. A publisher to an encrypted topic needs both. Sources: S3's guide, "Using server-side encryption with AWS KMS
keys" and "Multipart upload API and permissions"; SNS's guide, "Key management". ministack asks about none of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from ministack.core import iam_actions
from ministack.services import s3, sns

from embedded_aws.patches import service_handlers
from embedded_aws.patches.iam_principals import caller, principal
from embedded_aws.patches.managed_keys import is_managed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from embedded_aws.patches.service_handlers import Response

_ALGORITHM = "x-amz-server-side-encryption"
_KEY = "x-amz-server-side-encryption-aws-kms-key-id"
_ABOUT = frozenset({"acl", "annotation", "attributes", "legal-hold", "retention", "tagging", "torrent"})  # an object
_WRITE, _READ = "kms:GenerateDataKey", "kms:Decrypt"


def ask_before_keys() -> None:
    """Let S3 and SNS use a key only for who may."""
    further = iam_actions.s3_additional_checks

    def with_keys(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> list[tuple[str, str]]:
        return [*further(method, path, headers, body, query), *_of_object(method, path, headers, query)]

    iam_actions.s3_additional_checks = with_keys
    service_handlers.before("sns", _publishing)


def _of_object(
    method: str, path: str, headers: Mapping[str, str], query: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    bucket, _, key = path.lstrip("/").partition("/")
    if not key:
        return
    if "uploadId" in query:
        if method in ("PUT", "POST"):
            yield from _asked(_READ, _key_for_writing(bucket, headers))
    elif method == "GET" and not query.keys() & _ABOUT:
        yield from _asked(_READ, _key_of_object(bucket, key))
    elif (method == "PUT" and not query.keys() & _ABOUT) or "uploads" in query:
        yield from _asked(_WRITE, _key_for_writing(bucket, headers))
    if source := headers.get("x-amz-copy-source"):
        yield from _asked(_READ, _key_of_object(*source.lstrip("/").partition("?")[0].split("/", 1)))


def _asked(action: str, key: str | None) -> Iterator[tuple[str, str]]:
    """The question to ask, if any: the policy of S3's own key lets everybody use it through S3."""
    if key and not is_managed(key):
        yield action, _arn(key)


def _key_for_writing(bucket: str, headers: Mapping[str, str]) -> str | None:
    """The key that is named, or the bucket's for who names no encryption at all."""
    if _ALGORITHM in headers:
        return headers.get(_KEY)
    default: Mapping[str, str] = s3._bucket_default_sse_headers(bucket)
    return default.get(_KEY)


def _key_of_object(bucket: str, key: str) -> str | None:
    found = s3._buckets.get(bucket, {}).get("objects", {}).get(key, {})
    key_id: str | None = found.get("preserved_headers", {}).get(_KEY)
    return key_id


def _arn(key: str) -> str:
    account, region = caller()
    return key if key.startswith("arn:") else f"arn:aws:kms:{region}:{account}:key/{key}"


def _publishing(
    _method: str, _path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
) -> Response | None:
    who = principal(headers, query)
    key = _key_of_topic(body) if who else None
    for action in (_WRITE, _READ) if key else ():
        if who and key and who.refusal(action, _arn(key), {}):
            return who.denied("sns", action, headers, _arn(key))
    return None


def _key_of_topic(body: bytes) -> str | None:
    """The key of the topic that a request publishes to; None if it has none, or does something else."""
    asked = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    topic = sns._topics.get(asked.get("TopicArn", "")) if asked.get("Action") == "Publish" else None
    key_id: str | None = (topic or {}).get("attributes", {}).get("KmsMasterKeyId")
    return key_id
