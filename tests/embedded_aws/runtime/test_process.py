"""Child processes end with their owner, whole and always."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from embedded_aws.runtime.process import Process
from tests.embedded_aws.account import until

FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def start(code: str) -> Process:
    """A Python process of that code."""
    return Process([sys.executable, "-c", code], environment={"MARK": "1"}, folder=Path.cwd())


def test_reads_lines_and_status() -> None:
    """Lines come as they were printed, on both streams, the last one without its end too; then the exit status."""
    process = start(
        "import sys; print('one'); print('two', file=sys.stderr, flush=True); print('end', end=''); exit(3)"
    )
    assert sorted(process.lines()) == ["end", "one", "two"]
    assert process.wait() == 3


def test_gives_its_environment_only() -> None:
    """A child has the environment it was given, nothing of the gateway's."""
    process = start("import os; print(sorted(set(os.environ) - {'LC_CTYPE', '__CF_USER_TEXT_ENCODING'}), flush=True)")
    assert list(process.lines()) == ["['MARK']"]
    assert process.wait() == 0


def test_says_that_a_command_is_not_there(tmp_path: Path) -> None:
    """A command that does not exist ends with 127 and a line that names it."""
    process = Process(["/no/such/program"], environment={}, folder=tmp_path)
    assert list(process.lines()) == ["exec /no/such/program: No such file or directory"]
    assert process.wait() == 127


def test_kills_the_whole_family() -> None:
    """Killing a process kills what it started; the status says that a signal did it."""
    process = start(FAMILY)
    lines = process.lines()
    grandchild = int(next(lines))
    process.kill()
    assert list(lines) == []
    assert process.wait() == 128 + signal.SIGKILL
    assert not psutil.pid_exists(grandchild)


def test_kills_what_left_the_family() -> None:
    """A grandchild in a session of its own dies too, as does one whose parent has gone before it."""
    sleep = "subprocess.Popen(['sleep', '60'], start_new_session=True).pid"
    process = start(
        f"import subprocess, sys, time; print({sleep}, flush=True); "
        f"subprocess.run([sys.executable, '-c', \"import subprocess; print({sleep}, flush=True)\"]); time.sleep(60)"
    )
    lines = process.lines()
    strays = [int(next(lines)) for _ in range(2)]
    assert all(psutil.pid_exists(stray) for stray in strays)
    process.kill()
    process.wait()
    assert not any(psutil.pid_exists(stray) for stray in strays)


def test_leaves_nothing_behind_when_it_ends() -> None:
    """A command that ends by itself takes with it what it left in the background, in whatever session."""
    process = start(
        "import subprocess; print(subprocess.Popen(['sleep', '60'], start_new_session=True).pid, flush=True)"
    )
    stray = int(next(process.lines()))
    assert process.wait(30) == 0
    assert not psutil.pid_exists(stray)


def test_terminates_gently_first() -> None:
    """Terminating sends SIGTERM and waits for those who handle it, even after the first process has gone."""
    child = (
        "import signal, sys, time; end = lambda *_: (time.sleep(0.3), print('saved'), sys.exit()); "
        "signal.signal(signal.SIGTERM, end); print('ready', flush=True); time.sleep(60)"
    )
    process = start(f"import subprocess, sys; subprocess.run([sys.executable, '-u', '-c', {child!r}])")
    lines = process.lines()
    assert next(lines) == "ready"
    process.terminate(grace=30)
    assert list(lines) == ["saved"]
    assert process.wait() == 128 + signal.SIGTERM


def test_kills_after_the_grace() -> None:
    """What ignores SIGTERM is killed when the grace is over."""
    process = start(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
    )
    lines = process.lines()
    next(lines)
    process.terminate(grace=0.2)
    assert list(lines) == []
    assert process.wait(10) == 128 + signal.SIGKILL


def test_wait_gives_up() -> None:
    """Waiting for a limited time raises TimeoutError while the process runs."""
    process = start("import time; time.sleep(60)")
    with pytest.raises(TimeoutError):
        process.wait(0.1)
    process.kill()
    assert list(process.lines()) == []
    process.wait()


def test_dies_with_a_killed_owner() -> None:
    """An owner that is killed with SIGKILL leaves no process behind, grandchildren included."""
    code = f"""
import sys
from pathlib import Path
from embedded_aws.runtime.process import Process
process = Process([sys.executable, "-c", {FAMILY!r}], environment={{}}, folder=Path.cwd())
print(next(process.lines()), flush=True)
process.wait()
"""
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert owner.stdout
    with owner:
        grandchild = int(owner.stdout.readline())
        family = psutil.Process(owner.pid).children(recursive=True)
        assert grandchild in [process.pid for process in family]
        time.sleep(0.1)
        os.kill(owner.pid, signal.SIGKILL)
        until(lambda: not any(process.is_running() for process in family), 10)


def test_a_killed_supervisor_leaves_no_orphans() -> None:
    """When the process between the gateway and the command is killed, nothing of the command goes on."""
    process = start(FAMILY)
    lines = process.lines()
    grandchild = psutil.Process(int(next(lines)))
    family = [grandchild, grandchild.parent()]
    process._supervisor.kill()
    assert list(lines) == []
    assert process.wait() == -signal.SIGKILL
    _, left = psutil.wait_procs([each for each in family if each], timeout=10)
    assert not left


def test_guardians_end_with_their_command() -> None:
    """A command that ends by itself leaves no guardian behind."""
    process = start("print('done', flush=True)")
    list(process.lines())
    process.wait()

    def left() -> list[int]:
        found = []
        for each in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if each.environ().get("MARK") == "1" and "supervise.py" in str(each.cmdline()):
                    found.append(each.pid)
        return found

    until(lambda: not left())


GROW = "held = []\nwhile True: held.append(b'x' * 10_000_000)"
SHARE = """
import os, time
held = b"x" * 150_000_000
for _ in range(4):
    if os.fork() == 0:
        time.sleep(1.5)
        os._exit(0)
time.sleep(1.5)
print("done")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux tells what a process shares.")
@pytest.mark.parametrize(("code", "status", "exceeded"), [(GROW, 137, True), (SHARE, 0, False)])
def test_has_no_more_memory_than_it_may(code: str, status: int, exceeded: bool) -> None:  # noqa: FBT001 - a parameter
    """What has more is killed, however fast it grew; what several processes share counts once."""
    command = [sys.executable, "-c", code]
    process = Process(command, environment={}, folder=Path.cwd(), memory=300_000_000)
    assert list(process.lines()) == ([] if exceeded else ["done"])
    assert (process.wait(), process.out_of_memory) == (status, exceeded)
