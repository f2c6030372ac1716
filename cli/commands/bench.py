"""`./lab bench`: run a benchmark of bench/."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from cli import embedded, paths
from cli.programs import become
from cli.ui import screen
from cli.ui.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def bench(name: str | None, arguments: Sequence[str]) -> None:
    """Run `bench/<name>.py` with `arguments`; ends as it does. Without a name, or for help, tell of all.

    Raises LabError for one that is not there.
    """
    known = {path.stem: path for path in sorted((paths.ROOT / "bench").glob("[a-z]*.py"))}
    if name in (None, "--help", "-h"):
        for each, path in known.items():
            screen.console.print(f"[bold]./lab bench {each:<12}[/] {_about(path)}", soft_wrap=True, highlight=False)
        screen.console.print("[bold]./lab bench NAME --help[/] tells more, and its options.", soft_wrap=True)
        return
    if name not in known:
        raise LabError(f"There is no benchmark {name}. There are: {', '.join(known)}.")
    embedded.install_images()
    become(f"bench.{name}", arguments)


def _about(benchmark: Path) -> str:
    """Return the first words of its docstring."""
    docstring = ast.get_docstring(ast.parse(benchmark.read_text(encoding="utf-8"))) or ""
    return docstring.partition(":")[0]
