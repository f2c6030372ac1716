"""Stops a notebook instance that nobody has used for a while: a daemon that the lifecycle script starts on it.

It runs with the instance's own python3 (3.9 on Amazon Linux 2023) and its `aws` command, and needs nothing else.
An instance is in use while a kernel is busy or a program runs in one of Jupyter's terminals, in front or behind. Else
it was last used when a kernel or a terminal was last active, a file last changed, or a browser last came back. An open
tab alone is no use: JupyterLab polls its server for as long as the tab can be seen, and would keep it for ever.
What has left its terminal (setsid, a detached tmux) is not seen, but the files that it writes are.

Not compared with AWS: where the server keeps its runtime file, and that without one it answers at 127.0.0.1:8443
with no token, as aws-samples' auto-stop-idle has it.
"""

from __future__ import annotations

import argparse
import fcntl
import http.client
import json
import os
import re
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

_ANSWER_SECONDS = 10
_AWS_SECONDS = 60
_VISIT_ROUNDS = 5  # rounds without any request, after which the next one is somebody who came back
_SERVER = re.compile(r"\bjupyter[-_ ](lab|notebook|server)\b")
_SHELL = re.compile(r"-?(\S*/)?(ba|da|fi|k|tc|z)?sh( -\w+)*")  # with options at most: a script's name makes it a job
_NO_ANSWER = (OSError, ValueError, LookupError, TypeError, http.client.HTTPException, subprocess.SubprocessError)
# Nobody vouches for the certificate of a server on this very machine, and no proxy leads to it.
_UNVERIFIED = ssl._create_unverified_context()  # noqa: S323, SLF001
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=_UNVERIFIED))


class Process(NamedTuple):
    """A line of ps."""

    pid: int
    parent: int
    state: str
    terminal: str
    command: str

    @property
    def works(self) -> bool:
        """Return whether it is more than a shell that waits for its user, and neither stopped nor dead."""
        waits = self.state[0] != "R" and _SHELL.fullmatch(self.command)
        return not waits and self.state[0] not in "TZ"


class Use(NamedTuple):
    """What the instance was used for, and until when, in seconds since the epoch."""

    what: str
    until: float


class Server(NamedTuple):
    """A Jupyter server of this machine."""

    pid: int
    url: str
    token: str

    def ask(self, path: str) -> Any:
        """Return what the server says.

        It takes no_track_activity for no use of it (jupyter_server/base/handlers.py).
        """
        headers = {"Authorization": f"token {self.token}"} if self.token else {}
        url = f"{self.url.rstrip('/')}/api/{path}?no_track_activity=1"
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - http or https, the server itself says
        with _OPENER.open(request, timeout=_ANSWER_SECONDS) as answer:
            return json.load(answer)

    def terminals(self) -> Any:
        """Return its terminals: none if it was told to have none."""
        try:
            return self.ask("terminals")
        except urllib.error.HTTPError as error:
            if error.code == http.client.NOT_FOUND:
                return []
            raise


def find_processes() -> dict[int, Process]:
    """Return every process of the machine."""
    fields = [argument for field in ("pid", "ppid", "stat", "tty", "args") for argument in ("-o", f"{field}=")]
    listing = subprocess.run(["ps", "-A", "-ww", *fields], stdout=subprocess.PIPE, check=True, timeout=_ANSWER_SECONDS)
    rows = [line.split(None, 4) for line in listing.stdout.decode(errors="replace").splitlines()]
    found = [Process(int(row[0]), int(row[1]), row[2], row[3], " ".join(row[4:])) for row in rows]
    return {process.pid: process for process in found}


def find_server(processes: dict[int, Process]) -> Server:
    """Return the server that started last, by the note that it leaves; else by its command line. Raises LookupError."""
    folder = Path(os.environ.get("JUPYTER_RUNTIME_DIR") or Path.home() / ".local" / "share" / "jupyter" / "runtime")
    for note in sorted(folder.glob("jpserver-*.json"), key=lambda path: path.stat().st_mtime, reverse=True):
        server = _read(note)
        if server and server.pid in processes:
            return server
    for process in processes.values():
        if _SERVER.search(process.command):
            return Server(process.pid, "https://127.0.0.1:8443", "")
    raise LookupError("no Jupyter server runs")


def _read(note: Path) -> Server | None:
    try:
        server = json.loads(note.read_text(encoding="utf-8"))
        return Server(server["pid"], server["url"], server["token"])
    except (OSError, ValueError, LookupError, TypeError):  # one that is being written, or was never finished
        return None


def find_jobs(processes: dict[int, Process], server: Server) -> list[str]:
    """Return what works on the terminals of the server."""
    family, size = {server.pid}, 0
    while len(family) > size:
        size = len(family)
        family |= {process.pid for process in processes.values() if process.parent in family}
    terminals = {processes[pid].terminal for pid in family} - {processes[server.pid].terminal, "?", "??", "-"}
    jobs = [process for process in processes.values() if process.terminal in terminals and process.works]
    return [f"terminal {job.terminal} runs {job.command[:60]}" for job in jobs]


def last_change(folder: Path, *, now: float) -> float:
    """Return when a file in the folder last changed; hidden ones aside, and those from the future."""
    newest = 0.0
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            try:
                changed = os.lstat(f"{place}/{name}").st_mtime
            except OSError:
                continue
            if newest < changed <= now and not name.startswith("."):
                newest = changed
    return newest


