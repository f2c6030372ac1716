"""`./lab env` and what undoes it, in a real shell."""

from __future__ import annotations

import os
import subprocess
import sys

from cli import paths
from embedded_aws import shell

BEFORE = {"PATH": os.environ["PATH"], "HTTPS_PROXY": "http://it's.mine:1", "NO_PROXY": "a b,$c"}
SET = {"HTTPS_PROXY": "http://127.0.0.1:2", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}


def seen(*lines: str) -> dict[str, str]:
    """The environment of a program in a shell that has run these lines."""
    script = "\n".join([*lines, "env -0"])
    output = subprocess.run(["bash", "-c", script], env=BEFORE, capture_output=True, check=True).stdout.decode()
    of_the_shell = ("_", "PWD", "SHLVL")
    pairs = (line.split("=", 1) for line in output.split("\0") if line)
    return {name: value for name, value in pairs if name not in of_the_shell}


def test_a_shell_is_as_it_was() -> None:
    """What was set has its value back, what was not is unset, twice over: the second `./lab env` notes the same."""
    changed = seen(*shell.exports(SET, BEFORE))
    assert SET.items() <= changed.items()
    assert seen(*shell.undo(changed)) == BEFORE
    assert changed == BEFORE
    assert seen(*shell.exports(SET, BEFORE)) == seen(*shell.exports(SET, BEFORE), *shell.exports(SET, changed))


def test_nothing_need_be_installed() -> None:
    """`./lab` reads it before there is any environment: with Python's own library it can be imported."""
    script = f"import sys; sys.path.insert(0, {str(paths.ROOT)!r}); from embedded_aws import shell"
    subprocess.run([sys.executable, "-I", "-S", "-c", script], check=True)


def test_lab_acts_as_if_it_had_never_been_set() -> None:
    """The lab that a shell is pointed at may be gone: `./lab env --off` works all the same, and says nothing else."""
    environment = {**os.environ, **seen(*shell.exports(SET, BEFORE))}
    command = [sys.executable, "-m", "cli", "env", "--off"]
    done = subprocess.run(command, cwd=paths.ROOT, env=environment, capture_output=True, text=True, check=True)
    assert seen(*shell.exports(SET, BEFORE), done.stdout) == BEFORE
