"""`./lab sbom`: write a software bill of materials for each place that has packages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cli import paths
from cli.security.installations import places
from cli.security.sbom import NODE, of_node, of_python
from cli.ui import screen


def sbom(out: str | None) -> None:
    """Write them into a folder, `<place>.cdx.json`: of the lab, of the images that are installed, of the checkers.

    Raises LabError.
    """
    folder = Path(out or paths.HOME / "sbom").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    for place in filter(lambda place: place.is_installed, places()):
        with screen.step(place.name) as retitle:
            retitle(_write(of_python(place), folder / f"{place.name}.cdx.json"))
    with screen.step(NODE) as retitle:
        retitle(_write(of_node(), folder / f"{NODE}.cdx.json"))
    screen.console.print(f"They are in {folder}.", markup=False, soft_wrap=True)


def _write(bill: dict[str, Any], file: Path) -> str:
    file.write_text(json.dumps(bill, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return f"{file.name}: {len(bill['components'])} packages"
