"""The command `embedded-aws`: what it prints, and the one sentence that it has for each mistake."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from cli import paths
from embedded_aws import gateway, shell

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Command:
    """`embedded-aws` with a state folder of its own."""

    state: Path

    def environment(self) -> dict[str, str]:
        """Return the environment of a user who has named the folder."""
        return {**os.environ, "EMBEDDED_AWS_STATE": str(self.state), "EMBEDDED_AWS_CACHE": str(paths.cache())}

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """Run it; return what it prints, or with another exit code what it says is wrong, which is one line."""
        done = subprocess.run(
            [sys.executable, "-m", "embedded_aws", *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        if not code:
            return done.stdout
        assert "Traceback" not in done.stderr
        return done.stderr

    def document(self, *arguments: str) -> dict[str, Any]:
        """Return what it prints for programs."""
        found: dict[str, Any] = json.loads(self(*arguments, "--json"))
        return found


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    """The command, with nothing started; what a test starts is stopped after it."""
    yield Command(tmp_path / "state")
    gateway.stop(tmp_path / "state") if (tmp_path / "state").exists() else None


def test_from_start_to_stop(command: Command) -> None:
    """Start, status, env, reset and stop say what is, to people and to programs; a second start finds the first."""
    started = command.document("start", "--port", "0")
    assert command.document("start")["pid"] == started["pid"]
    assert started["url"] in command("status")
    assert command.document("status")["holds"] == {}
    with urllib.request.urlopen(urllib.request.Request(f"{started['url']}/mine", method="PUT")):  # noqa: S310 - our own
        pass
    assert command.document("status")["holds"] == {"buckets": ["mine"]}
    assert f"export AWS_ENDPOINT_URL={started['url']}\n" in command("env")
    assert command.document("env")["AWS_ENDPOINT_URL"] == started["url"]
    assert command("token") == Path(command.document("status")["adminToken"]).read_text() + "\n"
    again = command.document("reset")
    assert (again["url"], again["pid"] == started["pid"]) == (started["url"], False)
    assert command.document("status")["holds"] == {}
    assert command.document("stop") == {"stopped": True}
    assert command.document("stop") == {"stopped": False}


def test_what_does_not_run_is_said_with_the_next_step(command: Command) -> None:
    """Without one, every command but start, stop and reset ends with 1 and names the command that starts one."""
    for name in ("status", "env", "token"):
        said = command(name, code=1)
        assert said.count("\n") == 1
        assert "`embedded-aws start` starts one" in said
    assert json.loads(
        subprocess.run(
            [sys.executable, "-m", "embedded_aws", "status", "--json"],
            env=command.environment(),
            capture_output=True,
            check=False,
        ).stdout
    ) == {"running": False, "state": str(command.state)}
    assert command("env", "--off") == "\n"


def test_a_shell_that_is_pointed_at_one_starts_another(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `env` has set does not reach the next one: the first one's proxy is gone, and no account may be reached."""
    pointed = {"HTTPS_PROXY": "http://127.0.0.1:1", "AWS_ENDPOINT_URL": "http://127.0.0.1:2"}
    for line in shell.exports(pointed, {}):
        name, value = shlex.split(line.removeprefix("export "))[0].split("=", 1)
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_PROFILE", "mine")
    started = command.document("start", "--port", "0")
    inside = psutil.Process(started["pid"]).environ()
    assert not [name for name in (*pointed, "AWS_PROFILE") if name in inside]
    assert "unset HTTPS_PROXY" in command("env", "--off").splitlines()


def test_a_taken_port_is_told_with_who_has_it(command: Command) -> None:
    """It is not left for another one in silence: who typed the number has written it elsewhere too."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = command("start", "--port", str(port), code=1)
    assert f"Port {port} is taken by another program (" in said
    assert f"process {os.getpid()}" in said
    assert "--port 0" in said


def test_a_start_with_other_options_is_refused(command: Command) -> None:
    """The one that runs is left as it is, and the sentence says how it runs and what ends it."""
    started = command.document("start", "--port", "0")
    for options in (["--enforce-iam"], ["--port", "1"]):
        said = command("start", *options, code=1)
        assert f"runs already on {started['url']}" in said
        assert "`embedded-aws stop`" in said
    assert command.document("status")["pid"] == started["pid"]


def test_a_folder_that_can_not_be_is_named(tmp_path: Path) -> None:
    """A file in the way, or a folder that may not be written, is one sentence with the folder's name."""
    (tmp_path / "file").write_text("")
    said = Command(tmp_path / "file" / "state")("start", code=1)
    assert said.startswith(f"embedded-aws: {tmp_path / 'file'}")
    assert said.count("\n") == 1


@contextlib.contextmanager
def in_the_foreground(command: Command, *options: str) -> Iterator[tuple[subprocess.Popen[str], gateway.Gateway]]:
    """Start one that this process holds; it ends clean with SIGTERM."""
    words = [sys.executable, "-m", "embedded_aws", "start", "--foreground", *options]
    with subprocess.Popen(words, env=command.environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert "until Ctrl-C" in process.stdout.readline()
            deadline = time.monotonic() + 60
            while not (found := gateway.running(command.state)):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert found.answers(within=60)
            yield process, found
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_the_foreground_ends_with_a_signal(command: Command) -> None:
    """A service manager holds it: it is found by the other commands, and can't be reset; it comes back on its port."""
    port = gateway.any_free_port()
    with in_the_foreground(command, "--port", str(port)) as (process, _):
        status = command.document("status")
        assert (status["answers"], status["pid"]) == (True, process.pid)
        assert "runs in the foreground" in command("reset", code=1)
    with in_the_foreground(command) as (_, again):
        assert again.port == port
    assert "One had stopped at" in command("status", code=1)
    assert "Nothing is kept" in command("reset")
    assert not (command.state / "state").exists()
