"""What the user did or met, said in one sentence with the next step."""

from __future__ import annotations

import signal


class LabError(Exception):
    """Ends a command with its message and exit code 1, without a traceback."""


class Interrupted(BaseException):
    """Ctrl-C or another signal that ends a command, with what to do next.

    Typer would answer KeyboardInterrupt with the one word "Aborted".
    """

    def __init__(self, message: str, number: int = signal.SIGINT) -> None:
        super().__init__(message)
        self.number = number
