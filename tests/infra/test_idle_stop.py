"""The idle stop, beside a real Jupyter server with real kernels and terminals; `aws` and `ps` are stand-ins.

`aws` writes down what it is asked for, `ps` that it is asked: once a round.
"""

from __future__ import annotations

import calendar
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import websocket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCRIPT = Path(__file__).resolve().parent.parent.parent / "infra" / "scripts" / "idle_stop.py"
TOKEN = "s3cret"  # noqa: S105 - of a server that lives for a second
IDLE = 0.5  # seconds
EVERY = 0.1
# More rounds than fit into IDLE.
ROUNDS = 10

# Fails for the service named in $FOLDER/refused.
AWS = """#!/bin/bash
printf '%s\\n' "$*" >> "$FOLDER/calls"
if [ -e "$FOLDER/refused" ] && grep -qx "$1" "$FOLDER/refused"; then echo "AccessDenied: not you" >&2; exit 254; fi
"""
PS = """#!/bin/bash
echo >> "$FOLDER/rounds"
exec {ps} "$@"
"""


def until(condition: Callable[[], Any], *, seconds: float = 30) -> Any:
    """What the condition says once it says anything true."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.05)
    return answer


class Jupyter:
    """A Jupyter server in a home folder of its own."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.environment = {"HOME": str(home), "PATH": os.environ["PATH"], "SHELL": "/bin/bash", "PS1": "$ "}
        options = [f"--port={self.port}", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={home}"]
        with (home / "jupyter.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyter", "server", "--no-browser", "--allow-root", *options],
                env=self.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        self.sockets: list[websocket.WebSocket] = []
        until(lambda: list(home.glob(".local/share/jupyter/runtime/jpserver-*.json")))
        until(self.answers)

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            return bool(self.ask("GET", "status"))
        except urllib.error.URLError:
            return False

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Call its API, as a browser does: the server takes that for activity."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/{path}",
            method=method,
            headers={"Authorization": f"token {TOKEN}"},
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - http, three lines above
            return json.loads(answer.read() or b"null")

    def connect(self, path: str) -> websocket.WebSocket:
        """Open a websocket, as a browser's tab does, until the server ends."""
        self.sockets.append(websocket.create_connection(f"ws://127.0.0.1:{self.port}/{path}?token={TOKEN}", timeout=30))
        return self.sockets[-1]

    def kernel(self, code: str) -> str:
        """Start a kernel, run code in it, and keep the tab open."""
        kernel: str = self.ask("POST", "kernels", {})["id"]
        channels = self.connect(f"api/kernels/{kernel}/channels")
        header = {"msg_id": "1", "msg_type": "execute_request", "session": "1", "username": "ada", "version": "5.3"}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": {"code": code}, "buffers": []}
        channels.send(json.dumps({**message, "channel": "shell"}))
        return kernel

    def state(self, kernel: str) -> str:
        """What a kernel does."""
        return str(self.ask("GET", f"kernels/{kernel}")["execution_state"])

    def terminal(self, typed: str) -> websocket.WebSocket:
        """Open a terminal and type a line into it."""
        name = self.ask("POST", "terminals", {})["name"]
        terminal = self.connect(f"terminals/websocket/{name}")
        terminal.send(json.dumps(["stdin", f"{typed}\r"]))
        return terminal

    def sleeping(self) -> list[psutil.Process]:
        """The jobs that tests leave behind in terminals."""
        return living(self.process.pid, "sleep", "600")

    def clear(self) -> None:
        """End all that runs in it."""
        while self.sockets:
            self.sockets.pop().close()
        jobs = living(self.process.pid)
        for kind, key in (("kernels", "id"), ("terminals", "name")):
            for one in self.ask("GET", kind):
                self.ask("DELETE", f"{kind}/{one[key]}")
        for job in jobs:
            with contextlib.suppress(psutil.NoSuchProcess):
                job.kill()


def living(pid: int, *command: str) -> list[psutil.Process]:
    """The processes below one, zombies aside; those with this command line, if there is one."""
    found = []
    for child in psutil.Process(pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE and (not command or child.cmdline() == list(command)):
                found.append(child)
    return found


class Watch:
    """A running idle stop."""

    def __init__(self, folder: Path, environment: dict[str, str], *, idle: float = IDLE) -> None:
        self.folder = folder
        self.log = folder / f"log-{time.monotonic_ns()}"
        options = {"notebook-instance": "lab-ada", "region": "eu-west-1", "folder": str(folder / "work")}
        options |= {"idle-seconds": str(idle), "every-seconds": str(EVERY)}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(SCRIPT), *(f"--{key}={value}" for key, value in options.items())],
                env={
                    **environment,
                    "FOLDER": str(folder),
                    "PATH": f"{folder / 'bin'}{os.pathsep}{environment['PATH']}",
                },
                stdout=log,
                stderr=log,
            )

    @property
    def lines(self) -> list[str]:
        """What it has said so far."""
        return self.log.read_text().splitlines()

    def line(self, part: str) -> str:
        """The first line with this in it, once there is one."""
        return str(until(lambda: next((line for line in self.lines if part in line), "")))

    def calls(self, operation: str) -> list[str]:
        """The calls of an operation so far."""
        file = self.folder / "calls"
        return [call for call in (file.read_text() if file.exists() else "").splitlines() if f" {operation} " in call]

    def rounds(self) -> int:
        """How often it has looked."""
        file = self.folder / "rounds"
        return len(file.read_text().splitlines()) if file.exists() else 0

    def goes_on(self) -> bool:
        """Whether it still watches, and has stopped nothing, after more rounds than it waits for."""
        end = self.rounds() + ROUNDS
        until(lambda: self.rounds() >= end or self.process.poll() is not None)
        return self.process.poll() is None and not self.calls("stop-notebook-instance")

    def stops(self) -> bool:
        """Whether it stops the instance and ends well."""
        code = self.process.wait(timeout=30)
        return code == 0 and bool(self.calls("stop-notebook-instance"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the stand-ins, and the student's files in `work`."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "work").mkdir()
    for name, content in (("aws", AWS), ("ps", PS.format(ps=shutil.which("ps")))):
        (tmp_path / "bin" / name).write_text(content)
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    """A server for all tests: to start one takes longer than any of them."""
    server = Jupyter(tmp_path_factory.mktemp("home"))
    yield server
    server.process.terminate()
    server.process.wait()


@pytest.fixture
def jupyter(server: Jupyter) -> Iterator[Jupyter]:
    """A server in which nothing runs."""
    yield server
    server.clear()


@pytest.fixture
def watch(folder: Path) -> Iterator[Callable[..., Watch]]:
    """Starts watches, and ends them."""
    started: list[Watch] = []

    def start(environment: dict[str, str], **options: float) -> Watch:
        started.append(Watch(folder, environment, **options))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()


def test_a_busy_kernel_is_never_stopped(jupyter: Jupyter, watch: Callable[..., Watch]) -> None:
    """However long the cell runs; and once it is over, the instance stops."""
    kernel = jupyter.kernel("import time; time.sleep(600)")
    until(lambda: jupyter.state(kernel) == "busy")
    watching = watch(jupyter.environment)
    assert f"kernel {kernel[:8]} is busy" in watching.line("in use")
    assert watching.goes_on()
    jupyter.ask("POST", f"kernels/{kernel}/interrupt")
    assert watching.stops()


@pytest.mark.parametrize(
    "typed", ["sleep 600", "sleep 600 &", "nohup sleep 600 > /dev/null &", "bash -c 'sleep 600; :'"]
)
def test_a_terminal_s_job_is_never_stopped(jupyter: Jupyter, watch: Callable[..., Watch], typed: str) -> None:
    """In front or in the background, without a word of output; and once it is over, the instance stops."""
    jupyter.terminal(typed)
    until(jupyter.sleeping)
    watching = watch(jupyter.environment)
    assert "runs sleep 600" in watching.line("in use")
    assert watching.goes_on()
    for job in jupyter.sleeping():
        job.kill()
    assert watching.stops()


def test_an_idle_instance_stops_in_front_of_an_open_tab(jupyter: Jupyter, watch: Callable[..., Watch]) -> None:
    """A kernel that has run, a shell that waits within a shell, and a browser that polls: nobody is there."""
    kernel = jupyter.kernel("1 + 1")
    jupyter.terminal("bash")
    until(lambda: jupyter.state(kernel) == "idle" and living(jupyter.process.pid, "bash"))
    closed = threading.Event()

    def poll() -> None:
        while not closed.wait(EVERY / 2):
            jupyter.ask("GET", "kernels")

    tab = threading.Thread(target=poll)
    tab.start()
    try:
        watching = watch(jupyter.environment)
        assert watching.stops()
    finally:
        closed.set()
        tab.join()
    assert watching.calls("stop-notebook-instance") == [
        "sagemaker stop-notebook-instance --notebook-instance-name lab-ada --region eu-west-1"
    ]


def test_the_reason_is_kept(jupyter: Jupyter, watch: Callable[..., Watch]) -> None:
    """In the daemon's own log and in the instance's stream of CloudWatch Logs: how long, what there is, since when."""
    kernel = jupyter.kernel("1 + 1")
    jupyter.terminal("")
    until(lambda: jupyter.state(kernel) == "idle")
    started = time.time()
    watching = watch(jupyter.environment)
    assert watching.stops()
    reason = watching.line("idle for")
    assert "kernels=1 terminals=1" in reason
    assert f"kernel {kernel[:8]} 20" in reason
    [call] = watching.calls("put-log-events")
    assert "--log-group-name /aws/sagemaker/NotebookInstances --log-stream-name lab-ada/idle-stop" in call
    [event] = json.loads(call[call.index("[") : call.rindex("]") + 1])
    assert event["message"] == f"lab-ada is stopped: {reason.partition(' ')[2]}"
    assert event["timestamp"] > 1000 * started


def test_a_kernel_that_nobody_connects_to_is_no_use(jupyter: Jupyter, watch: Callable[..., Watch]) -> None:
    """Jupyter calls it "starting" for ever."""
    kernel = jupyter.ask("POST", "kernels", {})["id"]
    watching = watch(jupyter.environment)
    assert watching.stops()
    assert f"kernel {kernel[:8]}" in watching.line("idle for")


def test_who_comes_back_is_seen(jupyter: Jupyter, folder: Path, watch: Callable[..., Watch]) -> None:
    """A browser's first request after a silence counts as use, though its polls do not."""
    (folder / "refused").write_text("sagemaker\n")
    watching = watch(jupyter.environment, idle=2)
    watching.line("not stopped")
    said = len(watching.lines)

    def seen() -> bool:
        jupyter.ask("GET", "kernels")
        pause = watching.rounds() + ROUNDS
        until(lambda: watching.rounds() >= pause)
        return any("nothing works" in line for line in watching.lines[said:])

    assert until(seen)


def test_a_changed_file_is_use(jupyter: Jupyter, folder: Path, watch: Callable[..., Watch]) -> None:
    """Who writes needs no kernel. Hidden files change by themselves, and a file from the future would hold for ever."""
    now = int(time.time())
    work = folder / "work"
    (work / "deep" / ".hidden").mkdir(parents=True)
    for name, age in (("deep/essay.md", 60), ("deep/.hidden/cache", 30), (".history", 20), ("clock.txt", -3600)):
        (work / name).touch()
        os.utime(work / name, (now - age, now - age))
    watching = watch(jupyter.environment)
    assert watching.stops()
    stamp = watching.line("idle for").partition("file ")[2][:20]
    assert calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ")) == now - 60


def test_a_refused_stop_is_tried_again(jupyter: Jupyter, folder: Path, watch: Callable[..., Watch]) -> None:
    """Until it succeeds, with AWS's own words in the log; CloudWatch Logs hears the reason once."""
    (folder / "refused").write_text("sagemaker\n")
    watching = watch(jupyter.environment)
    assert "AccessDenied: not you" in watching.line("not stopped")
    until(lambda: len(watching.calls("stop-notebook-instance")) >= 3)
    (folder / "refused").unlink()
    assert watching.stops()
    assert len(watching.calls("put-log-events")) == 1


def test_a_refused_log_does_not_keep_the_instance(jupyter: Jupyter, folder: Path, watch: Callable[..., Watch]) -> None:
    """To say why is good, to stop is what it is for."""
    (folder / "refused").write_text("logs\n")
    watching = watch(jupyter.environment)
    assert watching.stops()
    assert "AccessDenied: not you" in watching.line("not in CloudWatch Logs")


def test_a_server_that_never_answers_does_not_cost_for_ever(folder: Path, watch: Callable[..., Watch]) -> None:
    """A note of a server that is gone, and one that was never finished: the instance is idle since the watch began."""
    runtime = folder / "runtime"
    runtime.mkdir()
    (runtime / "jpserver-1.json").write_text("")
    (runtime / "jpserver-2.json").write_text('{"pid": 999999999, "url": "http://127.0.0.1:9/", "token": ""}')
    watching = watch({**os.environ, "JUPYTER_RUNTIME_DIR": str(runtime)})
    assert watching.stops()
    assert "last answer" in watching.line("idle for")


def test_a_server_that_hangs_still_has_its_terminals(
    jupyter: Jupyter, folder: Path, watch: Callable[..., Watch]
) -> None:
    """No answer is no permission to end what runs there."""
    jupyter.terminal("sleep 600")
    until(jupyter.sleeping)
    note = {"pid": jupyter.process.pid, "url": "http://127.0.0.1:9/", "token": ""}
    (folder / "jpserver-1.json").write_text(json.dumps(note))
    watching = watch({**jupyter.environment, "JUPYTER_RUNTIME_DIR": str(folder)})
    assert "runs sleep 600" in watching.line("in use")
    assert watching.goes_on()


def test_one_watch_is_enough(jupyter: Jupyter, watch: Callable[..., Watch]) -> None:
    """A second one of the same folder ends at once, and the first one goes on."""
    first = watch(jupyter.environment, idle=3600)
    until(first.rounds)
    second = watch(jupyter.environment, idle=0)
    assert second.process.wait(timeout=30) == 0
    assert "is watched already" in second.lines[-1]
    assert first.goes_on()
