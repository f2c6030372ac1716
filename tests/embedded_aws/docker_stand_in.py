"""A Docker for tests: a daemon in this process, and a program `docker` that asks it, as the real ones do each other.

It knows the commands and options that the embedded AWS uses and refuses all others, as Docker would. A container is a
process of the daemon's: it outlives the client. Its image is a Python program, which finds what is mounted below the
folder ROOT of its environment, and listens on PORT in the place of 8080.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socketserver
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_CLIENT = """#!{python} -IS
import json, os, socket, sys
try:
    daemon = socket.socket(socket.AF_UNIX)
    daemon.connect(os.environ["DOCKER_HOST"].removeprefix("unix://"))
except OSError:
    print("Cannot connect to the Docker daemon at", os.environ["DOCKER_HOST"] + ".", "Is the docker daemon running?",
          file=sys.stderr)
    sys.exit(1)
words = sys.argv[1:]
files = {{word: open(word).read() for before, word in zip(words, words[1:]) if before == "--env-file"}}
daemon.sendall(json.dumps([words, files]).encode() + b"\\n")
for line in daemon.makefile("r"):
    where, what = json.loads(line)
    if where == "exit":
        sys.exit(what)
    print(what, file=sys.stderr if where == "err" else sys.stdout, end="", flush=True)
