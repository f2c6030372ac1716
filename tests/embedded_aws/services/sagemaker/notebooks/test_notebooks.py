"""Notebook instances run JupyterLab as their role, keep their volume, and leave nothing running."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
from botocore.exceptions import ClientError, WaiterError

from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway
from embedded_aws.runtime.process import Process
from tests.embedded_aws.account import Account, needs_sandbox, until
from tests.embedded_aws.jupyter import Jupyter

GROUP = "/aws/sagemaker/NotebookInstances"
ON_CREATE = "echo created >> /home/ec2-user/SageMaker/created\necho OnCreate says hello\n"
ON_START = """#!/bin/bash
set -eu
home=/home/ec2-user/SageMaker
aws sts get-caller-identity --query Arn --output text
echo "export GREETING='good morning'" > /etc/profile.d/greeting.sh
chown -R ec2-user:ec2-user "$home"
sudo -u ec2-user -i <<'AS_USER'
pwd > /home/ec2-user/SageMaker/home
whoami > /home/ec2-user/SageMaker/who
AS_USER
whoami >> /home/ec2-user/SageMaker/who
nohup sudo -u ec2-user bash -c 'echo $$ > /home/ec2-user/SageMaker/daemon; exec sleep 600' > /dev/null 2>&1 &
systemctl --no-block restart jupyter-server
"""
BOOT = Path(gateway.__file__).parent / "services" / "sagemaker" / "notebooks" / "boot.py"


class Notebook:
    """A notebook instance."""

    def __init__(self, account: Account, name: str, *, on_create: str = "", on_start: str = "") -> None:
        self.name, self.account = name, account
        hooks = {"OnCreate": on_create, "OnStart": on_start}
        encoded = {
            hook: [{"Content": base64.b64encode(text.encode()).decode()}] for hook, text in hooks.items() if text
        }
        self.sagemaker = account.sagemaker
        self.sagemaker.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName=name, **encoded)
        self.sagemaker.create_notebook_instance(
            NotebookInstanceName=name, InstanceType="ml.t3.medium", RoleArn=account.role, LifecycleConfigName=name
        )
        self.wait("in_service")

    def describe(self) -> dict[str, Any]:
        """DescribeNotebookInstance."""
        return dict(self.sagemaker.describe_notebook_instance(NotebookInstanceName=self.name))

    def open(self) -> Jupyter:
        """CreatePresignedNotebookInstanceUrl."""
        answer = self.sagemaker.create_presigned_notebook_instance_url(NotebookInstanceName=self.name)
        return Jupyter(answer["AuthorizedUrl"])

    def refusal(self) -> str:
        """Return the message with which it can't be opened."""
        with pytest.raises(ClientError) as caught:
            self.open()
        assert caught.value.response["Error"]["Code"] == "ValidationException"
        return str(caught.value.response["Error"]["Message"])

    def wait(self, state: str) -> None:
        """Wait with boto3's own waiter."""
        waiter = self.sagemaker.get_waiter(f"notebook_instance_{state}")
        waiter.wait(NotebookInstanceName=self.name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 6000})

    def start(self) -> None:
        """StartNotebookInstance, to its end."""
        self.sagemaker.start_notebook_instance(NotebookInstanceName=self.name)
        self.wait("in_service")

    def stop(self) -> None:
        """StopNotebookInstance, to its end."""
        self.sagemaker.stop_notebook_instance(NotebookInstanceName=self.name)
        self.wait("stopped")

    def log(self, stream: str) -> list[str]:
        """Return the lines of one of its log streams."""
        return self.account.lines(GROUP, f"{self.name}/{stream}")


def boot(folder: Path, script: str, seconds: float = 10) -> tuple[list[str], int]:
    """Return what a machine prints (no empty lines) that has this OnStart and `true` in the place of JupyterLab."""
    file = folder / "OnStart"
    file.write_text(script, newline="")
    booting = Process(
        [sys.executable, BOOT, "MARK", str(seconds), folder, f"OnStart={file}", "--", "true"],
        environment={"PATH": os.environ["PATH"]},
        folder=folder,
    )
    return [line for line in booting.lines() if line], booting.wait()


