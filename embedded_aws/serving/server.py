"""Prepare everything a request needs, then listen: a host that answers /ping is one that can predict."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from embedded_aws.runtime.requirements import are_met
from embedded_aws.serving import workers
from embedded_aws.serving.shares import Shares

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)


def run(listen: int, ml: Path) -> int:
    """Install, load, serve until SIGTERM; requests in progress are finished. Returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s:%(name)s:%(message)s", stream=sys.stdout)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as the container's serve.py does
    model = ml / "model"
    code = model / "code"
    scripted = (code / "inference.py").exists()
    if not _install(code, scripted=scripted):
        return 1
    # Without handlers there is no Python service whose workers could be counted.
    count = int(os.environ.get("SAGEMAKER_GUNICORN_WORKERS", "1")) if scripted else 1
    connection = socket.socket(fileno=listen)
    predictions = socket.create_server(("127.0.0.1", 0))
    return workers.run(count, partial(_serve, model, connection, predictions, Shares(count)))


def _serve(*arguments: Any) -> None:
    # Nothing that the requirements may replace must be loaded before they are installed.
    from embedded_aws.serving import worker  # noqa: PLC0415

    worker.serve(*arguments)


def _install(code: Path, *, scripted: bool) -> bool:
    """Install code/requirements.txt, unless code/lib brings the modules along; put both on the path."""
    requirements, library = code / "requirements.txt", code / "lib"
    sys.path[:0] = [str(code), str(library)] if library.exists() else [str(code)]
    if not requirements.exists() or not scripted:
        return True
    if library.exists():
        log.warning("loading modules in '%s', ignoring requirements.txt", library)
        return True
    if are_met(requirements):
        log.info("packages of requirements.txt are installed already")
        return True
    log.info("installing packages from requirements.txt...")
    done = subprocess.run([sys.executable, "-m", "pip", "install", "-r", str(requirements)], check=False)
    if done.returncode:
        log.error("failed to install required packages, exiting.")
    return done.returncode == 0
