"""`./lab test`: run every test as CI does, or those of some files, folders and node ids."""

from __future__ import annotations

import ast
import json
import os
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from cli import embedded, paths
from cli.programs import become
from cli.ui import screen
from cli.ui.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Sequence

_TESTS = paths.ROOT / "tests"
_LAST_FAILED = paths.ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
_SLOWEST = 25  # that a whole run names at its end
_NEAR = 3


def test(arguments: Sequence[str], *, expression: str | None, last_failed: bool) -> None:
    """Run pytest, and end as it does; `arguments` are paths, node ids, and options of pytest's own.

    `expression` is pytest's `-k`. Raises LabError for a path or a test that there is not.
    """
    options = pytest_options(arguments, expression=expression, last_failed=last_failed)
    if options is None:
        screen.console.print("Nothing failed the last time: `./lab test` runs every test.", soft_wrap=True)
        return
    embedded.install_images()
    # Else each worker rewrites all tests' assertions anew, and each of hundreds of processes compiles the lab.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    become("pytest", options)


def pytest_options(arguments: Sequence[str], *, expression: str | None, last_failed: bool) -> list[str] | None:
    """Return pytest's own arguments, or None if there is nothing to run. Raises LabError as `test` does."""
    selected = [_selected(text) if _is_path(arguments, at) else text for at, text in enumerate(arguments)]
    chosen = {text.partition("::")[0] for at, text in enumerate(selected) if _is_path(arguments, at)}
    options = [*selected, *(["-k", expression] if expression else [])]
    if last_failed:
        failed = _failed()
        if not failed:
            return None
        options.append("--last-failed")
        chosen = chosen or failed
    if not options:
        return [f"--durations={_SLOWEST}"]
    one_file = len(chosen) == 1 and all((paths.ROOT / name).is_file() for name in chosen)
    # Workers take seconds to start, and a file's tests go to one of them.
    return [*options, "--numprocesses=0"] if one_file and not _has_workers(arguments) else options


def _is_path(arguments: Sequence[str], at: int) -> bool:
    """Tell a path from an option, and from an option's value: what follows an option, and is no file."""
    text = arguments[at]
    after_option = at > 0 and arguments[at - 1].startswith("-") and "=" not in arguments[at - 1]
    return not text.startswith("-") and not (after_option and not _file(text.partition("::")[0]))


def _has_workers(arguments: Sequence[str]) -> bool:
    return any(text.startswith(("-n", "--numprocesses")) for text in arguments)


def _selected(text: str) -> str:
    """Return a path or node id as pytest takes it in the repository's root."""
    name, separator, test_name = text.partition("::")
    path = _file(name)
    if path is None:
        raise LabError(f"There is no {name}. {_hint(name)}")
    if not path.is_relative_to(_TESTS):
        raise LabError(
            f"{name} has no tests in it: they are in tests/, which mirrors the tree. {_hint(f'test_{path.name}')}"
        )
    if test_name and path.is_file():
        _check_test(path, test_name)
    return f"{path.relative_to(paths.ROOT)}{separator}{test_name}"


def _file(name: str) -> Path | None:
    """Return what is meant by a path: seen from where the command is run, or from the repository's root."""
    places = (Path(name).resolve(), (paths.ROOT / name).resolve())
    return next((path for path in places if path.exists()), None)


def _check_test(path: Path, name: str) -> None:
    """Raise LabError if the file has no test of that name, which may end with parameters in brackets."""
    wanted = name.split("::", maxsplit=1)[0].partition("[")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    if wanted not in known:
        near = get_close_matches(wanted, [each for each in known if each.startswith("test_")], n=_NEAR)
        hint = f"Did you mean {' or '.join(near)}?" if near else "`-k WORDS` selects by parts of names."
        raise LabError(f"There is no test {wanted} in {path.relative_to(paths.ROOT)}. {hint}")


def _hint(name: str) -> str:
    """Return which file or folder may be meant."""
    known = [path.relative_to(paths.ROOT).as_posix() for path in _TESTS.rglob("*") if _may_be_named(path)]
    same = [each for each in known if Path(each).name == Path(name).name]
    near = same[:_NEAR] or get_close_matches(name, known, n=_NEAR)
    return f"Did you mean {' or '.join(near)}?" if near else "Name a file or folder of tests/, or a test: FILE::TEST."


def _may_be_named(path: Path) -> bool:
    return path.match("test_*.py") or (path.is_dir() and path.name != "__pycache__")


def _failed() -> set[str]:
    """Return the files with tests that failed the last time."""
    try:
        return {node_id.partition("::")[0] for node_id in json.loads(_LAST_FAILED.read_text())}
    except (OSError, ValueError):
        return set()
