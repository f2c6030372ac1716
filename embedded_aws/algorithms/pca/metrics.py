"""Metrics of PCA: none that a tuning job could judge by; its guide has none."""

from __future__ import annotations

from embedded_aws.algorithms.sdk.definitions import common

TUNABLE: tuple[str, ...] = ()
DEFINITIONS = common()
