"""Paths of another machine's file system put where they lie here: without a container engine nothing mounts them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# What a path can't begin after, unless it is a file's URL, and what can't follow its last component.
_BEFORE = r"(?:(?<=file://)|(?<![\w.}~/)\]*?%+-]))"
_AFTER = r"(?![\w+@%~-]|\.\w)"


def relocate(text: str, places: Mapping[str, Path]) -> str:
    """The text with each absolute path of `places`, and whatever lies below it, in its new place.

    `/opt/ml` is replaced in `/opt/ml/model`, not in `/opt/ml2` and not in `/srv/opt/ml`.
    """
    longest_first = sorted(places, key=len, reverse=True)
    paths = "|".join(map(re.escape, longest_first))
    return re.sub(f"{_BEFORE}({paths}){_AFTER}", lambda found: str(places[found[1]]), text) if places else text
