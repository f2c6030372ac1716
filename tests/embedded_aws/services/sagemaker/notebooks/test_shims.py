"""The shims of programs that a notebook instance has on AWS do what a script needs, or say that they can't."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import embedded_aws

FOLDER = Path(embedded_aws.__file__).parent / "services" / "sagemaker" / "notebooks" / "shims"


def run(command: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a script's command."""
    environment = {"PATH": f"{FOLDER}:{os.environ['PATH']}", "HOME": str(home), "USER": "root"}
    return subprocess.run(
        ["bash", "-c", command], cwd="/", env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("command", "printed"),
    [
        ("sudo echo -u a", "-u a"),
        ("sudo -u ec2-user -H echo done", "done"),
        ("sudo -iu ec2-user echo done", "done"),
        ("sudo --user=ec2-user -- echo done", "done"),
        ("sudo -E NAME=value bash -c 'echo $NAME'", "value"),
        ("sudo -u ec2-user bash -c 'echo \"$1\"' _ 'two words'", "two words"),
        ("sudo -u ec2-user bash <<< 'echo fed'", "fed"),
        ("sudo -u ec2-user -i <<< 'pwd'", "{home}"),
        ("sudo -u ec2-user -i pwd", "{home}"),
        ("sudo -u ec2-user whoami", "ec2-user"),
        ("sudo -uec2-user whoami", "ec2-user"),
        ("sudo -iu ec2-user whoami", "ec2-user"),
        ("sudo --user=ec2-user id -un", "ec2-user"),
        ("sudo -u ec2-user sudo whoami", "root"),
        ("sudo -u ec2-user id -u", "1000"),
        ("sudo id --user --name", "root"),
        ("sudo id -u", "0"),
        ("sudo -u ec2-user id", "uid=1000(ec2-user) gid=1000(ec2-user) groups=1000(ec2-user)"),
        ("id -g ec2-user", "1000"),
        ("sudo -u ec2-user bash -c 'echo $SUDO_USER $LOGNAME'", "root ec2-user"),
        ("chown -R ec2-user:ec2-user /", ""),
        ("chgrp ec2-user /", ""),
        ("systemctl --no-block restart jupyter-server", ""),
        ("sudo systemctl restart jupyter-server.service", ""),
    ],
)
def test_what_a_script_may_do(command: str, printed: str, tmp_path: Path) -> None:
    """The command runs as whoever we are; what needs root does nothing."""
    done = run(command, tmp_path)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, printed.format(home=tmp_path), "")


def test_sudo_passes_the_exit_status_on(tmp_path: Path) -> None:
    """A command that fails under sudo fails."""
    assert run("sudo -u ec2-user bash -c 'exit 7'", tmp_path).returncode == 7


@pytest.mark.parametrize("command", ["reboot", "shutdown -h now"])
def test_what_would_change_the_user_s_computer(command: str, tmp_path: Path) -> None:
    """It is refused by its name, with sudo too."""
    program, *_ = command.split()
    assert os.access(FOLDER / program, os.X_OK)  # or the real one would run
    for line in (command, f"sudo {command}"):
        done = run(line, tmp_path)
        assert done.returncode == 1
        assert done.stderr.startswith(f"{program}: not on a notebook instance of the embedded AWS")


@pytest.mark.parametrize("program", ["dnf", "yum"])
def test_the_package_manager_is_no_other_s(program: str, tmp_path: Path) -> None:
    """What it can't bring is refused in dnf's words, and the user's computer gets nothing."""
    assert os.access(FOLDER / program, os.X_OK)
    done = run(f"sudo {program} install -y nothing", tmp_path)
    assert (done.returncode, done.stdout) == (1, "No match for argument: nothing\n")
    assert done.stderr.startswith("Error: Unable to find a match: nothing\n")


def test_no_other_service(tmp_path: Path) -> None:
    """There is no service but Jupyter's, and restarting another is no success."""
    assert run("systemctl restart docker", tmp_path).returncode == 5
