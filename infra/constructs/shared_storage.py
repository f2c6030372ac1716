"""What seats share of the lab's storage, as strings that were read once: a class asks for each a hundred times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class SharedStorage:
    """Names and ARNs of the bucket and the key; how a prefix of the bucket is filled and emptied, and with what."""

    bucket_name: str
    bucket_arn: str
    key_arn: str
    prefix_token: str  # the service token of a PrefixContents
    notebooks: Mapping[str, tuple[str, str]]  # the file's name: its key in the bucket, and the hash of what lies there
