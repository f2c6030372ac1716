"""Prepare everything a request needs, then listen: a host that answers /ping is one that can predict."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import uvicorn

from emulator.sagemaker.hosting.host import handlers
from emulator.sagemaker.hosting.host.app import Application

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

_KEEP_ALIVE_SECONDS = 3600  # the gateway closes idle connections; were both to, a request could meet a closing one


def run(listen: int, ml: Path) -> int:
    """Install, load, serve until SIGTERM; requests in progress are finished. Returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s:%(name)s:%(message)s", stream=sys.stdout)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as the container's serve.py does
    model = ml / "model"
    code = model / "code"
    if not _install(code):
        return 1
    # Imported here: TensorFlow must not be loaded before the requirements are installed.
    from emulator.sagemaker.hosting.host.serving import ModelServer  # noqa: PLC0415

    connection = socket.socket(fileno=listen)
    server = ModelServer.load(model, default=os.environ.get("SAGEMAKER_TFS_DEFAULT_MODEL_NAME"))
    rest = f"http://127.0.0.1:{connection.getsockname()[1]}/v1/models"
    handler = handlers.load(code, server=server, rest=rest)
    config = uvicorn.Config(
        Application(server, handler),
        lifespan="off",
        access_log=False,
        log_config=None,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[connection])
    return 0


def _install(code: Path) -> bool:
    """Install code/requirements.txt, unless code/lib brings the modules along; put both on the path."""
    requirements, library = code / "requirements.txt", code / "lib"
    sys.path[:0] = [str(code), str(library)] if library.exists() else [str(code)]
    if not requirements.exists() or not (code / handlers.SCRIPT).exists():
        return True
    if library.exists():
        log.warning("loading modules in '%s', ignoring requirements.txt", library)
        return True
    log.info("installing packages from requirements.txt...")
    done = subprocess.run([sys.executable, "-m", "pip", "install", "-r", str(requirements)], check=False)
    if done.returncode:
        log.error("failed to install required packages, exiting.")
    return done.returncode == 0
