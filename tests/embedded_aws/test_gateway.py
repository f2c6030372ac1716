"""The embedded AWS as a process: it starts, is found, shares nothing with others, and ends with all it runs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import boto3
import psutil
import pytest

from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway, own_log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home folder whose gateway is stopped after the test."""
    yield tmp_path
    gateway.stop(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home folder of a gateway that runs, for tests that leave it running as it was."""
    home = tmp_path_factory.mktemp("shared")
    start(home)
    yield home
    gateway.stop(home)


def start(home: Path, port: int = 0) -> gateway.Gateway:
    """Start it as the command line does."""
    return gateway.start(home, cache=paths.cache(), environment=tool_environment(), port=port)


def runs(process: psutil.Process) -> bool:
    """Tell whether it is there and does something; one that has ended may wait for its parent to ask how."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_second_start_finds_the_first(shared: Path) -> None:
    """There is one embedded AWS a home folder."""
    first = gateway.running(shared)
    assert first
    assert start(shared) == first == gateway.running(shared)


def test_it_listens_on_loopback_only(shared: Path) -> None:
    """No other machine can reach it."""
    process = psutil.Process(start(shared).pid)
    family = [process, *process.children(recursive=True)]
    listening = [c.laddr.ip for p in family for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert set(listening) == {"127.0.0.1"}


def test_an_answer_is_sent_at_once(shared: Path) -> None:
    """Nothing waits for TCP to gather more: that would be 40 ms a call, on every call."""
    session = boto3.Session("test", "test", region_name=gateway.REGION)
    sagemaker = session.client("sagemaker", endpoint_url=start(shared).url)
    sagemaker.list_models()

    def seconds() -> float:
        started = time.monotonic()
        sagemaker.list_models()
        return time.monotonic() - started

    assert min(seconds() for _ in range(20)) < 0.03


def test_a_taken_port_is_left_alone(home: Path) -> None:
    """When another program has the port, it takes a free one."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        assert start(home, port=taken).port != taken


def test_two_that_start_at_once_do_not_share_a_port(tmp_path: Path) -> None:
    """Both want the same free port: one gets it, the other one another, and each answers for itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        wanted = probe.getsockname()[1]
    homes = [tmp_path / "one", tmp_path / "two"]
    try:
        with ThreadPoolExecutor() as pool:
            started = list(pool.map(lambda home: start(home, port=wanted), homes))
        assert len({one.port for one in started}) == 2
        assert wanted in {one.port for one in started}
        assert all(one.alive() for one in started)
    finally:
        for home in homes:
            gateway.stop(home)


@pytest.mark.usefixtures("unforked")
def test_stop_leaves_no_process_and_keeps_the_state(home: Path) -> None:
    """After a stop there is no process, and what it held is kept until it is forgotten; a second stop is a no-op."""
    running = start(home)
    family = [psutil.Process(running.pid), *psutil.Process(running.pid).children(recursive=True)]
    assert gateway.stop(home)
    assert not [process for process in family if runs(process)]
    assert not gateway.stop(home)
    assert (kept := gateway.kept(home))
    assert kept.ended
    gateway.forget(home)
    assert gateway.kept(home) is None
    assert not (home / "state").exists()


def test_a_killed_one_is_not_taken_for_running(home: Path) -> None:
    """After a kill -9 the note is stale: it is not found, and a new one starts."""
    first = start(home)
    psutil.Process(first.pid).kill()
    psutil.Process(first.pid).wait()
    assert gateway.running(home) is None
    assert start(home).pid != first.pid


def test_a_silent_one_is_not_a_dead_one(shared: Path) -> None:
    """One that does not answer is waited for, and told of, and is the same afterwards."""
    first = start(shared)
    os.kill(first.pid, signal.SIGSTOP)
    threading.Timer(4, os.kill, (first.pid, signal.SIGCONT)).start()
    told: list[str] = []
    again = gateway.start(shared, cache=paths.cache(), environment=tool_environment(), port=0, notice=told.append)
    assert again == first
    assert [f"process {first.pid}" in text for text in told] == [True]


def test_it_ends_with_its_owner(home: Path) -> None:
    """What a killed test run has started does not outlive it."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as owner:
        first = gateway.start(home, cache=paths.cache(), environment=tool_environment(), port=0, owner=owner.pid)
        owner.kill()
    psutil.Process(first.pid).wait(30)
    assert not (home / "state").exists()


def test_one_that_hangs_is_stopped(home: Path) -> None:
    """A stop ends one that SIGSTOP holds, too."""
    first = start(home)
    os.kill(first.pid, signal.SIGSTOP)
    assert gateway.stop(home, grace=5)
    assert not first.alive()


def test_a_clock_that_was_set_does_not_make_it_dead(shared: Path) -> None:
    """It holds a lock for as long as it lives: a start that seems to be another's does not count against that."""
    first = start(shared)
    note = shared / "gateway.json"
    written = note.read_text()
    note.write_text(written.replace(f"{first.created}", f"{first.created + 3600}"))
    found = gateway.running(shared)
    note.write_text(written)
    assert found
    assert found.pid == first.pid


def test_what_a_dead_one_left_is_ended(home: Path) -> None:
    """After a kill -9, the processes that it left are ended before the next begins, and no other; its state is kept."""
    first = start(home)
    psutil.Process(first.pid).kill()
    psutil.Process(first.pid).wait()
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    places = [home / "state" / "tmp", home]
    ours, other = (subprocess.Popen(sleep, env={**os.environ, "TMPDIR": str(place)}) for place in places)
    try:
        assert gateway.died(home)
        assert (kept := gateway.kept(home))
        assert not kept.ended
        start(home)
        assert not psutil.pid_exists(ours.pid)
        assert other.poll() is None
        assert not gateway.died(home)
    finally:
        other.kill()
        for each in (ours, other):
            each.wait()


def test_its_log_goes_on_and_stays_small(tmp_path: Path) -> None:
    """What was printed before is there after a start; what is too much goes to one file before, and no more."""
    log = own_log.path(tmp_path)
    for number in range(3):
        with own_log.opened(tmp_path) as output:
            output.write(f"start {number}\n".encode() * 100)
        own_log.shorten(log, most=1500)
    assert log.read_text() == "start 2\n" * 100
    assert (tmp_path / "gateway.log.1").read_text() == "start 0\n" * 100 + "start 1\n" * 100
