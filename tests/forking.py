"""Runs `./lab` in a process of its own that need not import anew what every command needs: half of a short one's time.

It is forked from a server that has imported that, and nothing of `cli/`, which reads the environment as it is imported.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import boto3
import botocore.session

from embedded_aws.botocore_models import LOADER
from infra import settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
_IMPORTED = ("filelock", "psutil", "rich.console", "rich.markup", "rich.panel", "typer.rich_utils")
_ASKED = ("cloudformation", "cloudwatch", "iam", "lambda", "logs", "s3", "sagemaker", "sagemaker-runtime", "sts")
_OURS = ("embedded_aws.gateway", "embedded_aws.runtime.images", "embedded_aws.shell", "teardown.teardown")


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command with an environment of its own and an empty standard input, to its end."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        order = {"arguments": arguments, "environment": dict(environment), "out": str(out), "err": str(err)}
        server = _server()
        assert server.stdin
        assert server.stdout
        server.stdin.write(json.dumps(order) + "\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        return subprocess.CompletedProcess(["./lab", *arguments], code, out.read_text(), err.read_text())


@cache
def _server() -> subprocess.Popen[str]:
    """Start the server; it ends with its standard input, which is ours."""
    command = [sys.executable, "-m", __name__]
    server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(server.communicate)
    return server


def serve() -> None:
    """Run what is ordered, one after the other, and answer with each exit code."""
    for name in (*_IMPORTED, *_OURS):
        importlib.import_module(name)
    settings.read({})  # it reads which instance types SageMaker has
    botocore.session.create_loader = lambda search_path_string=None: LOADER  # noqa: ARG005 - its signature
    session: Any = boto3.Session("none", "none", region_name="us-east-1")
    for service in _ASKED:
        session.client(service)  # so that its model has been read
    gc.freeze()  # else each fork, looking for garbage, copies all of it
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _become(**json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _become(*, arguments: Sequence[str], environment: Mapping[str, str], out: str, err: str) -> NoReturn:
    os.environ.clear()
    os.environ.update(environment)
    for number, name, flags in ((0, os.devnull, os.O_RDONLY), (1, out, os.O_WRONLY), (2, err, os.O_WRONLY)):
        os.dup2(os.open(name, flags | os.O_CREAT), number)
    sys.argv[1:] = arguments
    runpy.run_module("cli", run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    serve()
