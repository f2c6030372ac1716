"""Run a job's Python script, so that the next job of a warm pool finds what it imports imported already.

    script.py IMPORTS SCRIPT ARGUMENTS…   runs it as `python SCRIPT ARGUMENTS…` would, and notes its imports in IMPORTS
    script.py IMPORTS                     imports what is noted, waits for orders, then runs what they say

Importing TensorFlow and Keras takes half of a short job. What a module is may depend on the environment at its import
(KERAS_BACKEND), so it is noted too, and what was imported ahead stays hidden until the script imports one of its
modules in the same environment. In another one the script begins anew in a fresh Python: what it printed or wrote
before its first import of the image's packages, it does again. So it does, before it has begun, if anything was
installed over the image or lies beside the script under the name of what was imported.

Orders are one line of JSON on stdin: {"environment": {…}, "folder": "…", "command": [SCRIPT, ARGUMENT, …]}.
"""

import atexit
import contextlib
import importlib
import importlib.util
import json
import os
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

# Who a job is, and where it lies: no package of an image becomes another by these.
PERSONAL = ("HOME", "TMPDIR", "PATH", "PYTHONPATH", "PWD", "OLDPWD", "CURRENT_HOST", "DMLC_INTERFACE")
BASE, ML = "SAGEMAKER_BASE_DIR", "/opt/ml"
PERSONAL_PREFIXES = ("AWS_", "SAGEMAKER_", "SM_", "TRAINING_JOB_")
LAYERS_OWN = ("_image.pth", "_job_hosts.pth", "_job_hosts.py", "__pycache__")
_FILE = str(Path(__file__).absolute())
Environment = dict[str, str]


def environment() -> Environment:
    """Return what of the environment a package may read at its import, /opt/ml in the place of the container's own."""
    return {
        name: value.replace(os.environ.get(BASE, ML), ML)
        for name, value in os.environ.items()
        if name not in PERSONAL and not name.startswith(PERSONAL_PREFIXES)
    }


class ImportRecorder(MetaPathFinder):
    """Notes, in order, which modules are looked for in which environment; finds none."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.groups: list[tuple[Environment, list[str]]] = []
        atexit.register(self.write)

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        """Note a module that is about to be imported."""
        del path, target
        self.note([fullname])

    def note(self, names: list[str]) -> None:
        """Note modules of the environment as it is."""
        now = environment()
        if not self.groups or self.groups[-1][0] != now:
            self.groups.append((now, []))
        self.groups[-1][1].extend(names)

    def write(self) -> None:
        """Write down those of the image; they are the ones that take long, and that the next job has too."""
        kept = [(group, [name for name in names if is_of_image(sys.modules.get(name))]) for group, names in self.groups]
        with contextlib.suppress(OSError):  # the script has had its say
            self.file.touch(mode=0o600)
            self.file.write_text(json.dumps([[group, names] for group, names in kept if names]))


class PreloadedModules(MetaPathFinder, Loader):
    """Modules that were imported ahead, hidden until they are imported in the environment that they were made in."""

    def __init__(self, file: Path) -> None:
        """Import what is noted in the file; `sound` says whether all of that went well."""
        self.sound = False
        self.command: list[str] = []
        self.folder = ""
        self.environment: Environment = {}
        self.recorder: ImportRecorder | None = None
        self._groups: list[tuple[Environment, dict[str, ModuleType], Environment]] = []
        outside = dict(os.environ)
        with contextlib.suppress(Exception):
            for wanted, names in json.loads(file.read_text()):
                # What a package imports in an environment that it changed itself comes with it.
                if missing := [name for name in names if name not in sys.modules]:
                    self._groups.append(self._import(wanted, missing))
            self.sound = True
        os.environ.clear()
        os.environ.update(outside)
        for _, modules, _ in self._groups:
            for name in modules:
                del sys.modules[name]

    @staticmethod
    def _import(wanted: Environment, names: list[str]) -> tuple[Environment, dict[str, ModuleType], Environment]:
        for name in environment().keys() - wanted.keys():
            del os.environ[name]
        os.environ.update({name: value.replace(ML, os.environ.get(BASE, ML)) for name, value in wanted.items()})
        before = set(sys.modules)
        for name in names:
            importlib.import_module(name)
        added = {name: module for name, module in sys.modules.items() if name not in before and is_of_image(module)}
        changed = {name: os.environ[name] for name, value in environment().items() if wanted.get(name) != value}
        return wanted, added, changed

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Let everything that was imported up to this module be seen, if it would be the same now."""
        del path, target
        last = next((number for number, (_, modules, _) in enumerate(self._groups) if fullname in modules), None)
        if last is None:
            return None
        for wanted, modules, changed in self._groups[: last + 1]:
            if environment() != wanted:
                self.begin_anew()
            if self.recorder:
                self.recorder.note(list(modules))
            sys.modules.update(modules)
            os.environ.update(changed)
        del self._groups[: last + 1]
        # Were it seen already, Python would take its own spec and make it anew.
        self._found = sys.modules.pop(fullname)
        self._spec = self._found.__spec__
        return ModuleSpec(fullname, self, is_package=hasattr(self._found, "__path__"))

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module that was found."""
        del spec
        return self._found

    def exec_module(self, module: ModuleType) -> None:
        """Leave it as it was made."""
        module.__spec__ = self._spec

    def hides(self, folder: Path) -> bool:
        """Return whether a file or folder there would be imported in the place of what is here already."""
        here = sys.modules.keys() | {name for _, modules, _ in self._groups for name in modules}
        return any(entry.name.partition(".")[0] in here for entry in folder.iterdir())

    def begin_anew(self) -> None:
        """Run the script in a fresh Python, in the place of this one."""
        assert self.recorder  # noqa: S101 - there is one before there is a script
        arguments = [sys.executable, _FILE, str(self.recorder.file), *self.command]
        os.chdir(self.folder)
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(sys.executable, arguments, self.environment)


def is_of_image(module: ModuleType | None) -> bool:
    """Return whether a module comes from the image, not from Python, the script's folder or the layer."""
    spec = getattr(module, "__spec__", None)
    origin = getattr(spec, "origin", None) or next(iter(getattr(spec, "submodule_search_locations", None) or ()), "")
    return any(origin.startswith(f"{folder}{os.sep}") for folder in image_packages())