def _time(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _clock(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _log(line: str) -> None:
    print(f"{_clock(time.time())} {line}", flush=True)


class Watch:
    """The rounds of the daemon, and what it remembers between them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.began = self.answered = self.worked = self.requested = self.visited = time.time()
        self.said = ""

    def ends(self) -> bool:
        """Look once; return whether the instance is being stopped."""
        now = time.time()
        works: list[str] = []
        uses: list[Use] = []
        state = "quiet"
        try:
            self._look(works, uses)
            self.answered = now
        except _NO_ANSWER as error:
            state = "unanswered"
            uses.append(Use(f"Jupyter's last answer before {error!r}", self.answered))
        if works:
            self.worked = now
            self._say("busy", f"in use: {'; '.join(works)}")
            return False
        uses += [Use("work", self.worked), Use("visit", self.visited)]
        uses += [Use("file", last_change(self.options.folder, now=now)), Use("start", self.began)]
        idle = now - max(use.until for use in uses)
        if idle < self.options.idle_seconds:
            self._say(state, f"nothing works, stops after {self.options.idle_seconds:g} s of it: {_summary(uses)}")
            return False
        return self._stop(f"idle for {idle:.0f} s: {_summary(uses)}", now=now)

    def _look(self, works: list[str], uses: list[Use]) -> None:
        """Add what works and what the instance was used for, as far as it can be found out."""
        processes = find_processes()
        server = find_server(processes)
        works += find_jobs(processes, server)
        kernels = server.ask("kernels")
        works += [f"kernel {kernel['id'][:8]} is busy" for kernel in kernels if kernel["execution_state"] == "busy"]
        # A kernel that nobody has connected to yet is "starting" for ever: that is no work.
        uses += [Use(f"kernel {kernel['id'][:8]}", _time(kernel["last_activity"])) for kernel in kernels]
        uses += [Use(f"terminal {item['name']}", _time(item["last_activity"])) for item in server.terminals()]
        requested = _time(server.ask("status")["last_activity"])
        if requested - self.requested > _VISIT_ROUNDS * self.options.every_seconds:
            self.visited = requested
        self.requested = max(self.requested, requested)

    def _stop(self, reason: str, *, now: float) -> bool:
        name = self.options.notebook_instance
        if self._say("idle", reason):
            self._report(f"{name} is stopped: {reason}", now=now)
        failure = self._aws("sagemaker", "stop-notebook-instance", "--notebook-instance-name", name)
        _log(f"not stopped, tried again until it is: {failure}" if failure else f"{name} stops")
        return not failure

    def _say(self, state: str, line: str) -> bool:
        """Print a line if the state is new; return whether it is."""
        new = state != self.said
        if new:
            _log(line)
        self.said = state
        return new

    def _report(self, line: str, *, now: float) -> None:
        """Put a line into CloudWatch Logs, where it outlives the instance; best effort."""
        place = ["--log-group-name", self.options.log_group]
        self._aws("logs", "create-log-group", *place)
        place += ["--log-stream-name", f"{self.options.notebook_instance}/idle-stop"]
        self._aws("logs", "create-log-stream", *place)
        event = json.dumps([{"timestamp": int(now * 1000), "message": line}])
        failure = self._aws("logs", "put-log-events", *place, "--log-events", event)
        if failure:
            _log(f"not in CloudWatch Logs: {failure}")

    def _aws(self, *arguments: str) -> str:
        """Run the AWS CLI; return what went wrong, or nothing."""
        command = ["aws", *arguments, "--region", self.options.region]
        try:
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True, timeout=_AWS_SECONDS)
        except subprocess.CalledProcessError as error:
            return " ".join(error.stderr.decode(errors="replace").split()) or str(error)
        except (OSError, subprocess.SubprocessError) as error:
            return repr(error)
        return ""


def _summary(uses: list[Use]) -> str:
    """Return how many kernels and terminals there are, and every use with its end, the last one first."""
    kernels, terminals = (sum(use.what.startswith(kind) for use in uses) for kind in ("kernel ", "terminal "))
    ends = [f"{use.what} {_clock(use.until)}" for use in sorted(uses, key=lambda use: -use.until) if use.until]
    return f"kernels={kernels} terminals={terminals} last: {', '.join(ends)}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Stop a notebook instance that nobody has used for a while.")
    parser.add_argument("--notebook-instance", required=True, help="its name")
    parser.add_argument("--region", required=True)
    parser.add_argument("--idle-seconds", type=float, required=True)
    parser.add_argument("--every-seconds", type=float, default=60, help="between two looks at the instance")
    parser.add_argument("--folder", type=Path, default=Path.home() / "SageMaker", help="where the student's files lie")
    parser.add_argument("--log-group", default="/aws/sagemaker/NotebookInstances")
    return parser.parse_args()


def main() -> None:
    """Watch until the instance is being stopped. A second watch of the same folder ends at once."""
    options = _options()
    watch = Watch(options)
    folder = os.open(options.folder, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _log(f"{options.folder} is watched already")
        return
    while not watch.ends():
        time.sleep(options.every_seconds)


if __name__ == "__main__":
    main()
