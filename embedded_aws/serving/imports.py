"""Let a model's own code import what AWS's image has, and what the model brings along or requires; nothing else.

In AWS's container TensorFlow Serving is a program: its Python knows no TensorFlow. Here both share one installation.
Only the files in code/ are held to this: what other packages import, pip installs with them there as well. A module
that is asked for by importlib.import_module is not looked at.

What the image has: docker/tensorflow/inference/2.20/cpu/uv.lock of aws/deep-learning-containers, and the Dockerfile
beside it, which installs tensorflow-serving-api with --no-deps and warns of importing tensorflow_serving.apis.
"""

from __future__ import annotations

import ast
import builtins
import os
import re
import sys
import sysconfig
from functools import cache
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from embedded_aws.serving import layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from importlib.machinery import ModuleSpec

_DISTRIBUTIONS = """
aiohappyeyeballs aiohttp aiosignal attrs awscli boto3 botocore certifi charset-normalizer cloudpickle colorama cython
docutils falcon frozenlist gevent greenlet grpcio gunicorn idna jmespath joblib multidict narwhals numpy packaging
pandas pip propcache protobuf pyasn1 python-dateutil pyyaml requests rsa s3transfer scikit-learn scipy six
tensorflow-serving-api threadpoolctl typing-extensions urllib3 yarl zope-event zope-interface
"""
_AWS_IMAGE = frozenset(_DISTRIBUTIONS.split())
_STUBS, _FRAMEWORK = "tensorflow_serving", "tensorflow"


class OwnCode:
    """The files of a model's code/ folder, and what they may import."""

    def __init__(self, code: Path) -> None:
        self._code = code
        self._builtins = {**vars(builtins), "__import__": self._import}
        self._allowed: dict[str, bool] = {}
        sys.path_hooks.insert(0, self._finder)
        for path in [path for path in sys.path_importer_cache if self._has(path)]:
            del sys.path_importer_cache[path]

    def loader(self, name: str, path: str) -> SourceFileLoader:
        """Return what loads a file of it."""
        return _Loader(name, path, self._builtins)

    def _has(self, path: str) -> bool:
        return path == str(self._code) or path.startswith(f"{self._code}{os.sep}")

    def _finder(self, path: str) -> FileFinder:
        if not self._has(path) or not Path(path).is_dir():
            raise ImportError(path)
        return FileFinder(
            path,
            (ExtensionFileLoader, EXTENSION_SUFFIXES),
            (self.loader, SOURCE_SUFFIXES),  # type: ignore[arg-type]
            (SourcelessFileLoader, BYTECODE_SUFFIXES),
        )

    def _import(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002 - as __import__ has it
        locals: Mapping[str, object] | None = None,  # noqa: A002 - the same
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        if level == 0:
            top = name.partition(".")[0]
            if not self._may_import(top):
                raise ModuleNotFoundError(f"No module named {top!r}", name=top)
            if top == _STUBS and not self._may_import(_FRAMEWORK):
                names = (name, *(f"{name}.{each}" for each in fromlist or ()))
                if any(_needs_framework(each) for each in names):
                    raise ModuleNotFoundError(f"No module named {_FRAMEWORK!r}", name=_FRAMEWORK)
        return builtins.__import__(name, globals, locals, fromlist or (), level)

    def _may_import(self, top: str) -> bool:
        if top not in self._allowed:
            self._allowed[top] = self._brings(top) or top not in _installed_for_ourselves(self._code)
        return self._allowed[top]

    def _brings(self, top: str) -> bool:
        return any(
            next(folder.glob(f"{top}.*"), None) or (folder / top).is_dir()
            for folder in (self._code, self._code / layout.LIBRARY)
        )


def forget_judge(error: BaseException | None) -> None:
    """Take the lines of import statements being judged out of an error's traceback, and out of those behind it."""
    while error:
        line = error.__traceback__
        while line:
            while line.tb_next and line.tb_next.tb_frame.f_code is _JUDGE:
                line.tb_next = line.tb_next.tb_next
            line = line.tb_next
        error = error.__cause__ or error.__context__


class _Loader(SourceFileLoader):
    """Has a module's import statements judged. That adds no line to a traceback of the module."""

    def __init__(self, name: str, path: str, names: dict[str, Any]) -> None:
        super().__init__(name, path)
        self._names = names

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module with the built-in names that its code is to have."""
        module = ModuleType(spec.name)
        module.__dict__["__builtins__"] = self._names
        return module


_JUDGE = OwnCode._import.__code__  # noqa: SLF001 - this module's


@cache
def _installed_for_ourselves(code: Path) -> frozenset[str]:
    """Return the top-level modules of distributions that neither AWS's image nor the model's requirements bring."""
    requirements = code / layout.REQUIREMENTS
    required = requirements.exists() and not (code / layout.LIBRARY).exists()
    added = [name for name, _ in _distributions([sysconfig.get_path("purelib")])]
    there = _AWS_IMAGE
    if required or added:
        from embedded_aws.serving import installing  # noqa: PLC0415 - a sixth of a start, and few models need it

        there |= installing.with_dependencies(added, requirements if required else None)
    ours = [info for name, info in _distributions(sys.path) if name not in there]
    return frozenset(chain.from_iterable(map(_top_level, ours)))


def _distributions(folders: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """Yield each distribution's name and its .dist-info. importlib.metadata reads all of them: a fifth of a second."""
    for folder in folders:
        for info in Path(folder).glob("*.dist-info"):
            yield re.sub(r"[-_.]+", "-", info.name.partition("-")[0]).lower(), info  # PEP 503


def _top_level(info: Path) -> set[str]:
    """Return the names of a distribution's top-level modules."""
    listed, record = info / "top_level.txt", info / "RECORD"
    if listed.exists():
        return {*listed.read_text().split()}
    files = [line.partition(",")[0] for line in record.read_text().splitlines()] if record.exists() else []
    code = [file for file in files if file.endswith((".py", ".so", ".pyd")) and not file.startswith("..")]
    return {file.partition("/")[0].partition(".")[0] for file in code}


@cache
def _needs_framework(name: str) -> bool:
    """Return whether a module of tensorflow-serving-api imports TensorFlow, itself or by one that it imports."""
    try:
        spec = find_spec(name)
    except ModuleNotFoundError:
        return False
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return False
    tree = ast.parse(Path(spec.origin).read_bytes())
    imported: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imported += [f"{node.module}.{alias.name}" for alias in node.names]
    tops = {each.partition(".")[0] for each in imported}
    return _FRAMEWORK in tops or any(_needs_framework(each) for each in imported if each.startswith(f"{_STUBS}."))
