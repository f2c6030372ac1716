"""What uv, pip and npm say when they were given another file than a lock names, in one sentence.

Only the standard library here: `./lab` reads this before anything is installed.
"""

from __future__ import annotations

import re

_SAID = re.compile(
    r"Hash mismatch for `(?P<uv>[^`]+)`"
    r"|MATCH THE HASHES FROM THE REQUIREMENTS FILE.*\n\s+(?P<pip>\S+) from"
    r"|code EINTEGRITY"
)


def refusal(said: str, *, lock: str) -> str:
    """Return the sentence about the package whose hash is not the lock's; empty if an installer failed otherwise."""
    if not (found := _SAID.search(said)):
        return ""
    package = found["uv"] or found["pip"] or "A package"
    return (
        f"{package} is not the file that {lock} names: what was fetched has another hash, so nothing was installed. "
        "An index, a mirror or a proxy gave another file than the lock was made of, or the lock was changed: find out "
        "which before you go on."
    )
