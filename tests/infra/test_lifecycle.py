"""The notebook's lifecycle script, run with the AWS CLI in the form of a stub."""

from __future__ import annotations

import base64
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

HOME = "/home/ec2-user/SageMaker"
# `aws s3 cp … SOURCE TARGET` writes $NOTEBOOK to the target; `aws s3 sync … SOURCE TARGET` puts a file in it.
AWS = """#!/bin/bash
target="${@: -1}"
if [ "$2" = cp ]; then printf '%s' "$NOTEBOOK" > "$target"; else touch "$target/images.npy"; fi
"""


def text(value: Any) -> str:
    """A template's text, with a bucket's name where it refers to one."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        return "".join(text(part) for part in value["Fn::Join"][1])
    return "eu-west-1" if value == {"Ref": "AWS::Region"} else "the-bucket"


@pytest.fixture
def script(templates: dict[str, Any]) -> str:
    """Ada's script."""
    resources = templates["bricklab-seat-ada"]["Resources"].values()
    [hooks] = [item for item in resources if item["Type"] == "AWS::SageMaker::NotebookInstanceLifecycleConfig"]
    return text(hooks["Properties"]["OnStart"][0]["Content"]["Fn::Base64"])


class Instance:
    """A notebook instance's home folder, and a PATH with stubs."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.bin = folder / "bin"
        self.home.mkdir()
        self.bin.mkdir()
        for name, content in (("aws", AWS), ("chown", "#!/bin/bash\n"), ("systemctl", "#!/bin/bash\n")):
            (self.bin / name).write_text(content)
            (self.bin / name).chmod(0o755)

    def run(self, script: str, notebook: str) -> None:
        """Run a script as SageMaker does; `notebook` is what lies in the bucket."""
        environment = {"PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}", "NOTEBOOK": notebook}
        here = script.replace(HOME, str(self.home)).replace("/etc/profile.d", str(self.home))
        subprocess.run(["bash", "-c", here], check=True, env=environment)

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
    """What the notebook reads: the data's folder and the endpoint's name; and the seat's own place."""
    instance.run(script, notebook="one")
    assert (instance.home / "jupyter-env.sh").read_text().splitlines() == [
        "export AWS_DEFAULT_REGION=eu-west-1",
        f"export BRICKLAB_DATA={instance.home}/data",
        "export BRICKLAB_ENDPOINT=bricklab",
        "export BRICKLAB_SEAT_URI=s3://the-bucket/seats/ada/",
    ]


def test_notebook_and_data_lie_there_at_the_first_start(script: str, instance: Instance) -> None:
    """Both are there when the instance opens."""
    instance.run(script, notebook="one")
    assert instance.notebook.read_text() == "one"
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
