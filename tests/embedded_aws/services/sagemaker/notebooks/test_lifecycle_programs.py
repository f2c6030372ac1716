"""What AWS's public lifecycle samples ask of a notebook instance: what runs, and what fails in which words.

The samples are those of aws-samples/amazon-sagemaker-notebook-instance-lifecycle-config-samples; the scripts here are
our own and ask for the same programs and paths. Those that fetch a file from the internet (wget, conda's channels), or
mount a file system, run as far as this computer's network and programs let them, and are not looked at.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.embedded_aws.account import needs_sandbox, until
from tests.embedded_aws.services.sagemaker.notebooks.test_notebooks import Notebook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.embedded_aws.account import Account
    from tests.embedded_aws.jupyter import Jupyter


@pytest.fixture(scope="module")
def jupyter(account: Account) -> Iterator[Jupyter]:
    """Return the server of a notebook instance, which is stopped at the end."""
    notebook = Notebook(account, "samples", on_start="true")
    arn = notebook.describe()["NotebookInstanceArn"]
    account.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "GREETING", "Value": "hello"}])
    yield notebook.open()
    if notebook.describe()["NotebookInstanceStatus"] == "InService":
        notebook.stop()


def run(jupyter: Jupyter, script: str) -> tuple[int, str]:
    """Return the status and the output of a script that runs as a lifecycle script does: as root, with that PATH."""
    code = f"""
