"""Renders the lab's default data set: ten kinds of toy bricks, 48x48 grey."""

from datasets.bricks import LABELS
from datasets.dataset import ensure

__all__ = ["LABELS", "ensure"]
