"""Train on several hosts by the library's own collective communication, as XGBoost's container does it.

Source: distributed.py of aws/sagemaker-xgboost-container, 3.0-5. All hosts meet twice: first each tells whether it has
data, then those that have train together. The first of them by name has the tracker, on port 9099, then 9100.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import time
from typing import TYPE_CHECKING, Any

from xgboost import collective, tracker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

log = logging.getLogger(__name__)

_PORT = 9099
_SECONDS = 300
_PAUSE_SECONDS = 1.0


def run(train: Callable[[bool], None], *, host: str, hosts: Sequence[str], has_data: bool) -> None:
    """Call `train` on each of these hosts that has data, with whether it is the master, which saves the model.

    Raises RuntimeError if none has data.
    """
    log.info("Distributed node training with %d hosts: %s", len(hosts), [*hosts])
    with _meeting(host, hosts, _PORT):
        told = [json.loads(text) for text in _told_by_all(json.dumps({"host": host, "has_data": has_data}))]
    together = sorted(each["host"] for each in told if each["has_data"])
    if not has_data:
        log.warning("Host %s not being used for distributed training.", host)
        return
    with _meeting(host, together, _PORT + 1):
        train(host == together[0])


def _told_by_all(text: str) -> list[str]:
    me = collective.get_rank()
    return [str(collective.broadcast(text if each == me else "", each)) for each in range(collective.get_world_size())]


@contextlib.contextmanager
def _meeting(host: str, hosts: Sequence[str], port: int) -> Iterator[None]:
    """Join the others; the first has the tracker. One host alone needs neither."""
    if len(hosts) < len(("this", "another")):
        yield
        return
    master = _address(hosts[0])
    tracking = None
    if host == hosts[0]:
        tracking = tracker.RabitTracker(n_workers=len(hosts), host_ip=master, port=port, sortby="task")
        tracking.start()
    arguments: dict[str, Any] = {
        "dmlc_tracker_uri": master,
        "dmlc_tracker_port": port,
        "dmlc_task_id": str(hosts.index(host)),
        "dmlc_timeout": _SECONDS,
    }
    with _joined(arguments):
        yield
    if tracking:
        tracking.wait_for(timeout=_SECONDS)


@contextlib.contextmanager
def _joined(arguments: dict[str, Any]) -> Iterator[None]:
    """Enter the communication, again and again until the tracker is there."""
    deadline = time.monotonic() + _SECONDS
    while True:
        communication = collective.CommunicatorContext(**arguments)
        try:
            communication.__enter__()
            break
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
    try:
        yield
    finally:
        communication.__exit__()


def _address(host: str) -> str:
    """Return a host's address once its name is known."""
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            return socket.gethostbyname(host)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
