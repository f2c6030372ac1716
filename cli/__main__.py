"""`python -m cli` is `./lab`: one run of the command line, and how it ends."""

from __future__ import annotations

import gc
import signal

if __name__ == "__main__":
    gc.disable()  # looking for garbage, of which imports leave none, takes a fifth of their time
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while it imports: there is nothing to say yet

import os
import sys
import time
from typing import NoReturn

from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from cli import embedded
from cli.command_line import app
from cli.ui import errors, screen, signals
from cli.ui.errors import Interrupted, LabError
from embedded_aws import shell
from labelling.errors import LabellingError

_STORM_SECONDS = 1.0  # in which further signals are the same impatience
_heard = [-_STORM_SECONDS]  # when the last was heeded


def run() -> None:
    """Run the command line. A user's mistake is one sentence and exit code 1; a signal is 128 and its number."""
    signals.hear(_interrupt)
    embedded.watch_from_now_on()
    undoing = shell.undo(os.environ)
    try:
        app(prog_name="./lab", obj=undoing)
    except (LabError, LabellingError) as error:
        _end(str(error))
    except (ClientError, BotoCoreError) as error:
        _end(f"AWS refused a call: {error} Run `./lab status` to see how the lab stands.")
    except OSError as error:
        _end(errors.of_system(error))
    except Interrupted as interruption:
        for number in signals.ENDING:
            signal.signal(number, signal.SIG_IGN)
        screen.errors.print(f"\nInterrupted. {escape(str(interruption))}", soft_wrap=True)
        sys.exit(128 + interruption.number)


def _interrupt(number: int, _: object) -> None:
    if time.monotonic() - _heard[0] < _STORM_SECONDS:
        return
    _heard[0] = time.monotonic()
    raise Interrupted("`./lab up` goes on from here, `./lab down` takes it down.", number)


def _end(message: str) -> NoReturn:
    """End with the message, and with what is behind it if a disk is full."""
    full = errors.full_disk()
    behind = f"\n{full}" if full and full not in message else ""
    screen.errors.print(f"[red]✗[/] {escape(message + behind)}", soft_wrap=True)
    sys.exit(1)


if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    run()
