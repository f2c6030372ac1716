"""Least privilege, measured: `./lab bench statements` takes labs through their lives while policies are enforced.

It runs the tests of whole labs (up, jobs, predict, all ways of serving, seats, notebooks, lease, down), takes a lab up
and down that learns from photos, and one whose spot instances are taken away, on embedded AWSs that record which
statement of which role's policy decided each request. A statement is needed if a request was answered as it was because
of it alone: without it that request would have been refused, or allowed. What is left is superfluous, or stands in
bench/support/excepted.py with the reason why it stays. Exit code 1 if anything else is left. It takes ten to twenty
minutes; `--recorded FOLDER` reports again what an earlier run, with `--keep FOLDER`, has recorded.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from bench.support import tables
from bench.support.excepted import reason
from bench.support.photos import ensure
from cli import paths
from cli.programs import tool_environment

if TYPE_CHECKING:
    from collections.abc import Iterable

_PHOTOS = 200
_EPOCHS, _SOME_EPOCHS = 150, 10  # enough to be seen while they go on, and to go on for some seconds after
_TESTS = ("tests/test_lab.py", "tests/seats", "tests/test_lease.py", "tests/test_ways.py", "tests/notebooks")
# A role's name as CloudFormation makes it of a lab's stack: lab, stack, the stack's seat, logical id, two hashes.
_ROLE = re.compile(
    r"(?P<lab>[a-z0-9-]+?)-(?P<stack>storage|training|endpoint|operations|seat)-"
    r"(?:(?P<seat>[a-z0-9-]+)-)?(?P<logical>[A-Z]\w*?)(?:[0-9A-F]{8})?-?[0-9A-F]{8,}"
)
_GENERATED = re.compile(r"[0-9A-F]{8}-[0-9A-F]{8,}|[0-9a-f]{8}(?:-[0-9a-f]{4,}){1,4}|[0-9A-F]{12,}|[0-9a-f]{12,}")


@dataclass(frozen=True)
class Statement:
    """A statement of a role's policy, alike in every lab: names of labs and seats are LAB and SEAT, hashes are #."""

    role: str
    actions: tuple[str, ...]
    text: str


def take_labs_through_their_lives(folder: Path, tests: Iterable[str]) -> int:
    """Run the tests while policies are enforced; return pytest's exit code."""
    return _run("pytest", "-n0", "-q", "-o", "tmp_path_retention_policy=all", f"--basetemp={folder}", *tests)


def learn_from_photos(folder: Path) -> int:
    """Take a lab up that learns from photos, again with fewer of them, and down; return the last exit code."""
    photos = ensure(_PHOTOS, cache=folder)
    settings = ["-c", "lab.name=shots", "-c", "lab.seats=0", "-c", "lab.epochs=1", "-c", f"lab.photos={photos}"]
    failed = _run("cli", "up", *settings, home=folder)
    for photo in sorted(photos.rglob("*.*"))[::10]:
        photo.unlink()
    return failed or _run("cli", "up", *settings, home=folder) or _run("cli", "down", *settings, home=folder)


def be_interrupted(folder: Path) -> int:
    """Take a lab up whose training loses its instances after the first epochs, and down; return the last code."""
    name = ["-c", "lab.name=spots"]
    settings = [*name, "-c", "lab.seats=0", "-c", "lab.spot=true", "-c", f"lab.epochs={_EPOCHS}"]
    interrupted = False
    with _start("cli", "up", *settings, home=folder, stdout=subprocess.PIPE, text=True) as up:
        for line in up.stdout or ():
            sys.stdout.write(line)
            if f"epoch={_SOME_EPOCHS}/" in line:
                interrupted = not _run("cli", "interrupt", *name, home=folder)
    return up.returncode or not interrupted or _run("cli", "down", *name, home=folder)


def _run(module: str, *arguments: str, home: Path = paths.HOME) -> int:
    with _start(module, *arguments, home=home) as process:
        return process.wait()


def _start(module: str, *arguments: str, home: Path, **streams: Any) -> subprocess.Popen[Any]:
    environment = {**tool_environment(), "BRICKLAB_ENFORCE_IAM": "1", "BRICKLAB_HOME": str(home)}
    return subprocess.Popen([sys.executable, "-m", module, *arguments], cwd=paths.ROOT, env=environment, **streams)


def recorded(folder: Path) -> Counter[Statement]:
    """Count the requests that needed each statement of the labs' roles, in all embedded AWSs below a folder."""
    found: Counter[Statement] = Counter()
    for file in sorted(folder.rglob("statements.json")):
        for each in json.loads(file.read_text()):
            named = _ROLE.fullmatch(each["role"])
            if named:
                found[_alike(named, each["statement"])] += each["alone"]
    return found


def main() -> None:
    """Run, or read what was recorded; print what nothing needed; exit code 1 if that is not excepted."""
    parser = argparse.ArgumentParser(prog="./lab bench statements", description=__doc__)
    parser.add_argument("tests", nargs="*", default=_TESTS, help="tests of labs, as pytest names them")
    parser.add_argument("--recorded", type=Path, metavar="FOLDER", help="only report what lies there")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="a new folder for what is recorded")
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.recorded or options.keep or Path(temporary) / "labs"
        if options.keep and options.keep.exists():
            sys.exit(f"{options.keep} is there already: what lies in it would be deleted. Name a new folder.")
        if not options.recorded and _live(folder.resolve(), options.tests):
            sys.exit("A lab's life failed: what follows from it would say nothing about policies.")
        needed = recorded(folder)
    unused = sorted((one for one, times in needed.items() if not times), key=lambda one: (one.role, one.text))
    if options.json:
        print(json.dumps([_document(one) for one in unused], indent=2))
    else:
        _show(unused, of=len(needed))
    sys.exit(any(reason(one.role, one.actions) is None for one in unused))


def _live(folder: Path, tests: Iterable[str]) -> int:
    folder.mkdir(parents=True)
    return (
        take_labs_through_their_lives(folder / "tests", tests)
        or learn_from_photos(folder / "photos")
        or be_interrupted(folder / "spot")
    )


def _alike(named: re.Match[str], statement: dict[str, Any]) -> Statement:
    resources = {_without_names(each, named) for each in statement["Resource"]}
    conditions = _without_names(json.dumps(statement.get("Condition", {}), sort_keys=True), named)
    shown = " ".join((statement["Effect"], *statement["Action"], "on", *sorted(resources), conditions))
    return Statement(f"{named['stack']} {named['logical']}", tuple(statement["Action"]), shown)


def _without_names(text: str, named: re.Match[str]) -> str:
    text = _GENERATED.sub("#", text)
    if named["seat"]:
        underscored = named["seat"].replace("-", "_")
        text = re.sub(rf"\b(?:{named['seat']}|{underscored})\b", "SEAT", text.replace(f"__{underscored}", "__SEAT"))
    return re.sub(rf"(?<![a-z0-9]){named['lab']}(?![a-z0-9])", "LAB", text)


def _document(one: Statement) -> dict[str, str | None]:
    return {"role": one.role, "statement": one.text, "reason": reason(one.role, one.actions)}


def _show(unused: list[Statement], *, of: int) -> None:
    lines = [["role", "statement that no request needed", "excepted because"]]
    lines += [[each.role, escape(each.text), reason(each.role, each.actions) or "it is superfluous"] for each in unused]
    tables.show(lines)
    print(f"{of - len(unused)} of {of} statements are needed: take one away, and a request is answered otherwise.")


if __name__ == "__main__":
    main()
