"""Channels: which an algorithm has, with what content types, and AWS's sentences on those that can't be.

Follows sagemaker_algorithm_toolkit/channel_validation.py of aws/sagemaker-xgboost-container. Not compared with AWS:
that a container is told FastFile, which it can't know, as File; here it is told so, and treats it alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from embedded_aws.algorithms.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

_BOTH = frozenset({"FullyReplicated", "ShardedByS3Key"})
_FILES = ("File", "FastFile")


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A channel with the content types that it may have, and how its objects may be spread over the hosts."""

    name: str
    required: bool = False
    content_types: frozenset[str]
    distributions: frozenset[str] = field(default=_BOTH)

    def check(self, given: Mapping[str, Any]) -> None:
        """Raise UserError unless the channel can be so."""
        fits = (
            given["ContentType"] in self.content_types
            and given["TrainingInputMode"] in _FILES
            and given["S3DistributionType"] in self.distributions
        )
        if not fits:
            raise UserError(f"Channel configuration for '{self.name}' channel is not supported: {given}")


def validate(
    channels: tuple[Channel, ...], given: Mapping[str, Mapping[str, Any]], *, default: str | None = None
) -> dict[str, dict[str, Any]]:
    """Return a job's channels, with the `default` content type for those that name none. Raises UserError."""
    known = {each.name: each for each in channels}
    for each in channels:
        if each.required and each.name not in given:
            raise UserError(f"Missing required channel: {each.name}")
    validated = {}
    for name, value in given.items():
        if name not in known:
            raise UserError(f"Extraneous channel found: {name}")
        if "ContentType" not in value and default is None:
            raise UserError(f"Missing content type for channel: {name}")
        validated[name] = {**value, "ContentType": value.get("ContentType", default)}
        known[name].check(validated[name])
    return validated
