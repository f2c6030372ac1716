"""What Lambda's Python runtimes are here: a Python of that version, and the SDK that AWS's runtime brings along.

Only a Python that is on this machine already is taken, no other version in its place: a function without compiled code
runs on ours as well, and one with it is told by the import that fails.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from embedded_aws.runtime import interpreters

if TYPE_CHECKING:
    from collections.abc import Callable

# boto3 and what it imports; all of it is Python for any version.
_SDK = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")


def finder(cache_dir: Path, uv: Callable[[], Path]) -> Callable[[str], Path | None]:
    """Return what finds the Python of a version; it finds none for ours, with which functions run anyway."""

    def find(version: str) -> Path | None:
        found = interpreters.look_up(version, folder=cache_dir / "images", uv=uv)
        ours = found is None or found.notice or found == interpreters.look_up("", folder=cache_dir / "images", uv=uv)
        return None if ours or found is None else Path(found.python)

    return find


def link_sdk(folder: Path) -> Path:
    """Fill the folder with links to the modules of the SDK as they are installed here; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _SDK:
        spec = importlib.util.find_spec(name)
        assert spec  # noqa: S101 - boto3, on which this package depends, brings all of them
        assert spec.origin  # noqa: S101
        module = Path(spec.origin)
        target = module.parent if spec.submodule_search_locations else module
        link = folder / target.name
        if not link.is_symlink() or link.resolve() != target.resolve():
            link.unlink(missing_ok=True)
            link.symlink_to(target)
    return folder
