"""A container's absolute paths, put where they lie on a machine without sandboxes.

`launch/train.py` loads this file by its path in the image's own Python: it imports nothing of this package.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# What a path can't begin after, unless it is a file's URL, and what can't follow its last component.
_BEFORE = r"(?:(?<=file://)|(?<![\w.}~/)\]*?%+-]))"
_AFTER = r"(?![\w+@%~-]|\.\w)"


def rewrite_paths(text: str, mounts: Mapping[str, Path]) -> str:
    """Return the text with each absolute path of `mounts`, and whatever lies below it, as the path where it lies here.

    `/opt/ml` is replaced in `/opt/ml/model`, not in `/opt/ml2` and not in `/srv/opt/ml`.
    """
    longest_first = sorted(mounts, key=len, reverse=True)
    paths = "|".join(map(re.escape, longest_first))
    return re.sub(f"{_BEFORE}({paths}){_AFTER}", lambda found: str(mounts[found[1]]), text) if mounts else text
