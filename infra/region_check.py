"""Whether the lab, with its settings, can be deployed to a region; it imports nothing of the CDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra import algorithms, regions

if TYPE_CHECKING:
    from infra.settings import Settings


def refusal(region: str, settings: Settings) -> str | None:
    """Say in a sentence why it can't, and what to do; None if it can."""
    return (
        regions.refusal(region)
        or algorithms.refusal(region, settings.algorithm)
        or regions.monitoring_refusal(region, settings.monitor)
        or regions.labelling_refusal(region, settings.labelling)
        or regions.retraining_refusal(region, wanted=settings.retraining)
        or regions.serving_refusal(region, settings.serve_also)
    )