def image_packages() -> list[str]:
    """Return the folders of the image's packages: those of Python's path that are not the layer's."""
    return [path for path in sys.path if path.endswith("site-packages") and not path.startswith(sys.prefix)]


def has_installed() -> bool:
    """Return whether anything is installed in the layer over the image."""
    layer = [Path(path) for path in sys.path if path.endswith("site-packages") and path.startswith(sys.prefix)]
    return any(entry.name not in LAYERS_OWN for folder in layer for entry in folder.iterdir())


def read_orders() -> Iterator[bytes]:
    """Yield what comes on stdin until the end of its first line."""
    while piece := os.read(0, 65_536):
        yield piece
        if piece.endswith(b"\n"):
            return


def wait(file: Path) -> tuple[list[str], ImportRecorder]:
    """Import ahead, then wait for orders and return what to run; never return if none come."""
    preloaded = PreloadedModules(file)
    orders = b"".join(read_orders())
    if not orders:
        sys.exit()
    wanted: dict[str, Any] = json.loads(orders)
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    preloaded.command, preloaded.folder = wanted["command"], wanted["folder"]
    preloaded.environment = wanted["environment"]
    preloaded.recorder = ImportRecorder(file)
    os.chdir(preloaded.folder)
    os.environ.clear()
    os.environ.update(preloaded.environment)
    sys.path[:0] = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    importlib.invalidate_caches()
    if not preloaded.sound or has_installed() or preloaded.hides(Path(preloaded.command[0]).resolve().parent):
        preloaded.begin_anew()
    sys.meta_path.insert(0, preloaded)
    return preloaded.command, preloaded.recorder


def run(command: list[str], recorder: ImportRecorder) -> NoReturn:
    """Run a script as Python does."""
    script = Path(command[0])
    sys.argv[:] = command
    sys.path.insert(0, str(script.resolve().parent))
    sys.meta_path.insert(0, recorder)
    main = ModuleType("__main__")
    main.__dict__.update(__file__=str(script.absolute()), __builtins__=__builtins__)
    sys.modules["__main__"] = main
    try:
        source = script.read_bytes()
    except OSError as error:
        sys.exit(f"{sys.executable}: can't open file '{script.absolute()}': [Errno {error.errno}] {error.strerror}")
    try:
        exec(compile(source, script.absolute(), "exec", dont_inherit=True), main.__dict__)  # noqa: S102 - the job's own script
    except SystemExit as error:
        end(error.code)
    except Exception as error:  # noqa: BLE001 - told as Python tells it, without this file's frames
        trace = error.__traceback__
        traceback.print_exception(error.with_traceback(trace and trace.tb_next))
        end(1)
    end(0)


def end(code: Any) -> NoReturn:
    """End as Python does, but leave it to the system to take TensorFlow's memory back: that takes Python a second."""
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - waits for the script's threads
    atexit._run_exitfuncs()  # noqa: SLF001 - Python has no other word for it
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit((code or 0) & 0xFF)


if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # this file's folder
    notes, *given = sys.argv[1:]
    run(given, ImportRecorder(Path(notes))) if given else run(*wait(Path(notes)))
