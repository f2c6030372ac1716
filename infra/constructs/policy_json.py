"""Statements as IAM's JSON: as objects of the CDK, a class's many would take most of the time of a synthesis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

Statement = dict[str, Any]


def allow(
    actions: Sequence[str], resources: Sequence[str], *, service: str = "sagemaker", **conditions: Any
) -> Statement:
    """A statement; `ForAllValues` and its like are given as `ForAllValues_StringEquals`."""
    named = {operator.replace("_", ":"): keys for operator, keys in conditions.items()}
    statement = {
        "Effect": "Allow",
        "Action": [f"{service}:{action}" for action in actions],
        "Resource": list(resources),
    }
    return {**statement, "Condition": named} if named else statement
