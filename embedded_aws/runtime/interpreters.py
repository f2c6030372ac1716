"""The Python that an image runs: AWS's (`py312` in a tag is 3.12), and while none can be had, this process's own.

A Python of the version is looked for on the PATH, among pyenv's and among uv's. Where there is none uv fetches one,
which is tried once a day. What was found is noted in the folder of the images, so that a job asks nobody.

Packages of an image may be there for some Pythons only. Where neither AWS's nor this process's own is one of these,
the newest of them is taken that can be had.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_VERSION = re.compile(r"-py(\d)(\d+)(?:-|$)")
_AGAIN_SECONDS = 86_400
_FETCH_SECONDS = 90  # about 30 MB
_ASK_SECONDS = 30
# Without any of these no package is installed, or a script of everyday use fails. Not the interpreter of a virtual
# environment is wanted, which may be removed, but the one that it is made of.
_LOOK = (
    "import bz2, ctypes, json, lzma, platform, sqlite3, ssl, sys, zlib; "
    "print(json.dumps([sys._base_executable, platform.python_version(), sys.base_prefix]))"
)


class InterpreterError(Exception):
    """There is no Python that an image can be made of; the message says what to do."""


@dataclass(frozen=True)
class Interpreter:
    """A Python that is installed; `notice` says for which one it stands in, and why, if it is not the one wanted."""

    python: str
    version: str
    prefix: str
    notice: str = ""


def wanted(image: str) -> str:
    """Return the version that an image's name asks for, as in `3.12`; empty if it names none."""
    match = _VERSION.search(image)
    return f"{match[1]}.{match[2]}" if match else ""


def find(version: str, *, folder: Path, uv: Callable[[], Path], among: Sequence[str] = ()) -> Interpreter:
    """Return a Python of the version, fetched by uv if need be, or else another with a notice, our own if it can be.

    `among` are the versions that it may be, oldest first; empty: any. Raises InterpreterError if none can be had.
    """
    if found := look_up(version, folder=folder, uv=uv, among=among):
        return found
    folder.mkdir(parents=True, exist_ok=True)
    asked = _first_choice(version, among)
    note = _note(asked, folder)
    with FileLock(note.with_suffix(".lock")):
        if not look_up(version, folder=folder, uv=uv, among=among):  # another process may have been first
            problem = _fetch(asked, uv)
            found = None if problem else _discover(asked, uv)
            if found:
                _write(note, **asdict(found))
            else:
                _write(note, tried=time.time(), problem=problem or "what it fetched does not run")
    if found := look_up(version, folder=folder, uv=uv, among=among):
        return found
    raise InterpreterError(
        f"Its packages are there for Python {', '.join(among)} only, and this machine has none of them; uv could not "
        f"fetch Python {asked} ({_read(note).get('problem', '')}). Put python{asked} on the PATH."
    )


def look_up(version: str, *, folder: Path, uv: Callable[[], Path], among: Sequence[str] = ()) -> Interpreter | None:
    """Return what `find` would, as far as it is known without the internet; None if uv is to be asked for one."""
    own = _own()
    own_will_do = not among or _minor(own.version) in among
    if own_will_do and version in ("", _minor(own.version)):
        return own
    asked = _first_choice(version, among)
    if asked != version and own_will_do:
        return _instead(own, version)
    if found := _known(asked, folder, uv):
        return found if asked == version else _instead(found, version)
    noted = _read(_note(asked, folder))
    if time.time() - noted.get("tried", 0) >= _AGAIN_SECONDS:
        return None
    others = (_known(each, folder, uv) for each in reversed(among) if each != asked)
    stands_in = own if own_will_do else next(filter(None, others), None)
    return stands_in and _stand_in(stands_in, version, noted)


def _first_choice(version: str, among: Sequence[str]) -> str:
    """Return which version to look for first: the one that AWS has, or the newest that packages are there for."""
    return version if not among or version in among else among[-1]


