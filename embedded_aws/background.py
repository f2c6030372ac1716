"""The process that `embedded-aws start` leaves in the background: `python -m embedded_aws.background --state …`.

Nobody types this: its options are read by argparse. Typer, which people's commands are made with, takes a twelfth of
the time of a start.
"""

from __future__ import annotations

import gc

if __name__ == "__main__":
    gc.disable()  # looking for garbage, of which imports leave none, takes a fifth of their time

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from embedded_aws import faults, gateway, own_log, server, shell
from embedded_aws.plain_errors import plain_errors
from embedded_aws.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> None:
    """Serve in this process with exactly these settings, which are those of `Settings.arguments`."""
    shell.undo(os.environ)  # whoever began it may be pointed at one that is gone, and at its proxy
    settings = _settings(arguments)
    with plain_errors():
        faults.set_log(gateway.log(settings.home))
        own_log.keep_small(gateway.log(settings.home))
        server.run(settings)


def _settings(arguments: Sequence[str]) -> Settings:
    parser = argparse.ArgumentParser(prog="embedded_aws.background", allow_abbrev=False)
    for name in ("state", "cache", "images"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("port", "proxy"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--pace", type=float, required=True)
    parser.add_argument("--owner", type=int, default=0)
    parser.add_argument("--containers", default="")
    parser.add_argument("--enforce-iam", action="store_true")
    found = vars(parser.parse_args(arguments))
    return Settings(home=found.pop("state"), enforce=found.pop("enforce_iam"), **found)


if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    main(sys.argv[1:])
