"""The embedded AWS as a process: it starts, is found, shares nothing with others, and ends with all it runs."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psutil
import pytest

from cli import paths
from cli.place import tools
from emulator import gateway

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home folder whose gateway is stopped after the test."""
    yield tmp_path
    gateway.stop(tmp_path)


def start(home: Path, port: int = 0) -> gateway.Gateway:
    """Start it as the command line does."""
    return gateway.start(home, cache=paths.cache(), environment=tools(), port=port)


def test_a_second_start_finds_the_first(home: Path) -> None:
    """There is one embedded AWS a home folder."""
    assert start(home) == start(home) == gateway.running(home)


def test_it_listens_on_loopback_only(home: Path) -> None:
    """No other machine can reach it."""
    process = psutil.Process(start(home).pid)
    family = [process, *process.children(recursive=True)]
    listening = [c.laddr.ip for p in family for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert set(listening) == {"127.0.0.1"}


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


def test_stop_leaves_no_process_and_no_state(home: Path) -> None:
    """After a stop there is neither the process nor a file of what it held; a second stop is a no-op."""
    running = start(home)
    family = [psutil.Process(running.pid), *psutil.Process(running.pid).children(recursive=True)]
    assert gateway.stop(home)
    assert not [process for process in family if process.is_running()]
    assert not (home / "state").exists()
    assert not gateway.stop(home)


def test_a_killed_one_is_not_taken_for_running(home: Path) -> None:
    """After a kill -9 the note is stale: it is not found, and a new one starts."""
    first = start(home)
    psutil.Process(first.pid).kill()
    psutil.Process(first.pid).wait()
    assert gateway.running(home) is None
    assert start(home).pid != first.pid
