"""The processes of an embedded AWS, and the signals that come while one is started."""

from __future__ import annotations

import signal

import pytest

from embedded_aws import processes


def test_a_signal_waits() -> None:
    """Whoever is interrupted in the block is so after it, once, by the handler that was there."""
    through = []

    def interrupted() -> None:
        with processes.signals_wait():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            through.append("it")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert through == ["it"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
