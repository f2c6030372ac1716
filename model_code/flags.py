"""The command line of a script whose user reads errors in a job's log."""

from __future__ import annotations

import argparse
from typing import NoReturn


class Flags(argparse.ArgumentParser):
    """Flags whose errors are a ValueError in one sentence, without argparse's usage text."""

    def __init__(self, *, prog: str, description: str | None) -> None:
        super().__init__(
            prog=prog,
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """Raise ValueError."""
        raise ValueError(f"{message[:1].upper()}{message[1:]}; `python {self.prog} --help` lists the flags.")
