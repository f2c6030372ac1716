"""One run of the command line, and how it ends."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from cli import screen, shell
from cli.errors import Interrupted, LabError
from cli.main import app


def run() -> None:
    """Run the command line. A user's mistake is one sentence and exit code 1; Ctrl-C is 130."""
    signal.signal(signal.SIGINT, _interrupt)
    undoing = shell.undo(os.environ)
    try:
        app(prog_name="./lab", obj=undoing)
    except LabError as error:
        _end(str(error))
    except (ClientError, BotoCoreError) as error:
        _end(f"AWS refused a call: {error} Run `./lab status` to see how the lab stands.")
    except Interrupted as interruption:
        screen.errors.print(f"\nInterrupted. {escape(str(interruption))}", soft_wrap=True)
        sys.exit(130)


def _interrupt(*_: object) -> NoReturn:
    raise Interrupted("`./lab up` goes on from here, `./lab down` takes it down.")


def _end(message: str) -> NoReturn:
    screen.errors.print(f"[red]✗[/] {escape(message)}", soft_wrap=True)
    sys.exit(1)
