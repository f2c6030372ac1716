"""Run a command for as long as its owner lives: `supervise.py CONTROL LISTEN COMMAND…`.

CONTROL is the read end of a pipe whose write end only the owner holds: a byte `t` terminates the command's process
group, any other byte kills it, and so does the end of the pipe, which comes when the owner dies, however it dies.
LISTEN is a socket the command inherits, or -1. Ends when no process of the group is left, with the command's exit
status (128 + the signal's number after a signal).
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def main() -> int:
    """Start the command and stay until it and all that it started have ended."""
    control, listen, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    if sys.platform == "linux":
        # Orphans of the group become our children: only then can their end be seen everywhere.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    inherited = (listen,) if listen >= 0 else ()
    try:
        child = subprocess.Popen(command, start_new_session=True, pass_fds=inherited)
    except OSError as error:
        print(f"exec {command[0]}: {error.strerror}", flush=True)
        return 127
    for descriptor in inherited:
        os.close(descriptor)
    told = threading.Event()
    threading.Thread(target=_obey, args=(control, child.pid, told), daemon=True).start()
    status = child.wait()
    if not told.is_set():
        _signal(child.pid, signal.SIGKILL)
    _wait_for_group(child.pid)
    return status if status >= 0 else 128 - status


def _obey(control: int, group: int, told: threading.Event) -> None:
    while order := os.read(control, 1):
        told.set()
        _signal(group, signal.SIGTERM if order == b"t" else signal.SIGKILL)
    told.set()
    _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _wait_for_group(group: int) -> None:
    while True:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-group, os.WNOHANG)
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):  # macOS refuses to signal what has ended
            return
        time.sleep(0.02)


if __name__ == "__main__":
    # Not sys.exit: the thread that waits for orders would hold up the interpreter's end.
    ended_with = main()
    sys.stdout.flush()
    os._exit(ended_with)
