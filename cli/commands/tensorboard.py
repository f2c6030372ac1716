"""`./lab tensorboard`: show the logs of the lab's training jobs in TensorBoard, from either target."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cli import downloads, settings
from cli.aws.session import connect
from cli.aws.tensorboard_logs import EventLogs
from cli.ui import screen
from cli.ui.errors import LabError
from embedded_aws import gateway

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cli.aws.session import Target

# TensorBoard imports TensorFlow where it is installed, for nothing that is needed here: 15 s and 700 MB against 3 s and
# 90 MB. tensorboard.compat leaves it alone when there is a module `notf`.
_PROGRAM = """
import sys, types
sys.modules["tensorboard.compat.notf"] = types.ModuleType("notf")
from tensorboard.main import run_main
run_main()
"""
_SYNC_SECONDS = 3
_START_SECONDS = 60
_STOP_SECONDS = 10
_POLL_SECONDS = 0.2


def tensorboard(target: Target, context: Sequence[str], jobs: Sequence[str], *, browser: bool, as_json: bool) -> None:
    """Show the logs of these jobs, or of all of the lab's, as they grow, until Ctrl-C."""
    lab = settings.read(context).name
    session = connect(target)
    folder = downloads.logs(target, "+".join(jobs)[:200] or lab)
    folder.mkdir(parents=True, exist_ok=True)
    logs = EventLogs(session, lab, jobs, folder)
    with screen.step(f"TensorBoard's logs of {', '.join(jobs) or lab}", quiet=as_json):
        if not logs.sync():
            whose = f"of {', '.join(jobs)}" if jobs else f"of any training job of the lab {lab}"
            raise LabError(
                f"There are no TensorBoard logs {whose}: train with TensorBoardOutputConfig, as `./lab up` does."
            )
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with _running_tensorboard(folder) as (process, url):
        if _wait_until_it_answers(process, url, ended):
            if as_json:
                print(json.dumps({"url": url, "logs": str(folder)}, indent=2), flush=True)
            else:
                screen.open_page(url, browser=browser, remark="   Ctrl-C ends it")
        # On a thread: who ends it does not wait for a slow network.
        threading.Thread(target=_sync_until, args=(logs, ended), daemon=True).start()
        while process.poll() is None and not ended.wait(_POLL_SECONDS):
            pass
        if not ended.is_set():
            raise LabError(f"TensorBoard has ended by itself: its log is {_log(folder)}.")


def _sync_until(logs: EventLogs, ended: threading.Event) -> None:
    while not ended.wait(_SYNC_SECONDS):
        try:
            logs.sync()
        except (
            ClientError,
            BotoCoreError,
            LabError,
        ) as error:  # it may come back: what is there can be looked at meanwhile
            screen.errors.print(f"No new logs: {error}", soft_wrap=True, markup=False)


@contextmanager
def _running_tensorboard(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start TensorBoard, and yield it with its address; end it, with all that it started, after the block."""
    port = gateway.any_free_port()
    options = [f"--logdir={folder}", f"--host={gateway.HOST}", f"--port={port}", "--reload_interval=3"]
    with _log(folder).open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us: we end it, with its data server
        )
    try:
        yield process, f"http://{gateway.HOST}:{port}/"
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)


def _wait_until_it_answers(process: subprocess.Popen[bytes], url: str, ended: threading.Event) -> bool:
    """Wait until TensorBoard answers; return False if it or the user has ended it."""
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and not ended.is_set():
        with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our URL
            return True
        if time.monotonic() > deadline:
            raise LabError(f"TensorBoard did not start within {_START_SECONDS} s.")
        ended.wait(_POLL_SECONDS)
    return False


def _log(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.log")
