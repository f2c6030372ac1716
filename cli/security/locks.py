"""The locks: every file that pins versions, and what the Python ones among them pin."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from cli import paths

if TYPE_CHECKING:
    from pathlib import Path

_LOCKS = (
    "requirements.txt",
    "notebooks/requirements.txt",
    "model_code/requirements*.txt",
    "embedded_aws/images/*.txt",
    "embedded_aws/images/build.constraints",
    "cli/environments/*.txt",
    "tests/environments/*.txt",
    "package-lock.json",
)


@dataclass(frozen=True)
class Pin:
    """A package in its version, and the SHA-256 of each file that it may be installed from."""

    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return the package's name, as an index has it."""
        return self.requirement.name

    @property
    def version(self) -> str:
        """Return the only version that is allowed."""
        return str(self.requirement.specifier).removeprefix("==")

    def is_for_this_machine(self) -> bool:
        """Return whether it is installed on this machine and Python."""
        return self.requirement.marker is None or self.requirement.marker.evaluate()


def locks() -> list[Path]:
    """List every file that pins versions, relative to the repository."""
    return [path.relative_to(paths.ROOT) for pattern in _LOCKS for path in sorted(paths.ROOT.glob(pattern))]


@cache
def pins(lock: Path) -> tuple[Pin, ...]:
    """Return what a lock pins for any machine, in its order; options such as an index are left out."""
    text = re.sub(r"\\\n", " ", lock.read_text(encoding="utf-8"))
    lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in text.splitlines()]
    parts = [re.split(r"\s+--hash=sha256:", line) for line in lines if line and not line.startswith("-")]
    return tuple(Pin(Requirement(first), tuple(hashes)) for first, *hashes in parts)
