"""What the wheel of embedded-aws has in it, and what it asks for; test_package.py has what a stranger does with it."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path
from zipfile import ZipFile

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cli import paths
from cli.security.locks import pins

PACKAGE = paths.ROOT / "embedded_aws"
BESIDE = {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "stubs"}


def test_it_has_the_whole_package(tmp_path: Path) -> None:
    """With what is no Python: images, shims that can be run, the mark of its types; and nothing of the lab's."""
    uv = [str(paths.ROOT / ".venv" / "bin" / "uv"), "build", "--quiet", "--wheel", "--out-dir", str(tmp_path)]
    subprocess.run([*uv, str(PACKAGE)], check=True)
    with ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        packed = {Path(each.filename): each.external_attr >> 16 & 0o100 for each in wheel.infolist()}
    within = {
        path.relative_to("embedded_aws"): mode for path, mode in packed.items() if path.parts[0] == "embedded_aws"
    }
    assert {path.parts[0].partition("-")[0] for path in packed} == {"embedded_aws"}
    ours = {
        path.relative_to(PACKAGE): path.stat().st_mode & 0o100
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    }
    assert any(ours.values())
    assert within == {path: mode for path, mode in ours.items() if path.parts[0] not in BESIDE}


def test_the_lab_has_what_the_package_pins() -> None:
    """The lab's lock holds the package's very pins, so that both are tested together, and those of what builds it."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())
    asked = map(Requirement, [*project["project"]["dependencies"], *project["build-system"]["requires"]])
    held = {(canonicalize_name(pin.name), pin.version) for pin in pins(paths.ROOT / "requirements.txt")}
    assert [one for one in asked if (canonicalize_name(one.name), str(one.specifier)[2:]) not in held] == []
