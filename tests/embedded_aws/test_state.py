"""A state that can't be used is refused with a sentence and left as it is; a full disk loses nothing."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway
from embedded_aws.runtime import sandbox
from embedded_aws.settings import Settings
from tests.embedded_aws.account import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_MIB = 2**20


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of one that was ended in order, with a parameter in it."""
    home = tmp_path_factory.mktemp("kept")
    running = start(home)
    client(running, "ssm").put_parameter(Name="/kept", Value="1", Type="String")
    gateway.stop(home)
    return home / "state"


@pytest.fixture
def home(tmp_path: Path, kept: Path) -> Iterator[Path]:
    """A home folder with a copy of that state."""
    shutil.copytree(kept, tmp_path / "state")
    yield tmp_path
    gateway.forget(tmp_path)


def start(home: Path) -> gateway.Gateway:
    """Start it as the command line does."""
    return gateway.start(home, cache=paths.cache(), environment=tool_environment(), port=0)


def client(running: gateway.Gateway, service: str) -> Any:
    """A client of a service that tries once."""
    session = boto3.Session("test", "test", region_name=gateway.REGION)
    once = Config(retries={"total_max_attempts": 1})
    return session.client(service, endpoint_url=running.url, config=once)  # type: ignore[call-overload]  # any service's


def command(*arguments: str, state: Path) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "embedded_aws", *arguments, "--state", str(state)],
        env={**os.environ, "EMBEDDED_AWS_CACHE": str(paths.cache())},
        capture_output=True,
        text=True,
        check=False,
    )


def newer(state: Path) -> None:
    """Let it be of a later version."""
    with contextlib.closing(sqlite3.connect(state / "state.db", isolation_level=None)) as connection:
        connection.execute("UPDATE about SET value = '99' WHERE name = 'format'")


def truncated(state: Path) -> None:
    """Cut its database off, as a disk check may do after a power failure."""
    with contextlib.closing(sqlite3.connect(state / "state.db", isolation_level=None)) as connection:
        connection.execute("DELETE FROM about WHERE name = 'ended'")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file = state / "state.db"
    os.truncate(file, file.stat().st_size // 2)


def no_database(state: Path) -> None:
    """Write something else into it."""
    (state / "state.db").write_bytes(b"not a database, but long enough for one" * 100)


def of_another_user(state: Path) -> None:
    """Give it to somebody else."""
    os.chown(state / "state.db", 54321, -1)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (newer, "was written by a newer version (its format is 99; this one reads 1)"),
        (truncated, "is broken: "),
        (no_database, "is broken: file is not a database"),
        pytest.param(
            of_another_user,
            "is another user's (user id 54321)",
            marks=pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away"),
        ),
    ],
)
def test_what_cant_be_used_is_refused_and_left(home: Path, spoil: Callable[[Path], None], said: str) -> None:
    """One sentence with the place and the reason; the files are left, and put aside when they are to be forgotten."""
    spoil(home / "state")
    before = (home / "state" / "state.db").read_bytes()
    with pytest.raises(gateway.KeptError, match=re.escape(said)) as refused:
        start(home)
    assert str(refused.value).startswith(f"The state of the embedded AWS in {home / 'state'} ")
    assert (home / "state" / "state.db").read_bytes() == before
    aside = gateway.forget(home)
    assert aside
    assert (aside / "state.db").read_bytes() == before


def test_the_command_names_the_next_step(home: Path) -> None:
    """It ends with one sentence; what that names puts the state aside, and says where."""
    newer(home / "state")
    refused = command("start", "--port", "0", state=home)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "`embedded-aws reset" in refused.stderr
    emptied = command("reset", state=home)
    [aside] = (home / "kept").iterdir()
    assert f"is in {aside} now" in emptied.stdout
    assert start(home)


def test_a_disk_that_cant_be_written_to(home: Path) -> None:
    """It is refused before anything begins."""
    bubblewrap = sandbox.find()
    if isinstance(bubblewrap, str):
        pytest.skip("no sandbox to make a read-only disk in")
    state = str(home / "state")
    begin = [sys.executable, "-m", "embedded_aws", "start", "--port", "0", "--state", str(home)]
    refused = subprocess.run(
        [bubblewrap.program, "--dev-bind", "/", "/", "--ro-bind", state, state, *begin],
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    assert "can't be written to: make it writable" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_copied_state_comes_back_elsewhere(home: Path) -> None:
    """What was copied from another folder, or another machine, is as good as the original."""
    [found] = client(start(home), "ssm").get_parameters(Names=["/kept"])["Parameters"]
    assert found["Value"] == "1"


def test_two_never_write_one_state(home: Path) -> None:
    """A server that is begun beside one that runs ends with a sentence, and has changed nothing."""
    running = start(home)
    settings = Settings(home=home, port=0, proxy=0, cache=home, images=home)
    background = [sys.executable, "-m", "embedded_aws.background", *settings.arguments]
    second = subprocess.run(background, capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert f"Another embedded AWS works in {home}" in second.stderr
    assert client(running, "ssm").get_parameter(Name="/kept")["Parameter"]["Value"] == "1"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of few megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = ["mount", "-t", "tmpfs", "-o", "size=12m", "none", str(disk)]
    if os.getuid() != 0 or subprocess.run(made, capture_output=True, check=False).returncode:
        pytest.skip("only root mounts a small disk")
    yield disk
    gateway.stop(disk)
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_refuses_what_it_cant_keep_and_goes_on_with_room(small_disk: Path) -> None:
    """The call is refused with a sentence; what was kept stays so, and with room all goes on as before."""
    running = start(small_disk)
    ssm = client(running, "ssm")
    ssm.put_parameter(Name="/before", Value="1", Type="String")
    ballast = small_disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb") as file:
        while True:
            file.write(bytes(_MIB))
            file.flush()
    with pytest.raises(ClientError, match=r"can't write its state in .*: .*(full|I/O error).*; make room") as refused:
        _fill(ssm)
    assert refused.value.response["Error"]["Code"] == "InternalFailure"
    assert ssm.get_parameter(Name="/before")["Parameter"]["Value"] == "1"
    ballast.unlink()
    until(lambda: _puts(ssm), seconds=20)
    os.kill(running.pid, 9)
    ssm = client(start(small_disk), "ssm")
    assert {each["Name"] for each in ssm.get_parameters(Names=["/before", "/after"])["Parameters"]} == {
        "/before",
        "/after",
    }


def _fill(ssm: Any) -> None:
    for number in range(10_000):
        ssm.put_parameter(Name=f"/full/{number}", Value="x" * 4000, Type="String")


def _puts(ssm: Any) -> bool:
    try:
        return bool(ssm.put_parameter(Name="/after", Value="1", Type="String", Overwrite=True))
    except ClientError:
        return False
