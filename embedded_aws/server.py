"""Serve the embedded AWS in this process until SIGTERM or SIGINT, from its state and back into it.

One that ends with an owner (a test run) leaves none behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import shutil
import signal
import threading
import time
from typing import TYPE_CHECKING

import psutil

from embedded_aws import gateway, late_imports, processes, proxies, tls, web
from embedded_aws.admin_token import AdminToken
from embedded_aws.certificates import Authority
from embedded_aws.database import Database
from embedded_aws.settings import HOST

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from embedded_aws.settings import Settings

_OWNER_SECONDS = 1
_END_SECONDS = 60
_KEPT = ("ministack", "notebooks", "objects")  # the folders of the state that stay: functions' code, volumes, S3


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, or until its owner has ended.

    Raises GatewayError if another process works in the same home folder, StateError if the state there can't be used.
    """
    held = gateway.hold(settings.home)
    _clear(settings.state)
    database = Database(settings.state)
    if settings.owner:
        threading.Thread(target=_end_with, args=(settings.owner,), name="owner", daemon=True).start()
    token = AdminToken(settings.admin_token)
    outside = dict(os.environ)
    authority = Authority(settings.certificates, outside)
    os.environ.update(_environment(settings, outside))
    try:
        asyncio.run(_serve(settings, authority, token, database, outside))
    finally:
        if settings.owner:
            database.close()
            shutil.rmtree(settings.state, ignore_errors=True)
        else:
            database.end()
            _clear(settings.state)
        settings.admin_token.unlink(missing_ok=True)
        held.close()


def _clear(state: Path) -> None:
    """Remove what is of one process only from a state folder, and make it if it is not there."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in state.iterdir():
        if each.is_dir() and each.name not in _KEPT:
            shutil.rmtree(each, ignore_errors=True)
    (state / "tmp").mkdir(exist_ok=True)


def _end_with(owner: int) -> None:
    """End this process once another has ended, by force if it hangs: who was killed could not stop it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(owner)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(_OWNER_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_END_SECONDS)
    processes.kill(psutil.Process().children(recursive=True))
    os.kill(os.getpid(), signal.SIGKILL)


def _environment(settings: Settings, outside: Mapping[str, str]) -> dict[str, str]:
    """Return what ministack reads when it is imported, and its functions inherit."""
    variables = {
        **proxies.variables(f"http://{HOST}:{settings.proxy}", settings.certificates, outside),
        "GATEWAY_PORT": str(settings.port),
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "AWS_ENDPOINT_URL": settings.url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "TMPDIR": str(settings.state / "tmp"),
        "S3_DATA_DIR": str(settings.state / "s3"),
        "STATE_DIR": str(settings.state / "ministack"),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }
    if settings.enforce:
        # It reads here whom its functions are to trust, and serves nothing by itself.
        trusted = str(tls.authority(settings.certificates))
        variables |= {"AUTH": "true", "USE_SSL": "1", "MINISTACK_SSL_CERT": trusted, "MINISTACK_SSL_KEY": trusted}
    return variables


async def _serve(
    settings: Settings, authority: Authority, token: AdminToken, database: Database, outside: Mapping[str, str]
) -> None:
    gc.disable()  # there is no garbage in what is imported and read here, and looking for it takes a fifth of the time
    late_imports.postpone()
    from embedded_aws.application import Application  # ministack reads the environment when it is imported

    application = Application(settings, token, database, outside)
    gc.freeze()  # what is there now stays: it need not be looked at ever again
    gc.enable()
    logging.getLogger("embedded_aws").info("embedded AWS on %s:%d", HOST, settings.port)
    try:
        await web.serve(
            application.asgi(),
            authority.context,
            port=settings.port,
            proxy_port=settings.proxy,
            encrypted=settings.enforce,
            outside=outside,
            started=application.started,
        )
    finally:
        await asyncio.to_thread(application.close)
        if application.statements:
            (settings.home / "statements.json").write_text(json.dumps(application.statements(), indent=1))
