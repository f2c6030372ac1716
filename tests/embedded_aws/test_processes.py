"""The processes of an embedded AWS, and the signals that come while one is started."""

from __future__ import annotations

import signal
import subprocess
import sys

import psutil
import pytest

from embedded_aws import processes
from tests.embedded_aws.account import until

# Its first thread ends, as at every end of a process, before another; this one goes on for a minute.
LINGERING = """
import ctypes, signal, threading, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
threading.Thread(target=time.sleep, args=(60,)).start()
ctypes.CDLL(None).pthread_exit(None)
"""


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


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows a process by the state of its first thread")
def test_an_end_is_that_of_all_threads() -> None:
    """One whose first thread alone has ended still holds its files and its port: it is ended, and waited for."""
    with subprocess.Popen([sys.executable, "-c", LINGERING]) as process:
        try:
            until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE)
            assert process.poll() is None
            processes.end(process.pid, grace=0.2)
            process.wait(5)  # which a thread that goes on would outlast
        finally:
            process.kill()
