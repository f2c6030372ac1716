"""The notebook's lifecycle script, run with the AWS CLI in the form of a stub."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from cli import paths

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.conftest import Synthesise

# `aws s3 cp … --include NAME … SOURCE TARGET` copies files that lie in $BUCKET; `aws s3 sync … SOURCE TARGET` puts one
# into the target.
AWS = """#!/bin/bash
key="${@: -2:1}"; target="${@: -1}"
if [ "$2" = sync ]; then touch "$target/images.npy"; exit; fi
mkdir -p "$target"
while [ $# -gt 0 ]; do
    if [ "$1" = --include ]; then cp "$BUCKET/${key#s3://the-bucket/}$2" "$target" 2> /dev/null; fi
    shift
done
exit 0
"""
SUDO = """#!/bin/bash
[ "$1 $2" = "-u ec2-user" ] && exec "${@:3}"
"""
# Says how it was called, once it has been called to the end.
PYTHON = """#!/bin/bash
echo "HOME=$HOME $*"
"""


def text(value: Any) -> str:
    """A template's text, with a bucket's name where it refers to one."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        return "".join(text(part) for part in value["Fn::Join"][1])
    if "Fn::GetAtt" in value:
        return "arn:aws:iam::111122223333:role/ada"
    return "eu-west-1" if value == {"Ref": "AWS::Region"} else "the-bucket"


def on_start(template: dict[str, Any]) -> str:
    """The script in a seat's template."""
    resources = template["Resources"].values()
    [hooks] = [item for item in resources if item["Type"] == "AWS::SageMaker::NotebookInstanceLifecycleConfig"]
    return text(hooks["Properties"]["OnStart"][0]["Content"]["Fn::Base64"])


@pytest.fixture
def script(templates: dict[str, Any]) -> str:
    """Ada's script."""
    return on_start(templates["bricklab-seat-ada"])


class Instance:
    """A notebook instance's home folder, a PATH with stubs, and the lab's bucket."""

    def __init__(self, folder: Path) -> None:
        self.user = folder / "user"
        self.home = self.user / "SageMaker"
        self.bin = folder / "bin"
        self.bucket = folder / "bucket"
        for place in (self.home, self.bin, self.bucket / "notebooks", self.bucket / "seats" / "ada"):
            place.mkdir(parents=True)
        for file in (
            "bricks.ipynb",
            "jobs.ipynb",
            "hosting.ipynb",
            "algorithms.ipynb",
            "pipeline.ipynb",
            "drift.ipynb",
            "idle_stop.py",
            "kernel.sh",
            "labelling.zip",
            "packages.py",
            "requirements.txt",
        ):
            (self.bucket / "notebooks" / file).write_text(f"the lab's {file}")
        stubs = {"aws": AWS, "sudo": SUDO, "python3": PYTHON, "chown": "#!/bin/bash\n"}
        for name, content in stubs.items():
            (self.bin / name).write_text(content)
            (self.bin / name).chmod(0o755)

    def run(self, script: str, notebook: str | None = None) -> None:
        """Run a script as SageMaker does; `notebook` is the seat's own copy in the bucket, if there is one."""
        if notebook:
            (self.bucket / "seats" / "ada" / "bricks.ipynb").write_text(notebook)
        environment = {"PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}", "BUCKET": str(self.bucket)}
        # The script's own BUCKET is another variable to the stub.
        here = script.replace("BUCKET", "NAME_OF_BUCKET").replace("/home/ec2-user", str(self.user))
        here = here.replace("BRICKLAB_NAME_OF_BUCKET", "BRICKLAB_BUCKET").replace("/etc/profile.d", str(self.user))
        subprocess.run(["bash", "-c", here], check=True, env=environment)

    def said(self, file: str) -> str:
        """What a program that goes on in the background has printed, once it has."""
        log = self.home / file
        deadline = time.monotonic() + 30
        while not (log.exists() and log.read_text().endswith("\n")):
            assert time.monotonic() < deadline, f"nothing in {file}"
            time.sleep(0.05)
        return log.read_text()

    @property
    def notebook(self) -> Path:
        """What the student opens."""
        return self.home / "bricks.ipynb"


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    """An instance that has never been started."""
    return Instance(tmp_path)


def test_the_script_fits(script: str) -> None:
    """SageMaker takes 16,384 characters of base64, and runs what begins with a shell's name."""
    assert len(base64.b64encode(script.encode())) < 16_384
    assert script.startswith("#!/bin/bash\n")
    assert "\nset -eu\n" in script


def test_notebooks_are_told_where_the_lab_is(script: str, instance: Instance) -> None:
    """The variables that every notebook of the lab may rely on: a file for kernels, and the same for terminals."""
    instance.run(script, notebook="one")
    assert (instance.home / ".lab" / "variables.sh").read_text().splitlines() == [
        "export AWS_DEFAULT_REGION=eu-west-1",
        "export BRICKLAB_BUCKET=the-bucket",
        f"export BRICKLAB_DATA={instance.home}/data",
        "export BRICKLAB_DATABASE=bricklab__ada",
        "export BRICKLAB_ENDPOINT=bricklab",
        "export BRICKLAB_INSTANCE_TYPE=ml.m5.large",
        f"export BRICKLAB_LABELLING={instance.home}/.lab/labelling",
        "export BRICKLAB_PREFIX=bricklab-ada-",
        "export BRICKLAB_PROXY=/proxy/",
        "export BRICKLAB_ROLE=arn:aws:iam::111122223333:role/ada",
        "export BRICKLAB_SEAT=ada",
        "export BRICKLAB_SEAT_URI=s3://the-bucket/seats/ada/",
        "export BRICKLAB_WORKGROUP=bricklab-ada",
    ]
    assert (instance.user / "bricklab.sh").read_text() == (instance.home / ".lab" / "variables.sh").read_text()


def test_no_service_is_restarted(script: str) -> None:
    """Kernels need no Jupyter server that has read anything anew: a service of another name would fail the script."""
    assert "systemctl" not in script
    assert "initctl" not in script


def test_the_lab_has_a_kernel_of_its_own_name(script: str, instance: Instance) -> None:
    """In the user's home, where Jupyter finds it whatever other kernels there are; the notebooks ask for it by name."""
    notebook = paths.ROOT / "notebooks" / "bricks.ipynb"
    instance.run(script, notebook=notebook.read_text())
    [folder] = (instance.user / ".local" / "share" / "jupyter" / "kernels").iterdir()
    kernel = json.loads((folder / "kernel.json").read_text())
    assert kernel["argv"] == ["bash", f"{instance.home}/.lab/kernel.sh", "{connection_file}"]
    asked = json.loads(instance.notebook.read_text())["metadata"]["kernelspec"]
    assert asked == {"name": folder.name, "display_name": kernel["display_name"], "language": kernel["language"]}
    assert (instance.home / ".lab" / "kernel.sh").read_text() == "the lab's kernel.sh"


def test_notebook_and_data_lie_there_at_the_first_start(script: str, instance: Instance) -> None:
    """Both are there when the instance opens."""
    instance.run(script, notebook="one")
    assert instance.notebook.read_text() == "one"
    assert (instance.home / "jobs.ipynb").read_text() == "the lab's jobs.ipynb"
    assert (instance.home / "data" / "images.npy").exists()


def test_an_untouched_notebook_is_renewed(script: str, instance: Instance) -> None:
    """A new release of the notebook reaches students who have not changed theirs."""
    instance.run(script, notebook="one")
    instance.run(script, notebook="two")
    assert instance.notebook.read_text() == "two"


def test_a_student_s_work_is_never_overwritten(script: str, instance: Instance) -> None:
    """A changed notebook stays as it is, however often the lab delivers another."""
    instance.run(script, notebook="one")
    instance.notebook.write_text("mine")
    for delivered in ("two", "three", "three"):
        instance.run(script, notebook=delivered)
    assert instance.notebook.read_text() == "mine"


def test_a_seat_without_a_copy_gets_the_lab_s_notebook(script: str, instance: Instance) -> None:
    """The copy is the student's to delete, and an instance has to start all the same."""
    instance.run(script)
    assert instance.notebook.read_text() == "the lab's bricks.ipynb"


def test_packages_are_provided_in_the_background(script: str, instance: Instance) -> None:
    """By the student, from the lab's requirements, on the volume that stays, with a log that the student can read."""
    instance.run(script)
    lab = instance.home / ".lab"
    called = f"HOME={instance.user} {lab}/packages.py {lab}/requirements.txt {lab}/python {lab}/packages.txt\n"
    assert (lab / "packages.txt").read_text().startswith("Installing")
    assert instance.said("packages.log") == called
    assert (lab / "packages.py").read_text() == "the lab's packages.py"
    assert (lab / "requirements.txt").read_text() == "the lab's requirements.txt"


def test_an_idle_instance_is_stopped(script: str, instance: Instance) -> None:
    """By the student's own watch: after an hour, if the settings say nothing else."""
    instance.run(script)
    lab = instance.home / ".lab"
    watch = f"--folder {instance.home} --notebook-instance bricklab-ada --region eu-west-1 --idle-seconds"
    called = f"HOME={instance.user} {lab}/idle_stop.py {watch} 3600\n"
    assert instance.said(".lab/idle-stop.log") == called
    assert (lab / "idle_stop.py").read_text() == "the lab's idle_stop.py"


@pytest.mark.parametrize("minutes", [10, 0])
def test_the_settings_say_when(synthesise: Synthesise, instance: Instance, minutes: int) -> None:
    """After the setting's minutes; at zero nothing is started."""
    instance.run(on_start(synthesise(seats=["ada"], idle_minutes=minutes)["bricklab-seat-ada"]))
    assert instance.said("packages.log")
    if minutes:
        assert instance.said(".lab/idle-stop.log").endswith(f"--idle-seconds {minutes * 60}\n")
    else:
        assert not (instance.home / ".lab" / "idle-stop.log").exists()


class Kernels:
    """The lab's folder of an instance with kernel.sh in it, and Pythons that say how they were called."""

    SCRIPT = paths.ROOT / "infra" / "scripts" / "kernel.sh"

    def __init__(self, folder: Path) -> None:
        self.home, self.lab = folder, folder / "SageMaker" / ".lab"
        self.lab.mkdir(parents=True)
        (self.lab / "kernel.sh").write_text(self.SCRIPT.read_text())
        (self.lab / "variables.sh").write_text("export BRICKLAB_SEAT=ada\n")

    def python(self, name: str, *, imports: bool = True) -> Path:
        """Put a Python somewhere below the home folder."""
        python = self.home / name
        python.parent.mkdir(parents=True, exist_ok=True)
        imported = "exit 0" if imports else "exit 1"
        shown = 'echo "$0 $* $BRICKLAB_SEAT ${BRICKLAB_PACKAGES:-none} ${PATH%%:*}"'
        python.write_text(f'#!/bin/bash\n[ "$1" != -c ] || {imported}\n{shown}\n')
        python.chmod(0o755)
        return python

    def start(self) -> str:
        """What the Python says that the kernel is."""
        command = ["bash", str(self.lab / "kernel.sh"), "/tmp/connection.json"]  # noqa: S108 - a name
        environment = {"HOME": str(self.home), "PATH": "/usr/bin:/bin"}
        return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


CALLED = "-m ipykernel_launcher -f /tmp/connection.json ada"


@pytest.fixture
def kernels(tmp_path: Path) -> Kernels:
    """An instance without any Python but the machine's own."""
    return Kernels(tmp_path)


def test_a_kernel_is_the_lab_s_environment(kernels: Kernels) -> None:
    """Once it is complete: with the lab's variables, and its programs first for `!pip`."""
    kernels.python("anaconda3/envs/python3/bin/python")
    python = kernels.python("SageMaker/.lab/python/bin/python")
    (kernels.lab / "python" / "complete").touch()
    assert kernels.start() == f"{python} {CALLED} none {python.parent}"


@pytest.mark.parametrize("name", ["python3", "another"])
def test_a_kernel_from_before_its_packages_says_so(kernels: Kernels, name: str) -> None:
    """It is one of conda's Pythons that has ipykernel, and the notebook's first cell finds out from a variable."""
    kernels.python("SageMaker/.lab/python/bin/python")
    kernels.python("anaconda3/envs/bare/bin/python", imports=False)
    python = kernels.python(f"anaconda3/envs/{name}/bin/python")
    assert kernels.start() == f"{python} {CALLED} {kernels.lab}/packages.txt {python.parent}"


def test_a_complete_environment_without_its_python_is_none(kernels: Kernels) -> None:
    """The kernel starts all the same, to say that it is being made anew."""
    python = kernels.python("anaconda3/envs/python3/bin/python")
    (kernels.lab / "python").mkdir()
    (kernels.lab / "python" / "complete").touch()
    assert kernels.start() == f"{python} {CALLED} {kernels.lab}/packages.txt {python.parent}"
