"""The locks: which there are, and that nothing is installed from them whose content they do not name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cli import paths
from cli.security.locks import locks, pins

if TYPE_CHECKING:
    from pathlib import Path

# A container's own pip installs these beside what its image has: they name what a job adds, and not what that needs.
ADDED = "model_code"


def test_every_lock_is_known() -> None:
    """The lab's own, the containers', the notebook's, the model code's, the checkers', a test's and Node's."""
    names = {lock.as_posix() for lock in locks()}
    assert {"requirements.txt", "notebooks/requirements.txt", "model_code/requirements.txt"} < names
    assert {"tests/environments/sagemaker-2.txt", "embedded_aws/images/build.constraints"} < names
    assert {"package-lock.json", "cli/environments/checkov.txt", "embedded_aws/images/notebook-al2023-v1.txt"} < names


@pytest.mark.parametrize(
    "lock", [lock for lock in locks() if lock.suffix != ".json" and lock.parts[0] != ADDED], ids=str
)
def test_every_pin_has_hashes(lock: Path) -> None:
    """Each is one version exactly, with the SHA-256 of each file of it."""
    held = pins(paths.ROOT / lock)
    assert held
    assert [pin.name for pin in held if not pin.hashes or {len(each) for each in pin.hashes} != {64}] == []
    assert [pin.name for pin in held if not str(pin.requirement.specifier).startswith("==")] == []


def test_every_node_package_has_a_hash() -> None:
    """Which `npm ci` holds it to."""
    packages = json.loads((paths.ROOT / "package-lock.json").read_text())["packages"]
    assert [name for name, one in packages.items() if name and not one["integrity"].startswith("sha512-")] == []


def test_a_pin_is_read_as_uv_writes_it(tmp_path: Path) -> None:
    """With marker, hashes and comments, and without options of pip's."""
    lock = tmp_path / "lock.txt"
    lock.write_text(
        "# made by uv\n--extra-index-url https://packages\nbrick==1.0 ; sys_platform == 'none' \\\n"
        "    --hash=sha256:aa \\\n    --hash=sha256:bb\n    # via\n    #   wall\nstud==2 # alone\n"
    )
    brick, stud = pins(lock)
    assert (brick.name, brick.version, brick.hashes, brick.is_for_this_machine()) == (
        "brick",
        "1.0",
        ("aa", "bb"),
        False,
    )
    assert (stud.name, stud.version, stud.hashes, stud.is_for_this_machine()) == ("stud", "2", (), True)