def _known(version: str, folder: Path, uv: Callable[[], Path]) -> Interpreter | None:
    """Return a Python of the version that is on this machine."""
    if _minor((own := _own()).version) == version:
        return own
    note = _note(version, folder)
    noted = _read(note)
    if "python" in noted and Path(noted["python"]).exists():
        return Interpreter(noted["python"], noted["version"], noted["prefix"])
    if found := _discover_once(version, uv):
        folder.mkdir(parents=True, exist_ok=True)
        _write(note, **asdict(found))
    return found


def installed(versions: Iterable[str], *, folder: Path, uv: Callable[[], Path]) -> dict[str, Path]:
    """Return those of the versions that this machine has; nobody on the internet is asked."""
    asked = list(versions)
    with ThreadPoolExecutor(len(asked)) as pool:
        found = pool.map(lambda version: look_up(version, folder=folder, uv=uv), asked)
    return {
        version: Path(interpreter.python).resolve()
        for version, interpreter in zip(asked, found, strict=True)
        if interpreter and not interpreter.notice
    }


def _own() -> Interpreter:
    return Interpreter(sys.executable, platform.python_version(), sys.base_prefix)


def _stand_in(found: Interpreter, version: str, noted: dict[str, Any]) -> Interpreter:
    notice = (
        f"This image stands for Python {version}; Python {found.version} stands in, because this machine has no Python "
        f"{version} and uv could not fetch one ({noted['problem']}). Once python{version} is on the PATH it is used."
    )
    return replace(found, notice=notice)


def _instead(found: Interpreter, version: str) -> Interpreter:
    notice = f"AWS's image has Python {version}; here it is made for Python {found.version}." if version else ""
    return replace(found, notice=notice)


def _discover(version: str, uv: Callable[[], Path]) -> Interpreter | None:
    for candidate in _candidates(version, uv):
        if found := _look_at(candidate, version):
            return found
    return None


_discover_once = cache(_discover)  # asking each candidate takes up to a second, and this process may start many jobs


def _candidates(version: str, uv: Callable[[], Path]) -> Iterator[Path]:
    """Yield what may be such a Python: uv itself gives up at the first of pyenv's shims that leads nowhere."""
    name = f"python{version}"
    yield from (Path(folder, name) for folder in os.get_exec_path() if Path(folder, name).is_file())
    pyenv = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/{name}"), reverse=True)
    asked = [str(uv()), "python", "find", "--managed-python", "--no-python-downloads", "--no-project", version]
    if managed := _output(asked):
        yield Path(managed)


def _look_at(candidate: Path, version: str) -> Interpreter | None:
    """Return what a candidate is, if it runs, is whole, and is of that version."""
    answer = _output([str(candidate), "-I", "-c", _LOOK])
    if not answer.startswith("["):
        return None
    found = Interpreter(*json.loads(answer))
    return found if _minor(found.version) == version else None


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_ASK_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if done.returncode else done.stdout.strip()


def _fetch(version: str, uv: Callable[[], Path]) -> str:
    """Let uv fetch such a Python; return why it could not, empty if it did. No network costs seconds."""
    command = [str(uv()), "--no-progress", "python", "install", "--no-bin", version]
    environment = {"UV_HTTP_CONNECT_TIMEOUT": "5", "UV_HTTP_TIMEOUT": "10", "UV_HTTP_RETRIES": "0", **os.environ}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_FETCH_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"it took more than {_FETCH_SECONDS} seconds"
    if not done.returncode:
        return ""
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return said[-1].removeprefix("cause: ") if said else f"exit status {done.returncode}"


def _note(version: str, folder: Path) -> Path:
    return folder / f"python-{version}.json"


def _read(note: Path) -> dict[str, Any]:
    try:
        noted = json.loads(note.read_text())
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}


def _write(note: Path, **noted: Any) -> dict[str, Any]:
    unfinished = note.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps(noted))
    unfinished.replace(note)
    return noted


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