import json, os, subprocess
path = os.environ["PATH"].partition("/anaconda3/bin:")[2]
done = subprocess.run(
    ["env", "PATH=" + path, "USER=root", "bash", "-c", {script!r}],
    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/",
)
print(json.dumps([done.returncode, done.stdout]))
"""
    status, output = json.loads(jupyter.run(code))
    return status, output.strip()


AS_USER = "sudo -u ec2-user -i <<'EOF'\n{}\nEOF\n"
METADATA = "/opt/ml/metadata/resource-metadata.json"


@needs_sandbox
@pytest.mark.parametrize(
    ("script", "printed"),
    [
        pytest.param(
            f'set -e\nmkdir ~ec2-user/.pip\necho "[global]" > ~ec2-user/.pip/pip.conf\nls {"~ec2-user/.pip"}',
            "pip.conf",
            id="add-pypi-repository",
        ),
        pytest.param(
            f"set -e\narn=$(jq -r .ResourceArn {METADATA})\n"
            "tags=$(aws sagemaker list-tags --resource-arn $arn)\n"
            "value=$(jq -r '.Tags[] | select(.Key == \"GREETING\").Value' <<< $tags)\n"
            'echo "export GREETING=$value" >> /etc/profile.d/jupyter-env.sh\n'
            "release=$(cat /etc/os-release)\n"
            '[[ $release == *"amazon-linux-ami"* ]] || sudo systemctl --no-block restart jupyter-server.service\n'
            ". /etc/profile.d/jupyter-env.sh; echo $GREETING",
            "hello",
            id="set-env-variable",
        ),
        pytest.param(
            AS_USER.format('git config --global user.name "A Student"\ngit config user.name'),
            "A Student",
            id="set-git-config",
        ),
        pytest.param(
            AS_USER.format("source activate python3\npip --version > /dev/null && which python\nsource deactivate"),
            "/home/ec2-user/anaconda3/envs/python3/bin/python",
            id="install-pip-package-single-environment",
        ),
        pytest.param(
            AS_USER.format(
                "for env in base /home/ec2-user/anaconda3/envs/*; do\n"
                '  source /home/ec2-user/anaconda3/bin/activate $(basename "$env")\n'
                '  pip --version > /dev/null && echo "$CONDA_DEFAULT_ENV"\n'
                "  source /home/ec2-user/anaconda3/bin/deactivate\ndone"
            ),
            "base\npython3",
            id="install-pip-package-all-environments",
        ),
        pytest.param(
            AS_USER.format('eval "$(conda shell.bash hook)"\nconda activate python3\necho $CONDA_DEFAULT_ENV'),
            "python3",
            id="conda's hook",
        ),
        pytest.param(
            "set -e\nsource /home/ec2-user/anaconda3/bin/activate python3\n"
            'echo \'{"cells": [{"cell_type": "code", "execution_count": null, "id": "a", "metadata": {}, '
            '"outputs": [], "source": "print(6 * 7)"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}\' '
            "> /tmp/note.ipynb\n"
            "jupyter nbconvert /tmp/note.ipynb --to notebook --execute --ExecutePreprocessor.kernel_name=python3 "
            "--output ran.ipynb 2> /tmp/nbconvert.log || cat /tmp/nbconvert.log\n"
            "jq -r '.cells[0].outputs[0].text | add' /tmp/ran.ipynb",
            "42",
            id="execute-notebook-on-startup",
        ),
        pytest.param(
            "sudo -u ec2-user nohup bash -c 'echo copied' >> /home/ec2-user/nohup.out 2>&1 &\n"
            "wait; grep copied /home/ec2-user/nohup.out",
            "copied",
            id="migrate-ebs-data",
        ),
        pytest.param("echo line >> /var/log/jupyter.log; cat /var/log/jupyter.log", "line", id="/var/log"),
        pytest.param("yum erase amazon-ssm-agent --assumeyes | tail -1", "Complete!", id="disable-uninstall-ssm-agent"),
        pytest.param("python3 -c 'import boto3' 2> /dev/null || echo none", "none", id="no package of python3's"),
        pytest.param("curl --version > /dev/null && echo there", "there", id="connect-emr-cluster"),
    ],
)
def test_a_sample_runs(jupyter: Jupyter, script: str, printed: str) -> None:
    """It does what it does on AWS."""
    assert run(jupyter, script) == (0, printed)


@needs_sandbox
@pytest.mark.parametrize(
    ("script", "status", "said"),
    [
        pytest.param("crontab -l", 127, "crontab: command not found", id="auto-stop-idle, without cronie"),
        pytest.param("dnf install -y texlive", 1, "Error: Unable to find a match: texlive", id="export-to-pdf"),
        pytest.param("dnf install cronie", 1, "Operation aborted.", id="nobody agrees"),
        pytest.param("sudo -u ec2-user dnf install -y cronie", 1, "superuser privileges", id="not as root"),
        pytest.param("initctl restart jupyter-server", 127, "initctl: command not found", id="AL1's initctl"),
        pytest.param("amazon-linux-extras install -y lustre", 127, "command not found", id="mount-fsx-lustre"),
        pytest.param(
            "systemctl restart amazon-cloudwatch-agent.service",
            5,
            "Failed to restart amazon-cloudwatch-agent.service: Unit amazon-cloudwatch-agent.service not found.",
            id="publish-instance-metrics",
        ),
        pytest.param(
            AS_USER.format("source activate R"), 1, "EnvironmentNameNotFound: Could not find", id="install-r-package"
        ),
        pytest.param(AS_USER.format("conda install -y scipy"), 1, "conda: install: ", id="install-conda-package"),
        pytest.param("reboot", 1, "reboot: not on a notebook instance", id="proxy-for-jupyter"),
        pytest.param("python3.12 -c ''", 127, "command not found", id="no other Python"),
    ],
)
def test_a_sample_fails(jupyter: Jupyter, script: str, status: int, said: str) -> None:
    """What is not there is said in the words of the program that it is asked of."""
    failed, output = run(jupyter, script)
    assert (failed, said in output) == (status, True), output


@needs_sandbox
def test_dnf_brings_a_python(jupyter: Jupyter) -> None:
    """One that this computer has is there then, bare as the machine's own, with a pip if that is asked for."""
    has = run(jupyter, "ls ~/anaconda3/pkgs")[1].split()
    newer = [name for name in has if name.startswith("python3.1")]
    for name in newer:
        version = name.removeprefix("python")
        script = f"""set -e
dnf install -y {name} {name}-pip > /dev/null
{name} -c 'import sys; print("{{}}.{{}}".format(*sys.version_info), "site-packages" in str(sys.path))'
{name} -m venv --without-pip ~/{name}
~/{name}/bin/python -c 'import sys; print(sys.prefix)'
for pip in "{name} -m pip" pip{version}; do $pip --version | grep -o '(.*)'; done
dnf install -y {name}
"""
        assert run(jupyter, script) == (
            0,
            (
                f"{version} True\n/home/ec2-user/{name}\n(python {version})\n(python {version})\n"
                f"Package {name} is already installed.\nDependencies resolved.\nNothing to do.\nComplete!"
            ),
        )
    lacking = next(name for minor in range(11, 30) if (name := f"python3.{minor}") not in newer)
    status, output = run(jupyter, f"dnf install -y {lacking}")
    assert status == 1
    assert output.startswith(f"No match for argument: {lacking}\nError: Unable to find a match: {lacking}\n")


@needs_sandbox
def test_a_job_of_cron_runs(jupyter: Jupyter) -> None:
    """Once cronie is there and crond started, a job runs at its minute as root, with cron's PATH, and reaches AWS."""
    job = "* * * * * (date; echo $PATH $USER; aws sts get-caller-identity --query Arn) >> /var/log/cron.log 2>&1"
    install = f"""dnf install -y cronie > /dev/null
systemctl enable --now crond
systemctl is-active crond
(crontab -l 2> /dev/null; echo '{job}') | crontab -
crontab -l
"""
    assert run(jupyter, install) == (0, f"active\n{job}")
    refused, said = run(jupyter, "echo '61 * * * * true' | crontab -")
    assert refused == 1
    assert "bad minute" in said
    assert run(jupyter, "crontab -l") == (0, job)
    until(lambda: "assumed-role" in run(jupyter, "cat /var/log/cron.log")[1], seconds=100)
    assert "/usr/bin:/bin root" in run(jupyter, "cat /var/log/cron.log")[1]
    assert run(jupyter, "systemctl stop crond; systemctl is-active crond")[0] == 3
