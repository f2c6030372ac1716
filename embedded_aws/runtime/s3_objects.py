"""S3 as jobs and endpoints use it: prefixes and manifests brought into folders, files uploaded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from boto3.s3.transfer import TransferConfig

from embedded_aws.runtime.archives import ArchiveError
from embedded_aws.runtime.s3_uris import plain, split

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Small files dominate; ten threads a transfer would only compete with what trains.
TRANSFER = TransferConfig(use_threads=False)


def list_keys(client: Any, uri: str) -> list[str]:
    """Return the keys of all objects whose key starts with the URI's; folder markers left out."""
    bucket, prefix = split(uri)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [each["Key"] for page in pages for each in page.get("Contents", []) if not each["Key"].endswith("/")]


def list_prefix(client: Any, uri: str) -> dict[str, str]:
    """Return the URIs of all objects under a prefix, by the names that follow the prefix.

    A prefix that ends within a name (`s3://b/data/tr` for `data/train.npy`) is cut at its last slash.
    """
    bucket, prefix = split(uri)
    whole = prefix if prefix.endswith("/") else f"{prefix}/"
    return {
        key.removeprefix(whole) if key.startswith(whole) else key[prefix.rfind("/") + 1 :]: f"s3://{bucket}/{key}"
        for key in list_keys(client, uri)
    }


def list_manifest(client: Any, uri: str) -> dict[str, str]:
    """Return the URIs of what a manifest lists, `[{"prefix": "s3://…"}, "name", …]`, by name. Raises ArchiveError."""
    content = read(client, uri)
    try:
        head, *names = json.loads(content)
        prefix = plain(head["prefix"])
        return {name: f"{prefix}{name}" for name in names}
    except (ValueError, TypeError, KeyError) as error:
        raise ArchiveError(
            f'{uri} is no manifest, which is a JSON list: {{"prefix": "s3://…"}}, then names below it.'
        ) from error


def download_all(client: Any, named: Mapping[str, str], folder: Path) -> None:
    """Bring objects into a folder under the names given. Raises ArchiveError for one that leads out of it."""
    for name, uri in named.items():
        download(client, uri, _inside(folder, name))


def read(client: Any, uri: str) -> bytes:
    """Return an object's content."""
    bucket, key = split(uri)
    return bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())


def download(client: Any, uri: str, path: Path) -> None:
    """Bring one object into a file; its folder is made."""
    bucket, key = split(uri)
    path.parent.mkdir(parents=True, exist_ok=True)
    client.download_file(bucket, key, str(path), Config=TRANSFER)


def upload(client: Any, path: Path, uri: str, *, key_id: str | None) -> None:
    """Upload one file, encrypted with the KMS key if there is one."""
    bucket, key = split(uri)
    client.upload_file(str(path), bucket, key, ExtraArgs=encryption(key_id), Config=TRANSFER)


def encryption(key_id: str | None) -> dict[str, str]:
    """Return the arguments that make S3 encrypt with that key."""
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id} if key_id else {}


def _inside(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ArchiveError(f"the key {name} leads out of its folder")
    return path
