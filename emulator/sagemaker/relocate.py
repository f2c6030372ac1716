"""Absolute paths of a container, moved to the folders that stand in for them on this machine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# What may not precede a path's first slash: it would be the middle of another path, or of an address.
_STARTS = r"(?:(?<=file://)|(?<![\w.~/)}\]*-]))"
# What may not follow: it would go on with the name, /opt/ml-data or /opt/ml.old.
_ENDS = r"(?![\w.+@%~-])"


def relocate(text: str, places: Mapping[str, Path]) -> str:
    """The text with every path at or below one of `places` (absolute, no slash at the end) where it lies here.

    A place is replaced only as the whole beginning of a path: with /opt/ml neither /opt/mlx nor /mnt/opt/ml changes.
    Of places that lie in each other the innermost counts.
    """
    if not places:
        return text
    inner_first = sorted(places, key=len, reverse=True)
    pattern = rf"{_STARTS}(?:{'|'.join(map(re.escape, inner_first))}){_ENDS}"
    return re.sub(pattern, lambda found: str(places[found[0]]), text)
