"""Every patch is in force once, around a function that has the very signature the patch relies on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from embedded_aws.patches import patching

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
PATCHES = sorted(
    f"embedded_aws.patches.{path.stem}"
    for path in (ROOT / "embedded_aws" / "patches").glob("*.py")
    if "@patches." in path.read_text() or "@enforced." in path.read_text() or "wrap_item(" in path.read_text()
)
APPLYING = """
import asyncio, json, os
from pathlib import Path
from embedded_aws.database import Database
from embedded_aws.patches import patching
from embedded_aws.patches.apply import Additions, apply
from embedded_aws.patches.event_loop import EventLoop
from embedded_aws.patches.persistence import Persistence
from embedded_aws.patches.s3_storage import Storage
from embedded_aws.services.sagemaker.clock import Clock

async def main():
    none = {}
    members = ("services", "resource_providers", "tagged", "interceptors", "paths", "hosts", "tasks")
    tables = dict.fromkeys(members, none)
    python = lambda _: None
    nothing = Additions(**tables, sign=str, scale=print, python=python, sdk=Path(os.environ["STATE_DIR"]))
    state = Path(os.environ["STATE_DIR"])
    database = Database(state)
    apply(
        nothing,
        clock=Clock(pace=1.0),
        loop=EventLoop(),
        enforce=True,
        persistence=Persistence(database),
        objects=Storage(database, state / "objects"),
    )
    print(json.dumps([(one.patch, one.target, one.times(), one.difference) for one in patching.APPLIED]))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, int, str]]:
    """Return patch, target, how often it is in force, and a difference of signature, of all that are applied."""
    home = tmp_path_factory.mktemp("ministack")
    places = {name: str(home) for name in ("TMPDIR", "S3_DATA_DIR", "STATE_DIR")}
    environment = {**os.environ, **places, "AUTH": "true", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", APPLYING], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [(*each,) for each in json.loads(done.stdout.splitlines()[-1])]


@pytest.mark.parametrize("patch", [name for name in PATCHES if not name.endswith(".patching")])
def test_patches_are_in_force_once(applied: list[tuple[str, str, int, str]], patch: str) -> None:
    """Each of a module's patches takes part once when its target is called, and stands there once."""
    targets = [target for one, target, _, _ in applied if one == patch]
    assert targets
    assert sorted(set(targets)) == sorted(targets)
    assert [(target, times) for one, target, times, _ in applied if one == patch and times != 1] == []


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Return what makes a module of a ministack from its source; what is applied to it is forgotten afterwards."""
    monkeypatch.setattr(patching, "APPLIED", [])

    def made(source: str) -> Any:
        module = types.ModuleType("fake")
        exec(source, vars(module))  # noqa: S102 - the test's own
        monkeypatch.setitem(sys.modules, "fake", module)
        return module

    return made


def test_a_patch_is_given_the_original(fake: Callable[[str], Any]) -> None:
    """It answers in its place, with the same parameters, from the moment it is applied."""
    module = fake("def double(number, *, plus=0): return 2 * number + plus")
    patches = patching.Patches()

    @patches.wraps(module.double)
    def _double(original: Callable[..., int], number: int, *, plus: int = 0) -> int:
        return -original(number, plus=plus)

    assert module.double(2, plus=1) == 5
    patches.apply()
    assert module.double(2, plus=1) == -5
    patching.verify()
    [one] = patching.APPLIED
    assert one.times() == 1


@pytest.mark.parametrize("source", ["def double(count, *, plus=0): ...", "def double(number, plus=0): ..."])
def test_another_signature_is_told_before_anything_is_served(fake: Callable[[str], Any], source: str) -> None:
    """The sentence names the patch, its target, and both signatures."""
    module = fake(source)
    patches = patching.Patches()

    @patches.replaces(module.double)
    def _double(number: int, *, plus: int = 0) -> int:
        return number + plus

    patches.apply()
    with pytest.raises(patching.PatchError, match=r"test_patching: fake\.double\(.*\) was expected to be \(number, \*"):
        patching.verify()


def test_a_function_of_a_table_has_as_many_parameters_as_before(fake: Callable[[str], Any]) -> None:
    """In a table the names don't matter; the number does."""
    module = fake("TABLE = {'Delete': lambda name: None}")

    def deleted(original: Callable[..., None], name: str, properties: object) -> None:
        original(name, properties)

    patching.wrap_item(module.TABLE, "Delete", "fake.TABLE", deleted)
    with pytest.raises(patching.PatchError, match=r"fake\.TABLE\['Delete'\]\(name\) does not take 2 arguments"):
        patching.verify()


def test_what_was_patched_away_is_found(fake: Callable[[str], Any]) -> None:
    """Who overwrites a patch, or applies it twice, is told from who wraps it once more."""
    module = fake("def double(number): return 2 * number")
    first, second = patching.Patches(), patching.Patches()
    for patches in (first, second):

        @patches.wraps(module.double)
        def _double(original: Callable[[int], int], number: int) -> int:
            return original(number)

        patches.apply()
    assert [one.times() for one in patching.APPLIED] == [1, 1]
    module.double = lambda number: number
    assert [one.times() for one in patching.APPLIED] == [0, 0]
