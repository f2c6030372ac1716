"""Run a command for as long as its owner lives: `supervise.py CONTROL LISTEN MEMORY COMMAND…`.

CONTROL is the read end of a pipe whose write end only the owner holds: a byte `t` terminates the command and all that
it started, any other byte kills them, and so does the end of the pipe, which comes when the owner dies, however it
dies. LISTEN is a socket the command inherits, or -1. MEMORY is how many bytes all of it may have, or 0: what has more
is killed, and this ends by the signal SIGUSR1. Else it ends when nothing is left of it, with the command's exit status
(128 + the signal's number after a signal).

Should this process itself be killed, a guardian that it forked at its start kills the command's process group.

A sandbox is not told to terminate, its programs are: bubblewrap passes no signal on, and all in it would end with it
(containers/bubblewrap#402). Only where nothing runs in it yet does it end itself.

Each job, host and notebook begins with this: it does without subprocess and pathlib, which take a third of its start.

What it started is found by parentage: a Jupyter kernel and a terminal have sessions of their own. On Linux an orphan
becomes a child of this process, so nothing gets away. Elsewhere an orphan that also left the process group does.
"""

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
ROUND_SECONDS = 0.02
MANY = 4096  # file descriptors: more than the gateway hands on
GROUP_BYTES, DONE = 8, b"."
BYTES_A_SECOND = 4e9  # by which memory grows at most, whatever a program does: a page has to be cleared first
SHORTEST, LONGEST = 0.1, 2.0  # seconds from one look at the memory to the next
IGNORED = (signal.SIGPIPE, signal.SIGXFSZ)  # by Python itself, and by no program that it starts
PAGE = os.sysconf("SC_PAGE_SIZE")
SANDBOX, JOIN = "bwrap", "join_network.py"


def main() -> int:
    """Start the command and stay until it and all that it started have ended."""
    control, listen, memory = map(int, sys.argv[1:4])
    command = sys.argv[4:]
    guardian = _fork_guardian()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    os.set_inheritable(control, False)
    try:
        child = os.posix_spawnp(command[0], command, os.environ, setsid=True, setsigdef=IGNORED)
    except OSError as error:
        print(f"exec {command[0]}: {error.strerror}", flush=True)
        return 127
    os.write(guardian, child.to_bytes(GROUP_BYTES, "big"))
    if listen >= 0:
        os.close(listen)
    ordered = threading.Event()
    begun = command[command.index("--") + 1 :] if JOIN in map(os.path.basename, command) else command
    sandbox = os.path.basename(begun[0]) == SANDBOX
    threading.Thread(target=_obey, args=(control, child, ordered, sandbox), daemon=True).start()
    exceeded = threading.Event()
    if memory and sys.platform == "linux":
        threading.Thread(target=_limit, args=(memory, child, exceeded), daemon=True).start()
    status = _wait_for(child)
    # A sandbox that ended while it was being made may have left its second process behind.
    if sandbox or not ordered.is_set():
        _start_killing(child)
    _wait_for_all(child)
    os.write(guardian, DONE)
    if exceeded.is_set():
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGUSR1)
    return status if status >= 0 else 128 - status


def _fork_guardian() -> int:
    """Fork the guardian; return the end of a pipe to it, for the group to guard and the word that all is done."""
    read_end, write_end = os.pipe()
    between = os.fork()
    if between == 0:
        # Of no kin, so that it is not waited for; it holds nothing open that others wait to see closed.
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, read_end)
            os.closerange(read_end + 1, MANY)
            said = b""
            while piece := os.read(read_end, 16):
                said += piece
            if len(said) == GROUP_BYTES:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(int.from_bytes(said, "big"), signal.SIGKILL)
        os._exit(0)
    os.waitpid(between, 0)
    os.close(read_end)
    return write_end


def _obey(control: int, group: int, ordered: threading.Event, sandbox: bool) -> None:  # noqa: FBT001 - a thread's
    """Carry out the orders that come on the pipe; its end is the order to kill."""
    while order := os.read(control, 1):
        ordered.set()
        if order == b"t":
            _terminate(group, sandbox=sandbox)
        else:
            _start_killing(group)
    ordered.set()
    _start_killing(group)


def _start_killing(group: int) -> None:
    """Kill on a thread of its own, again and again: a process may be born while its parents are counted."""

    def kill() -> None:
        while True:
            _signal(group, signal.SIGKILL)
            time.sleep(ROUND_SECONDS)

    threading.Thread(target=kill, daemon=True).start()


def _limit(memory: int, group: int, exceeded: threading.Event) -> None:
    """Kill all of it once it has more memory than that."""
    while True:
        family = list(_family(os.getpid()))
        files = _held_by_files(family)
        # What several share counts for each of them, which is quick to see, and too much.
        held = files + sum(_resident(pid) for pid in family)
        if held > memory and (held := _held(family, files)) > memory:
            exceeded.set()
            _start_killing(group)
            return
        time.sleep(min(max((memory - held) / BYTES_A_SECOND, SHORTEST), LONGEST))


def _family(pid: int) -> Iterator[int]:
    """Yield the process's descendants, as the kernel lists each thread's children: proc(5), children.

    A look at all processes of the machine takes a hundred times as long, which many containers would feel. That a
    child may be missed while another ends does no harm here: the next look finds it.
    """
    if not os.path.exists(f"/proc/{os.getpid()}/task/{os.getpid()}/children"):  # the kernel was built without
        yield from _descendants(pid, _parents())
        return
    with contextlib.suppress(OSError):  # it has ended meanwhile
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError):
                for child in map(int, _read(f"/proc/{pid}/task/{thread}/children").split()):
                    yield child
                    yield from _family(child)


