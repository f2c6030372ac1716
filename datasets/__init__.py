"""Renders the lab's default data set: ten kinds of toy bricks, 48x48 grey."""

from datasets.cache import ensure
from datasets.labels import LABELS

__all__ = ["LABELS", "ensure"]
