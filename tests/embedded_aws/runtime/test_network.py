"""Hosts of a job share this machine's network where they can have none of their own, and it is said why."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from embedded_aws.runtime import instances, network

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TWO = {"InstanceType": "ml.m5.large", "InstanceCount": 2}


@pytest.fixture
def without_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Linux on which nothing that makes networks is installed."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(network, "_SEARCH_PATH", str(tmp_path))
    network.failure.cache_clear()
    yield
    network.failure.cache_clear()


@pytest.mark.usefixtures("without_programs")
def test_without_its_programs_the_log_says_so() -> None:
    """Each host has an address of this machine and a port that no other has."""
    launched = instances.launch(TWO, sandboxed=True)
    assert not any(one.networked for one in launched)
    assert {one.interface for one in launched} == {"lo"}
    assert len({one.port for one in launched}) == 2
    assert instances.notice(launched, sandboxed=True) == (
        "The job's hosts have no network of their own, but share this machine's, and its ports. "
        "Networks of jobs need ip and nsenter and unshare, of iproute2 and util-linux."
    )


def test_nothing_is_said_where_there_is_nothing_to_say() -> None:
    """One host needs no network of its own, and without sandboxes `up` says what there is to say."""
    assert instances.notice(instances.launch({**TWO, "InstanceCount": 1}, sandboxed=True), sandboxed=True) == ""
    assert instances.notice(instances.launch(TWO, sandboxed=False), sandboxed=False) == ""
