"""How ministack is patched: wrapt wraps its functions, and a patch has the very signature of what it patches.

    patches = Patches()

    @patches.wraps(athena._delete_workgroup)
    def _delete_workgroup(original: Operation, data: Request) -> Response: ...

    def apply() -> None:
        patches.apply()

mypy holds a patch to its target's signature in `embedded_aws/stubs/`, the tests hold the stubs to the ministack that is
installed, and `verify` does so once more, by the functions themselves, when the embedded AWS starts.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from importlib.metadata import version
from types import ModuleType
from typing import Any, Concatenate, ParamSpec, TypeVar

import wrapt

_P = ParamSpec("_P")
_R = TypeVar("_R")
_Function = TypeVar("_Function", bound=Callable[..., Any])
_Around = Callable[Concatenate[Callable[_P, _R], _P], _R]
_REST = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class PatchError(RuntimeError):
    """Why this ministack can't be patched: it is another one than the patches were written for."""


@dataclass(frozen=True)
class Applied:
    """A patch that was applied: `patch` is the module it stands in, `target` what it patches.

    `holder` is the module or table in which the target stands under `key`, `made` what was put there. `difference` is
    a sentence about a signature that is not the one relied on, "" if it is.
    """

    patch: str
    target: str
    holder: ModuleType | MutableMapping[str, Any]
    key: str
    made: object
    difference: str

    def times(self) -> int:
        """Count how often the patch takes part when its target is called: once is right."""
        standing = getattr(self.holder, self.key) if isinstance(self.holder, ModuleType) else self.holder[self.key]
        found = 0
        while standing is not None:
            found += standing is self.made
            standing = _wrapped(standing)
        return found


APPLIED: list[Applied] = []


def verify() -> None:
    """Raise PatchError if anything that was patched has another signature than the patches rely on."""
    if found := [f"{one.patch}: {one.difference}" for one in APPLIED if one.difference]:
        raise PatchError(
            f"ministack {version('ministack')} is not the one that embedded_aws/patches/ was written for: "
            f"{'; '.join(found)}. Install the version that is pinned, or bring these patches and their stubs up to it."
        )


class Patches:
    """The patches of one subject, which count from `apply` on; to be applied once."""

    def __init__(self) -> None:
        self._pending: list[Callable[[], None]] = []

    def wraps(self, target: Callable[_P, _R], *modules: ModuleType) -> Callable[[_Around[_P, _R]], _Around[_P, _R]]:
        """Let calls of ministack's function be answered by the decorated one, which is given the original first.

        `modules` are those that have imported the function, if it is not to be patched where it is defined.
        """

        def decorate(function: _Around[_P, _R]) -> _Around[_P, _R]:
            found = inspect.signature(function)
            self._add(target, modules, function, found.replace(parameters=[*found.parameters.values()][1:]))
            return function

        return decorate

    def replaces(self, target: Callable[_P, _R], *modules: ModuleType) -> Callable[[_Function], _Function]:
        """Let calls of ministack's function be answered by the decorated one alone."""

        def decorate(function: _Function) -> _Function:
            def without_original(_original: Callable[_P, _R], *args: Any, **kwargs: Any) -> Any:
                return function(*args, **kwargs)

            without_original.__module__ = function.__module__
            self._add(target, modules, without_original, inspect.signature(function))
            return function

        return decorate

    def apply(self) -> None:
        """Apply them."""
        for patch in self._pending:
            patch()

    def _add(
        self,
        target: Callable[..., Any],
        modules: tuple[ModuleType, ...],
        function: Callable[..., Any],
        expected: inspect.Signature,
    ) -> None:
        name = target.__name__
        for module in modules or (sys.modules[target.__module__],):
            self._pending.append(lambda module=module: _wrap(module, name, function, expected))  # type: ignore[misc]  # bound now


def wrap_item(table: MutableMapping[str, Any], key: str, called: str, function: Callable[..., Any]) -> None:
    """Wrap what stands in a table of functions, which is called so; `function` is given the original first."""
    found = inspect.signature(table[key])
    wanted = [each for each in inspect.signature(function).parameters.values() if each.kind in _POSITIONAL][1:]
    try:
        found.bind(*wanted)
        difference = ""
    except TypeError:
        difference = f"{called}[{key!r}]{found} does not take {len(wanted)} arguments"
    made = table[key] = wrapt.FunctionWrapper(table[key], _adapted(function))
    APPLIED.append(Applied(function.__module__, f"{called}[{key!r}]", table, key, made, difference))


def assign(patch: str, module: ModuleType, name: str, value: object) -> None:
    """Put a value of ours in the place of a constant or a table of ministack's; `patch` is the module that asks."""
    difference = "" if hasattr(module, name) else f"{module.__name__}.{name} is not there"
    setattr(module, name, value)
    APPLIED.append(Applied(patch, f"{module.__name__}.{name}", module, name, value, difference))


def difference(target: str, expected: inspect.Signature, found: inspect.Signature) -> str:
    """Say in a sentence that a function has not the signature that a patch relies on; "" if it has.

    A patch that takes `*more` or `**how` relies on what stands before them, and passes the rest on.
    """
    wanted, there = _shape(expected), _shape(found)
    if wanted == there or (_passes_rest_on(expected) and wanted == there[: len(wanted)]):
        return ""
    names = [each.replace(annotation=inspect.Parameter.empty) for each in expected.parameters.values()]
    theirs = [each.replace(annotation=inspect.Parameter.empty) for each in found.parameters.values()]
    return f"{target}{inspect.Signature(theirs)} was expected to be {inspect.Signature(names)}"


def _shape(signature: inspect.Signature) -> list[tuple[str, Any, bool]]:
    """Return name and kind of each parameter that is named, and whether it must be given."""
    named = [each for each in signature.parameters.values() if each.kind not in _REST]
    return [(each.name, each.kind, each.default is each.empty) for each in named]


def _passes_rest_on(signature: inspect.Signature) -> bool:
    return any(each.kind in _REST for each in signature.parameters.values())


def _wrap(module: ModuleType, name: str, function: Callable[..., Any], expected: inspect.Signature) -> None:
    target = f"{module.__name__}.{name}"
    differs = difference(target, expected, inspect.signature(getattr(module, name)))
    made = wrapt.wrap_function_wrapper(module, name, _adapted(function))
    APPLIED.append(Applied(function.__module__, target, module, name, made, differs))


def _adapted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function as wrapt calls it."""

    def called(wrapped: Any, _instance: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return function(wrapped, *args, **kwargs)

    return called


def _wrapped(standing: object) -> Any:
    return standing.__wrapped__ if isinstance(standing, wrapt.FunctionWrapper) else None
