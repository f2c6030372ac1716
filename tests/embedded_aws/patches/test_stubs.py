"""Everything of ministack's that a patch touches stands in embedded_aws/stubs/, and ministack has it just so.

A newer ministack that has renamed something, or given it another signature, fails here by its name, with the patches
that rely on it.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import re
import types
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict

from embedded_aws.patches.patching import difference

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3] / "embedded_aws"
STUBS = ROOT / "stubs"
TYPES: Mapping[str, type] = {
    "AbstractContextManager": contextlib.AbstractContextManager,
    "AccountRegionScopedDict": AccountRegionScopedDict,
    "AccountScopedDict": AccountScopedDict,
    "ContextVar": ContextVar,
    "Mapping": Mapping,
    "ModuleType": types.ModuleType,
    "dict": dict,
    "float": float,
    "object": object,
    "str": str,
    "tuple": tuple,
}


def declarations() -> Iterator[tuple[str, ast.stmt]]:
    """Yield each statement of each stub that declares something, with its module's name."""
    for path in sorted(STUBS.glob("ministack/**/*.pyi")):
        module = ".".join(path.relative_to(STUBS).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.parse(path.read_text()).body:
            if name_of(node):
                yield module, node


def name_of(node: ast.stmt) -> str:
    """Return what a statement declares; "" for imports, aliases of types and their variables."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return node.name
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation) if ast.unparse(annotation) != "TypeAlias":
            return name
        case ast.ImportFrom(names=[ast.alias(name=name, asname=again)]) if name == again:
            return name
    return ""


def differs(module: types.ModuleType, node: ast.stmt) -> str:
    """Say in a sentence in what a module differs from a statement of its stub; "" if it is so."""
    name = name_of(node)
    target = f"{module.__name__}.{name}"
    if not hasattr(module, name):
        return f"{target} is not there"
    found = getattr(module, name)
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            if inspect.iscoroutinefunction(found) != isinstance(node, ast.AsyncFunctionDef):
                return f"{target} is a coroutine function, or no longer one"
            return difference(target, signature(node), inspect.signature(found))
        case ast.ClassDef():
            return next(filter(None, (member_differs(target, found, each) for each in members(node))), "")
        case ast.AnnAssign():
            wanted = ast.unparse(node.annotation).partition("[")[0]
            return "" if isinstance(found, TYPES[wanted]) else f"{target} is a {type(found).__name__}, not a {wanted}"
    return ""


def members(node: ast.ClassDef) -> Iterator[ast.FunctionDef]:
    """Yield the methods of a class, and of a dataclass what makes one."""
    fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
    if fields and any(ast.unparse(each) == "dataclass" for each in node.decorator_list):
        given = ", ".join(f"{ast.unparse(each.target)}{' = None' if each.value else ''}" for each in fields)
        [init] = ast.parse(f"def __init__(self, {given}): ...").body
        assert isinstance(init, ast.FunctionDef)
        yield init
    yield from (each for each in node.body if isinstance(each, ast.FunctionDef))


def member_differs(target: str, found: type, node: ast.FunctionDef) -> str:
    """Say the same of a method."""
    method = getattr(found, node.name, None)
    if method is None:
        return f"{target}.{node.name} is not there"
    return difference(f"{target}.{node.name}", signature(node), inspect.signature(method))


def signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> inspect.Signature:
    """Return the signature of a function of a stub, without types."""
    arguments = node.args
    for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
        if each:
            each.annotation = None
    arguments.defaults = [ast.Constant(None) for _ in arguments.defaults]
    arguments.kw_defaults = [each and ast.Constant(None) for each in arguments.kw_defaults]
    namespace: dict[str, types.FunctionType] = {}
    exec(f"def declared({ast.unparse(arguments)}): ...", namespace)  # noqa: S102 - our own stub
    return inspect.signature(namespace["declared"])


def users(name: str, *, suffix: str = "py") -> list[str]:
    """Return the patches, or with another suffix the stubs, that name something."""
    folder = ROOT / "patches" if suffix == "py" else STUBS
    return [path.name for path in sorted(folder.rglob(f"*.{suffix}")) if re.search(rf"\b{name}\b", path.read_text())]


@pytest.mark.parametrize(
    ("module", "node"), [pytest.param(*each, id=f"{each[0]}.{name_of(each[1])}") for each in declarations()]
)
def test_ministack_has_what_patches_rely_on(module: str, node: ast.stmt) -> None:
    """Each name is there, of the type that the stub says; each function has its parameters."""
    found = differs(importlib.import_module(module), node)
    assert not found, f"{found}, and is relied on by {', '.join(users(name_of(node)))}"


@pytest.mark.parametrize("name", sorted({name_of(node) for _, node in declarations()}))
def test_stubs_hold_only_what_is_touched(name: str) -> None:
    """What no patch names is not declared, unless another declaration needs it."""
    assert users(name) or len(users(name, suffix="pyi")) > 1 or name == "ParsedStatement"


@pytest.mark.parametrize(
    ("stub", "source", "sentence"),
    [
        (
            "async def save(query_id: str) -> None: ...",
            "async def save(execution, query_id): ...",
            "fake.save(execution, query_id) was expected to be (query_id)",
        ),
        (
            "def save(query_id: str) -> None: ...",
            "def save(query_id, *, way): ...",
            "fake.save(query_id, *, way) was expected to be (query_id)",
        ),
        ("def save() -> None: ...", "async def save(): ...", "fake.save is a coroutine function, or no longer one"),
        ("def save() -> None: ...", "saved = None", "fake.save is not there"),
        ("_kept: dict[str, str]", "_kept = []", "fake._kept is a list, not a dict"),
        (
            "class Broken(Exception):\n    def __init__(self, error: str) -> None: ...",
            "class Broken(Exception):\n    def __init__(self, code): ...",
            "fake.Broken.__init__(self, code) was expected to be (self, error)",
        ),
    ],
)
def test_a_ministack_that_changed_is_told_by_name(stub: str, source: str, sentence: str) -> None:
    """The sentence says what there is and what was expected."""
    module = types.ModuleType("fake")
    exec(source, vars(module))  # noqa: S102 - the test's own
    assert differs(module, ast.parse(stub).body[0]) == sentence
