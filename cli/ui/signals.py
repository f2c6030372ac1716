"""The signals that ask a command to end: Ctrl-C's, that of `kill`, and that of a terminal which is closed."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def hear(handler: Callable[[int, Any], object]) -> None:
    """Call the handler for each of them; what nohup has set to be ignored stays so."""
    for number in ENDING:
        if number is signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)