def machine(name: str, owner: gateway.Gateway) -> list[psutil.Process]:
    """Return all processes of a notebook instance: its supervisor, known by its folder, and what descends of that."""
    for process in psutil.Process(owner.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended
            if f"/notebooks/{name}-" in " ".join(process.cmdline()):
                return [process, *process.children(recursive=True)]
    return []


def pid_inside(process: psutil.Process) -> int:
    """Return the id by which a process is known where it runs, in a sandbox that counts anew."""
    status = Path(f"/proc/{process.pid}/status")
    numbers = re.search(r"(?m)^NSpid:.*\t(\d+)$", status.read_text()) if status.exists() else None
    return int(numbers[1]) if numbers else process.pid


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return those that still run."""
    return [process for process in processes if process.is_running()]


@pytest.fixture(scope="module")
def notebook(account: Account) -> Notebook:
    """Return a notebook instance with lifecycle scripts, in service."""
    return Notebook(account, "seat", on_create=ON_CREATE, on_start=ON_START)


@pytest.fixture(scope="module")
def jupyter(notebook: Notebook) -> Jupyter:
    """Its server."""
    return notebook.open()


def test_on_create_runs_at_creation(notebook: Notebook) -> None:
    """An instance in service has run it, and serves, before anybody has asked for a URL."""
    assert notebook.log("LifecycleConfigOnCreate") == ["OnCreate says hello"]
    assert notebook.describe()["Url"].startswith("127.0.0.1:")


def test_opens_jupyterlab(notebook: Notebook, jupyter: Jupyter) -> None:
    """The URL is answered to who has its token and to nobody else, and a second URL leads to the same server."""
    assert jupyter.ask("GET", "/api/status")[0] == 200
    assert jupyter.ask("GET", "/api/status", token="")[0] == 403
    assert jupyter.ask("GET", "/api/status", token="guessed")[0] == 403  # noqa: S106 - it is none
    assert notebook.describe()["Url"] == f"127.0.0.1:{jupyter.port}"
    [listed] = notebook.sagemaker.list_notebook_instances(NameContains="seat")["NotebookInstances"]
    assert listed["Url"] == notebook.describe()["Url"]
    assert (notebook.open().port, notebook.open().token) == (jupyter.port, jupyter.token)


def test_a_kernel_acts_as_the_role(account: Account, jupyter: Jupyter) -> None:
    """What runs in a notebook finds the instance's role, its region and the way to AWS without being told."""
    arn = jupyter.run("import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])").strip()
    assert arn.startswith(f"{account.role.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/")


def test_lifecycle_scripts_have_run(notebook: Notebook, jupyter: Jupyter) -> None:
    """They act as the role, reach the volume, set the kernels' environment and write their own log streams."""
    code = "import os, pathlib; print(os.environ['GREETING'], pathlib.Path('created').read_text(), os.getcwd())"
    greeting, created, folder = jupyter.run(code).rsplit(maxsplit=2)
    assert (greeting, created) == ("good morning", "created")
    assert folder.endswith("/home/ec2-user/SageMaker")
    assert jupyter.run("print(open('home').read())").strip() == folder.removesuffix("/SageMaker")
    assert notebook.log("LifecycleConfigOnCreate") == ["OnCreate says hello"]
    asked = "import subprocess; print(open('who').read(), subprocess.check_output('whoami', text=True))"
    assert jupyter.run(asked).split() == ["ec2-user", "root", "ec2-user"]
    assert ":assumed-role/" in notebook.log("LifecycleConfigOnStart")[0]
    until(lambda: any("JupyterLab" in line for line in notebook.log("jupyter.log")))
    assert re.match(r"Python 3\.\d+ of this computer stands in for conda's 3.10", notebook.log("jupyter.log")[0])


def test_listens_on_this_computer_only(jupyter: Jupyter, embedded: gateway.Gateway) -> None:
    """Neither the server nor a kernel can be reached from the network."""
    jupyter.run("pass")
    listening = {
        connection.laddr
        for process in machine("seat", embedded)
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert jupyter.port in {address.port for address in listening}
    assert len(listening) > 1
    assert {address.ip for address in listening} == {"127.0.0.1"}


def test_pip_installs_into_the_machine(jupyter: Jupyter) -> None:
    """A terminal's pip works in the machine, not in the image that all instances share."""
    code = "import subprocess, sys; print(sys.prefix, subprocess.check_output(['pip', 'config', 'debug'], text=True))"
    prefix, _, configuration = jupyter.run(code).partition(" ")
    assert prefix.endswith("/home/ec2-user/anaconda3/envs/python3")
    assert f"{prefix}/pip.conf" in configuration


def test_has_no_python_but_the_machine_s_own(jupyter: Jupyter) -> None:
    """As on Amazon Linux 2023, none has TensorFlow, and a newer one is there when a script has brought it."""
    find = "from importlib.util import find_spec as f; print([n for n in ('boto3', 'tensorflow', 'keras') if f(n)])"
    assert jupyter.run(find).strip() == "['boto3']"
    system = f"import subprocess; print(subprocess.check_output(['sudo', 'python3', '-c', \"{find}\"], text=True))"
    # A script's PATH, which has no conda in it.
    path = "import os; os.environ['PATH'] = os.environ['PATH'].partition('/anaconda3/bin:')[2]; "
    assert jupyter.run(path + system).strip() == "[]"
    listing = "ls $(echo $PATH | tr : ' ') | grep -Ex '(python|pip)[0-9.]*|uv|conda' | sort -u"
    code = f"import subprocess; print(subprocess.check_output(['bash', '-c', \"{listing}\"], text=True))"
    found = jupyter.run(code).split()
    assert [name for name in found if name != "python3.9"] == ["conda", "pip", "pip3", "python", "python3"]
    # The system's own is 3.9 where this computer has one; what stands in for it is told.
    version = "import subprocess; print(subprocess.check_output(['sudo', 'python3', '--version'], text=True))"
    assert jupyter.run(path + version).startswith("Python 3.9.") == ("python3.9" in found)


@needs_sandbox
def test_sees_its_own_machine_only(jupyter: Jupyter, embedded: gateway.Gateway, tmp_path: Path) -> None:
    """Paths, host and processes are those of AWS's machine: no file or process of another seat's or the user's."""
    (tmp_path / "diary").write_text("mine")
    code = f"""
import os, pathlib, signal, socket
print(pathlib.Path.home(), pathlib.Path.cwd(), socket.gethostname(), os.path.exists("/usr/bin/sudo"))
print([os.path.exists(path) for path in ({str(tmp_path)!r}, {str(Path.cwd())!r}, "/etc/shadow")])
try:
    os.kill({embedded.pid}, signal.SIGKILL)
except ProcessLookupError:
    print("nobody", len([name for name in os.listdir("/proc") if name.isdigit()]) < 30)
"""
    assert jupyter.run(code).splitlines() == [
        "/home/ec2-user /home/ec2-user/SageMaker seat True",
        "[False, False, False]",
        "nobody True",
    ]


def test_conda_brings_one(jupyter: Jupyter) -> None:
    """An environment of its own with Python, pip and uv; what else conda can do is refused with a sentence."""
    code = """
import subprocess
create = "conda create -y --prefix /tmp-env -c conda-forge python=3.12 pip uv".replace("/tmp-env", "own")
print(subprocess.run(create.split(), check=True, capture_output=True).returncode)
for program in ("python", "pip", "pip3", "uv"):
    subprocess.run([f"own/bin/{program}", "--version"], check=True)
subprocess.run(["own/bin/python", "-m", "pip", "--version"], check=True)
refused = subprocess.run(["conda", "install", "numpy"], capture_output=True, text=True)
print(refused.returncode, refused.stderr)
"""
    first, *_, last = jupyter.run(code).strip().splitlines()
    assert first == "0"
    assert last.startswith("1 conda: install: on a notebook instance of the embedded AWS conda only creates")


def test_ends_with_all_that_it_started(notebook: Notebook, jupyter: Jupyter, embedded: gateway.Gateway) -> None:
    """Kernels, terminals, what they started and what the scripts left end when it is stopped from within itself.

    The volume is there again after a start; everything else is new, and OnCreate does not run again.
    """
    jupyter.run("import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True)")
    jupyter.type("sleep 600 & nohup setsid sleep 600 & echo st''arted", until="started")
    jupyter.run("import pathlib; pathlib.Path('work').write_text('mine'); (pathlib.Path.home() / 'other').touch()")
    family = machine("seat", embedded)
    daemon = int(jupyter.run("print(open('daemon').read())"))
    assert daemon in [pid_inside(process) for process in family]
    assert sum(process.name() == "sleep" for process in family) >= 4
    stop = "['aws', 'sagemaker', 'stop-notebook-instance', '--notebook-instance-name', 'seat']"
    jupyter.run(f"import subprocess; subprocess.Popen({stop}); print('stopping')")
    notebook.wait("stopped")
    assert alive(family) == []
    assert "Url" not in notebook.describe()
    assert "Status (Stopped) not in ([InService])" in notebook.refusal()
    notebook.start()
    assert machine("seat", embedded) == []
    again = notebook.open()
    assert again.token != jupyter.token
    code = "import pathlib; print(*(pathlib.Path(p).read_text().split() for p in ('work', 'created')))"
    assert again.run(code).strip() == "['mine'] ['created']"
    assert (
        again.run("print((pathlib := __import__('pathlib')).Path.home().joinpath('other').exists())").strip() == "False"
    )
    notebook.stop()


@pytest.fixture(scope="module")
def plain(account: Account) -> Notebook:
    """Return a notebook instance whose scripts do nothing."""
    return Notebook(account, "plain", on_start="true")


def test_many_at_once_open_one_server(plain: Notebook, embedded: gateway.Gateway) -> None:
    """Of calls that come together one boots, and all get its URL."""
    with ThreadPoolExecutor(4) as callers:
        ports = list(callers.map(lambda _: plain.open().port, range(4)))
    assert len(set(ports)) == 1
    family = [process for process in machine("plain", embedded)[1:] if process.name() != "bwrap"]
    assert sum("jupyterlab" in process.cmdline() for process in family) == 1


def test_boots_again_after_a_shutdown(plain: Notebook) -> None:
    """JupyterLab that was shut down from within is no failure; the next URL leads to a new one."""
    before = plain.open()
    assert before.ask("POST", "/api/shutdown")[0] == 200
    until(lambda: "Url" not in plain.describe())
    assert plain.describe()["NotebookInstanceStatus"] == "InService"
    assert plain.open().token != before.token


def test_a_crash_fails_the_instance(plain: Notebook, embedded: gateway.Gateway) -> None:
    """A server that is killed makes it Failed with the reason; a start mends that; a delete takes the volume away."""
    plain.open()
    supervisor, *family = machine("plain", embedded)
    [server] = [process for process in family if "jupyterlab" in process.cmdline() and process.name() != "bwrap"]
    folder = Path(supervisor.cwd())
    os.kill(server.pid, signal.SIGKILL)
    until(lambda: plain.describe()["NotebookInstanceStatus"] == "Failed")
    reason = plain.describe()["FailureReason"]
    assert reason == "The Jupyter server ended with exit code 137. Please check your CloudWatch logs for more details."
    assert not supervisor.is_running()
    plain.start()
    assert "FailureReason" not in plain.describe()
    plain.stop()
    assert (folder / "home" / "ec2-user" / "SageMaker").is_dir()
    plain.sagemaker.delete_notebook_instance(NotebookInstanceName="plain")
    plain.wait("deleted")
    assert not folder.exists()


def test_a_failing_script_fails_the_instance(account: Account, embedded: gateway.Gateway) -> None:
    """The call that opens it is refused with what Describe then says; nothing that the script started lives on."""
    script = "sleep 600 & disown\necho trying\nexit 3"
    broken = Notebook(account, "broken", on_start=script)
    refused = broken.refusal()
    arn = "arn:aws:sagemaker:us-east-1:000000000000"
    assert refused == (
        f"Notebook Instance Lifecycle Config '{arn}:notebook-instance-lifecycle-config/broken' for Notebook Instance "
        f"'{arn}:notebook-instance/broken' failed: OnStart ended with exit code 3. "
        "Please check your CloudWatch logs for more details."
    )
    described = broken.describe()
    assert (described["NotebookInstanceStatus"], described["FailureReason"]) == ("Failed", refused)
    assert broken.log("LifecycleConfigOnStart") == ["trying"]
    assert machine("broken", embedded) == []


def test_a_failing_creation_is_told_at_once(account: Account, embedded: gateway.Gateway) -> None:
    """Nobody has to open it to learn that it Failed; a start does not run OnCreate again."""
    with pytest.raises(WaiterError, match="Failed"):
        Notebook(account, "stillborn", on_create="echo trying\nexit 3")
    name = {"NotebookInstanceName": "stillborn"}
    described = account.sagemaker.describe_notebook_instance(**name)
    assert "failed: OnCreate ended with exit code 3." in described["FailureReason"]
    assert machine("stillborn", embedded) == []
    account.sagemaker.start_notebook_instance(**name)
    account.sagemaker.get_waiter("notebook_instance_in_service").wait(**name, WaiterConfig={"Delay": 0.05})
    account.sagemaker.create_presigned_notebook_instance_url(**name)
    assert account.lines(GROUP, "stillborn/LifecycleConfigOnCreate") == ["trying"]
    account.sagemaker.stop_notebook_instance(**name)


@pytest.mark.parametrize(
    ("script", "logged"),
    [
        ("#!/usr/bin/env python3\nimport sys\nprint('python', sys.argv[1:])\n", "python []"),
        ("set -e\n[[ -n $BASH_VERSION ]] && echo bash\n", "bash"),
    ],
)
def test_a_script_s_first_line_says_what_runs_it(tmp_path: Path, script: str, logged: str) -> None:
    """Python, say; bash runs a script that says nothing."""
    assert boot(tmp_path, script) == (["MARK run OnStart", logged, "MARK serve"], 0)


@pytest.mark.parametrize("first", ["#!/bin/bash\r", "#!/opt/no/such/interpreter"])
def test_a_script_without_its_interpreter_fails(tmp_path: Path, first: str) -> None:
    """As one that was written on Windows does: bash says what it did not find, and nothing is run."""
    (run, said, failed), status = boot(tmp_path, f"{first}\necho has run\n")
    assert run == "MARK run OnStart"
    assert re.search(r"bad interpreter|cannot execute: required file not found", said)  # bash before 5.2, and since
    assert re.fullmatch(r"MARK failed OnStart 12[67]", failed)
    assert status == 1


def test_stops_while_it_boots(account: Account, embedded: gateway.Gateway) -> None:
    """A stop does not wait for a script; the call that waits for the server is refused."""
    slow = Notebook(account, "slow", on_start="sleep 600")
    with ThreadPoolExecutor(1) as callers:
        refused = callers.submit(slow.refusal)
        until(lambda: any(process.name() == "sleep" for process in machine("slow", embedded)))
        slow.stop()
        assert refused.result() == "The notebook instance was stopped while it booted."
    assert slow.describe()["NotebookInstanceStatus"] == "Stopped"
    assert machine("slow", embedded) == []


def test_a_script_has_its_time(tmp_path: Path) -> None:
    """One that takes longer is told of and ends with all that it started."""
    (run, pid, late), status = boot(tmp_path, "setsid sleep 600 & echo $!; sleep 600", seconds=0.5)
    assert (run, late, status) == ("MARK run OnStart", "MARK late OnStart", 1)
    assert not psutil.pid_exists(int(pid))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"PlatformIdentifier": "notebook-al2-v2"},
            "The embedded AWS has not got the platform notebook-al2-v2. It has: notebook-al2023-v1.",
        ),
        ({"RoleArn": "arn:aws:iam::000000000000:role/nobody"}, "Could not assume role"),
    ],
)
def test_refuses_what_can_not_run(account: Account, change: dict[str, str], sentence: str) -> None:
    """A platform that is not there and a role that SageMaker can't assume are named at once."""
    request = {"NotebookInstanceName": "refused", "InstanceType": "ml.t3.medium", "RoleArn": account.role, **change}
    with pytest.raises(ClientError, match=sentence):
        account.sagemaker.create_notebook_instance(**request)


def test_ends_with_a_killed_gateway(tmp_path: Path) -> None:
    """A gateway that is killed with SIGKILL leaves no server, no kernel and no stray of one."""
    home = tmp_path / "aws"
    running = gateway.start(home, cache=paths.cache(), environment=tool_environment(), pace=0.1, port=0)
    try:
        session: Any = boto3.Session("test", "test", region_name=gateway.REGION)
        account = Account(lambda service: session.client(service, endpoint_url=running.url))
        jupyter = Notebook(account, "orphan", on_start="true").open()
        jupyter.run("import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True)")
        family = machine("orphan", running)
        assert [process.name() for process in family].count("sleep") == 1
        os.kill(running.pid, signal.SIGKILL)
        until(lambda: not alive(family), 20)
    finally:
        gateway.stop(home)