"""
_MANY = ("--label", "--cap-drop", "--cap-add", "--security-opt", "--volume", "--env", "--add-host", "--env-file")
_ONE = (
    *("--name", "--pull", "--log-driver", "--stop-signal", "--memory", "--memory-swap", "--shm-size", "--cpus"),
    *("--network", "--hostname", "--entrypoint", "--publish"),
)
_SHELL_STATUS = 128
_KILLED = _SHELL_STATUS + signal.SIGKILL


class _DaemonError(Exception):
    def __init__(self, text: str, status: int = 1) -> None:
        super().__init__(text)
        self.status = status


@dataclass(eq=False)
class Ran:
    """A container that was run: its options, its image, and what stood behind it; its environment; the process."""

    options: dict[str, Any]
    image: str
    arguments: list[str]
    words: list[str] = field(repr=False)
    environment: dict[str, str] = field(repr=False)
    process: subprocess.Popen[str] | None = field(default=None, repr=False)
    killed: bool = False

    @property
    def mounts(self) -> dict[str, str]:
        """How each mounted path may be used, by its path in the container."""
        return {inside: how for _, inside, how in (each.split(":") for each in self.options["--volume"])}


class DockerStandIn:
    """The daemon. `local` and `registry` are the programs of images by their URIs; `ran` and `calls` what was asked."""

    def __init__(self, folder: Path) -> None:
        self.local: dict[str, str] = {}
        self.registry: dict[str, str] = {}
        self.ran: list[Ran] = []
        self.calls: list[list[str]] = []
        self.containers: dict[str, Ran] = {}
        self.networks: dict[str, list[str]] = {}
        self._folder = folder
        self._socket = folder / "docker.sock"
        program = folder / "bin" / "docker"
        program.parent.mkdir(parents=True)
        program.write_text(_CLIENT.format(python=sys.executable))
        program.chmod(0o755)
        self.environment = {"DOCKER_HOST": f"unix://{self._socket}"}
        """What the program's environment has to say, beside `path`."""
        self.path = str(program.parent)
        daemon = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                try:
                    words, files = json.loads(self.rfile.readline())
                except ValueError:
                    return  # the client was killed, or is not ours: ministack looks whether there is a Docker

                def tell(where: str, what: str | int) -> None:
                    with contextlib.suppress(OSError):  # the client was killed
                        self.wfile.write(json.dumps([where, what]).encode() + b"\n")

                daemon.answer(words, files, tell)

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True
            request_queue_size = 64

        def make() -> Server:
            return Server(str(self._socket), Handler)

        self._make = make
        self._server: Server | None = None
        self.start()

    def start(self) -> None:
        """Let the daemon run."""
        self._server = self._make()
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """Let the daemon not run, so that nothing answers; its containers go on."""
        assert self._server
        self._server.shutdown()
        self._server.server_close()
        self._socket.unlink()

    def close(self) -> None:
        """End all."""
        self.stop()
        for each in [*self.containers.values()]:
            self._kill(each)

    def answer(self, words: list[str], files: dict[str, str], tell: Any) -> None:
        """Answer a client."""
        self.calls.append(words)
        command = "_".join(words[:2]) if words[0] in ("image", "network") else words[0]
        arguments = words[2:] if words[0] in ("image", "network") else words[1:]
        try:
            if command == "run":
                tell("exit", self._run(arguments, files, tell))
                return
            tell("out", getattr(self, f"_{command}")(arguments))
            tell("exit", 0)
        except _DaemonError as error:
            tell("err", f"{error}\n")
            tell("exit", error.status)

    def _info(self, _arguments: list[str]) -> str:
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return json.dumps({"NCPU": os.cpu_count(), "MemTotal": pages, "SecurityOptions": ["name=seccomp"]})

    def _image_inspect(self, arguments: list[str]) -> str:
        [uri] = arguments
        if uri not in self.local:
            raise _DaemonError(f"Error response from daemon: No such image: {uri}")
        digest = f"{hash(uri) & (1 << 256) - 1:064x}"
        return json.dumps([{"Id": f"sha256:{digest}", "RepoDigests": [f"{uri.rpartition(':')[0]}@sha256:{digest}"]}])

    def _pull(self, arguments: list[str]) -> str:
        *_, uri = arguments
        if uri not in self.registry:
            raise _DaemonError(
                f"Error response from daemon: manifest for {uri} not found: manifest unknown: Requested image not found"
            )
        self.local[uri] = self.registry[uri]
        return uri

    def _ps(self, arguments: list[str]) -> str:
        wanted = arguments[arguments.index("--filter") + 1].removeprefix("label=")
        return "\n".join(name for name, ran in self.containers.items() if wanted in ran.options["--label"])

    def _stop(self, arguments: list[str]) -> str:
        _, seconds, name = arguments
        process = self._container(name).process
        assert process
        process.terminate()
        try:
            process.wait(float(seconds))
        except subprocess.TimeoutExpired:
            self._kill(self.containers[name])
        return name

    def _rm(self, arguments: list[str]) -> str:
        for name in arguments[2:]:
            self._kill(self._container(name))
            self.containers.pop(name, None)
        return ""

    def _inspect(self, arguments: list[str]) -> str:
        _, form, name = arguments
        ran = self._container(name)
        assert ran.process
        if "Pid" in form:
            return str(ran.process.pid if ran.process.poll() is None else 0)
        return str(ran.process.poll() == -signal.SIGKILL and not ran.killed).lower()

    def _network_inspect(self, arguments: list[str]) -> str:
        if arguments[0] not in self.networks:
            raise _DaemonError(f"Error response from daemon: network {arguments[0]} not found")
        return "[]"

    def _network_create(self, arguments: list[str]) -> str:
        self.networks[arguments[-1]] = arguments[:-1]
        return arguments[-1]

    def _network_ls(self, _arguments: list[str]) -> str:
        return "\n".join(self.networks)

    def _network_rm(self, arguments: list[str]) -> str:
        if any(ran.options["--network"] == arguments[0] for ran in self.containers.values()):
            raise _DaemonError(f"Error response from daemon: network {arguments[0]} has active endpoints")
        del self.networks[arguments[0]]
        return ""

    def _run(self, words: list[str], files: dict[str, str], tell: Any) -> int:
        if words[0] == "--rm":
            return 0  # what it is to mend has to be another user's, whose files no test can make
        ran = _parse(words, files)
        name = ran.options["--name"]
        if ran.image not in self.local:
            raise _DaemonError(f"docker: Error response from daemon: No such image: {ran.image}", 125)
        command = self._command(ran)
        root = self._folder / "roots" / name
        for source, inside, _ in sorted((each.split(":") for each in ran.options["--volume"]), key=lambda one: one[1]):
            place = root / inside.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(source)
            command = [word.replace(inside, str(place)) for word in command]
        port = ran.options.get("--publish", "::").split(":")[1]
        ran.process = subprocess.Popen(
            command,
            env={**ran.environment, "ROOT": str(root), "PORT": port},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.containers[name] = ran
        self.ran.append(ran)
        assert ran.process.stdout
        with ran.process.stdout as output:
            for line in output:
                tell("out", line)
        status = ran.process.wait()
        return status if status >= 0 else _SHELL_STATUS - status

    def _command(self, ran: Ran) -> list[str]:
        program = self._folder / "programs" / f"{len(self.calls)}-{time.monotonic_ns()}.py"
        program.parent.mkdir(exist_ok=True)
        program.write_text(self.local[ran.image])
        entrypoint = ran.options.get("--entrypoint")
        if entrypoint is None:
            return [sys.executable, "-u", str(program), *ran.arguments]
        if entrypoint != "python3":
            raise _DaemonError(
                f'docker: Error response from daemon: exec: "{entrypoint}": executable file not found in $PATH', 127
            )
        return [sys.executable, "-u", *ran.arguments]

    def _container(self, name: str) -> Ran:
        if name not in self.containers:
            raise _DaemonError(f"Error response from daemon: No such container: {name}")
        return self.containers[name]

    def _kill(self, ran: Ran) -> None:
        assert ran.process
        ran.killed = ran.killed or ran.process.poll() is None
        ran.process.kill()
        ran.process.wait()


def _parse(words: list[str], files: dict[str, str]) -> Ran:
    options: dict[str, Any] = {name: [] for name in _MANY}
    rest = list(words)
    while rest and rest[0].startswith("--"):
        name, value, *rest = rest
        if name in _MANY:
            options[name].append(value)
        elif name in _ONE:
            options[name] = value
        else:
            raise _DaemonError(f"unknown flag: {name}\n\nUsage:  docker run [OPTIONS] IMAGE [COMMAND] [ARG...]", 125)
    image, *arguments = rest
    lines = [line for file in options["--env-file"] for line in files[file].splitlines()]
    environment = dict(line.split("=", 1) for line in [*lines, *options["--env"]])
    return Ran(options, image, arguments, words, environment)
