"""Install what a model's code requires, when its host starts."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import TYPE_CHECKING

from embedded_aws.runtime.requirements import are_met

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)


def install(requirements: Path) -> bool:
    """Install a requirements.txt with pip, unless all of it is there; return whether it is there now."""
    if are_met(requirements):
        log.info("packages of requirements.txt are installed already")
        return True
    log.info("installing packages from requirements.txt...")
    done = subprocess.run([sys.executable, "-m", "pip", "install", "-r", str(requirements)], check=False)
    if done.returncode:
        log.error("failed to install required packages, exiting.")
    return done.returncode == 0
