"""Install what a model's code requires, when its host starts, and tell all that came with it.

Imported where there is something to install, and before the model's code is on the path: that takes a sixth of a start.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from embedded_aws.runtime.requirements import are_met, wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

log = logging.getLogger(__name__)


def install(requirements: Path) -> bool:
    """Install a requirements.txt with pip, unless all of it is there; return whether it is there now."""
    if are_met(requirements):
        log.info("packages of requirements.txt are installed already")
        return True
    log.info("installing packages from requirements.txt...")
    done = subprocess.run([sys.executable, "-m", "pip", "install", "-r", str(requirements)], check=False)
    if done.returncode:
        log.error("failed to install required packages, exiting.")
    return done.returncode == 0


def with_dependencies(added: Iterable[str], requirements: Path | None) -> set[str]:
    """Return the names of these distributions and of what a requirements.txt asks for, with their dependencies."""
    required = [*_required(requirements)] if requirements else []
    return _all_of([*required, *map(Requirement, added)])


def _required(requirements: Path) -> Iterator[Requirement]:
    """Yield what a requirements.txt asks for by name, and the files that it names with -r."""
    if not requirements.exists():
        return
    for line in wanted(requirements):
        option, _, other = line.partition(" ")
        if option in ("-r", "--requirement"):
            yield from _required(requirements.parent / other.strip())
            continue
        try:
            requirement = Requirement(line.partition(" --")[0])  # without a --hash
        except InvalidRequirement:  # a file or an address: pip has put it, and what it needs, into the layer
            continue
        if not requirement.marker or requirement.marker.evaluate():
            yield requirement


def _all_of(wanted: Iterable[Requirement]) -> set[str]:
    """Return the names of these distributions and of all that pip installs with them."""
    found: set[str] = set()
    seen: set[tuple[str, str]] = set()
    left = list(wanted)
    while left:
        requirement = left.pop()
        name = canonicalize_name(requirement.name)
        found.add(name)
        for extra in ("", *requirement.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            try:
                lines = distribution(name).requires or []
            except PackageNotFoundError:
                continue
            needed = map(Requirement, lines)
            left += [each for each in needed if not each.marker or each.marker.evaluate({"extra": extra})]
    return found
