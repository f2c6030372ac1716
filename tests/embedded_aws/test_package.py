"""embedded-aws as somebody has it who knows nothing of the lab: its wheel in an empty environment, and its README.

The README's stack, training job and test are what runs here.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from cli import paths
from cli.programs import tool_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGE = paths.ROOT / "embedded_aws"
LAB = ("cli", "infra", "teardown", "bench", "model_code", "datasets", "tests")
_OURS = ("AWS_", "BRICKLAB_", "EMBEDDED_AWS_", "NODE_", "PYTEST_")


class Stranger:
    """A user with an environment of their own, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.python = folder, folder / "venv" / "bin" / "python"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        for name in ("PYTHONPATH", "VIRTUAL_ENV"):
            kept.pop(name, None)
        self.environment = {
            **kept,
            "PATH": f"{self.python.parent}{os.pathsep}{os.defpath}",
            "EMBEDDED_AWS_STATE": str(folder / "state"),
            "EMBEDDED_AWS_CACHE": str(paths.cache()),  # the images that other tests have installed
        }

    def types(self, command: str, *, pointed: bool = False) -> str:
        """Type a command into bash, `pointed` at the embedded AWS; return what it prints."""
        pointing = 'set -e; eval "$(embedded-aws env)"; ' if pointed else ""
        done = subprocess.run(
            ["bash", "-c", pointing + command],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


def runs(process: psutil.Process) -> bool:
    """Tell whether it does anything; one that has ended may wait for its parent to ask how."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Stranger:
    """One who has installed the wheel and pytest, and copied the README's files."""
    folder = tmp_path_factory.mktemp("stranger")
    made = Stranger(folder)
    uv = shlex.quote(str(paths.ROOT / ".venv" / "bin" / "uv"))
    made.types(f"{uv} build --quiet --wheel --out-dir dist {shlex.quote(str(PACKAGE))}")
    made.types(f"{uv} venv --quiet --python {shlex.quote(sys.executable)} venv")
    made.types(f"{uv} pip install --quiet --python {made.python} dist/*.whl pytest==9.2.0")
    readme = (PACKAGE / "README.md").read_text()
    for name, content in re.findall(r"```python\n# (\S+)\n(.*?)```", readme, re.DOTALL):
        (folder / name).write_text(content)
    return made


@pytest.fixture(scope="module")
def pointed(stranger: Stranger) -> Iterator[Stranger]:
    """The same, with an embedded AWS that runs; nothing of it is left afterwards."""
    stranger.types("embedded-aws start --port 0 --pace 0.1")
    pid = json.loads(stranger.types("embedded-aws status --json"))["pid"]
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    yield stranger
    stranger.types("embedded-aws stop")
    stranger.types("embedded-aws reset")
    assert not [process for process in family if runs(process)]
    assert not (stranger.folder / "state" / "state").exists()


def test_nothing_of_the_lab_is_there(stranger: Stranger) -> None:
    """The wheel brings one package."""
    found = f"import importlib.util as u; print([name for name in {LAB} if u.find_spec(name)])"
    assert stranger.types(f"python -c {shlex.quote(found)}") == "[]\n"


def test_the_readme_s_stack_and_job(pointed: Stranger) -> None:
    """The CDK deploys the stack, the script trains in a job, and the model is in the stack's bucket."""
    cdk = shlex.join([str(paths.CDK), "--app", shlex.join([sys.executable, "app.py"]), "--require-approval", "never"])
    node = f"export PATH={shlex.quote(tool_environment()['PATH'])}; "
    pointed.types(f"({node} {cdk} bootstrap aws://000000000000/us-east-1 && {cdk} deploy)", pointed=True)
    status, model = pointed.types("python job.py", pointed=True).split()[-2:]
    assert status == "Completed"
    bucket, key = model.removeprefix("s3://").split("/", 1)
    read = f"import boto3; boto3.client('s3').download_file({bucket!r}, {key!r}, 'model.tar.gz')"
    pointed.types(f"python -c {shlex.quote(read)}", pointed=True)
    assert pointed.types("tar -tzf model.tar.gz").split() == ["model.keras"]
    holds = json.loads(pointed.types("embedded-aws status --json"))["holds"]
    assert "mine" in holds["stacks"]
    assert bucket in holds["buckets"]
    assert len(holds["notebook instances"]) == 1


def test_the_readme_s_test(stranger: Stranger) -> None:
    """Pytest finds the fixtures by itself, no warning is hidden, and what they started has ended with it."""
    more = """
def test_a_module(embedded_aws_module, embedded_aws):
    assert embedded_aws_module.account != embedded_aws.account
    embedded_aws_module.client("sqs").create_queue(QueueName="kept")


def test_the_same_module(embedded_aws_module):
    [url] = embedded_aws_module.client("sqs").list_queues()["QueueUrls"]
    assert url.endswith("/kept")
"""
    afterwards = """
import os


def test_the_environment_is_as_before():
    assert not [name for name in os.environ if name.startswith("AWS_")]
"""
    (stranger.folder / "test_module.py").write_text(more)
    (stranger.folder / "test_more.py").write_text(afterwards)
    said = stranger.types("python -m pytest -W error -p no:cacheprovider --basetemp=tests test_m*.py")
    assert "5 passed" in said
    assert not list(stranger.folder.glob("tests/embedded_aws*/gateway.json"))