def _resident(pid: int) -> int:
    try:
        return int(_read(f"/proc/{pid}/statm").split()[1]) * PAGE
    except (OSError, IndexError):  # it has ended meanwhile
        return 0


def _held(family: list[int], files: int) -> int:
    """Return the bytes of a family whose files in memory have so many; those that it has mapped count once."""
    parts = [_proportional(pid) for pid in family]
    return sum(whole for whole, _ in parts) + max(files - sum(shared for _, shared in parts), 0)


def _proportional(pid: int) -> tuple[int, int]:
    """Return a process's bytes, of what it shares its part, and how many of them are in files in memory."""
    try:
        lines = _read(f"/proc/{pid}/smaps_rollup").splitlines()
    except OSError:
        return _resident(pid), 0
    parts = {words[0]: int(words[1]) * 1024 for line in lines if len(words := line.split()) == 3}  # noqa: PLR2004 - "Pss: 4 kB"
    whole = parts.get("Pss:", 0)
    return whole, parts.get("Pss_Shmem:", whole)  # before Linux 5.9 it may be all


def _held_by_files(family: list[int]) -> int:
    """Return the bytes of a sandbox's own files that lie in memory, as those in its `/dev/shm` do."""
    machines = {device for device, _ in _file_systems_in_memory(os.getpid())}
    namespaces: dict[int, int] = {}
    for pid in family:
        with contextlib.suppress(OSError):
            namespaces[os.stat(f"/proc/{pid}/ns/mnt").st_ino] = pid
    held: dict[str, int] = {}
    for pid in namespaces.values():
        for device, path in _file_systems_in_memory(pid):
            if device not in machines:
                with contextlib.suppress(OSError):
                    held[device] = _used(f"/proc/{pid}/root{path}", device)
    return sum(held.values())


def _used(path: str, device: str) -> int:
    """Return how many bytes of the file system are used that was seen at a path.

    While a sandbox is being made another may lie there a moment later, the machine's whole disk among them.
    """
    place = os.open(path, os.O_PATH)
    try:
        if os.fstat(place).st_dev != os.makedev(*map(int, device.split(":"))):
            return 0
        found = os.fstatvfs(place)
        return (found.f_blocks - found.f_bfree) * found.f_frsize
    finally:
        os.close(place)


def _file_systems_in_memory(pid: int) -> Iterator[tuple[str, str]]:
    """Yield device and path of each tmpfs that a process sees: proc(5), mountinfo."""
    with contextlib.suppress(OSError):
        for line in _read(f"/proc/{pid}/mountinfo").splitlines():
            words = line.split()
            if words[words.index("-") + 1] == "tmpfs":
                yield words[2], words[4]


def _terminate(group: int, *, sandbox: bool) -> None:
    """Send SIGTERM to the command and all that it started; of a sandbox to all but bubblewrap's own two processes.

    The second of these leads the group in which the sandbox's programs begin, and as the first process of its namespace
    it hears no signal that it does not handle.
    """
    if sandbox:
        parents = _parents()
        for first in [pid for pid, parent in parents.items() if parent == group]:
            if first in parents.values():
                _signal(first, signal.SIGTERM, below=first)
                return
    _signal(group, signal.SIGTERM)


def _signal(group: int, number: int, *, below: int | None = None) -> None:
    """Send a signal to the group and to every descendant, of `below` or this process, that left it.

    To the group at once: told one by one, who is being born meanwhile would not hear of it.
    """
    # Listed before any of them dies and its children lose their parent.
    family = list(_descendants(below or os.getpid(), _parents()))
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
    for pid in family:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(pid) != group:
                os.kill(pid, number)


def _descendants(ancestor: int, parents: dict[int, int]) -> Iterator[int]:
    for pid in [pid for pid, parent in parents.items() if parent == ancestor]:
        yield pid
        yield from _descendants(pid, parents)


def _parents() -> dict[int, int]:
    """Return the parent of every process."""
    return dict(_read_proc() if sys.platform == "linux" else _ask_ps())


def _read_proc() -> Iterable[tuple[int, int]]:
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # "pid (name) state parent …": the name may hold anything, a parenthesis too.
            parent = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()[1]
            yield int(pid), int(parent)


def _read(path: str) -> str:
    with open(path, errors="replace") as file:
        return file.read()


def _ask_ps() -> Iterable[tuple[int, int]]:
    import subprocess  # noqa: PLC0415 - Linux needs none of it

    listed = subprocess.run(["/bin/ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=False).stdout
    for line in listed.splitlines():
        pid, parent = line.split()
        yield int(pid), int(parent)


def _wait_for(pid: int) -> int:
    """Return the process's exit status, -n after signal n; orphans that end before it are reaped on the way."""
    while True:
        ended, status = os.wait()
        if ended == pid:
            return os.waitstatus_to_exitcode(status)


def _wait_for_all(group: int) -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    while True:
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):  # macOS refuses to signal what has ended
            return
        time.sleep(ROUND_SECONDS)


if __name__ == "__main__":
    # Not sys.exit: the threads that wait for orders or kill would hold up the interpreter's end.
    ended_with = main()
    sys.stdout.flush()
    os._exit(ended_with)
