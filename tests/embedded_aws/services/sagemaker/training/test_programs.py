"""Jobs that bring programs in channels, as the SageMaker SDK's ModelTrainer does: they say /opt/ml and find it."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

import pytest

from embedded_aws.runtime import sandbox
from tests.embedded_aws.account import BUCKET, Account, files_of
from tests.zips import wheel

if TYPE_CHECKING:
    from typing import Any

GROUP = "/aws/sagemaker/TrainingJobs"
DRIVERS = "/opt/ml/input/data/sm_drivers"
ENTRYPOINT = {
    "ContainerEntrypoint": ["/bin/bash"],
    "ContainerArguments": [
        "-c",
        "chmod +x /opt/ml/input/data/sm_drivers/run.sh && /opt/ml/input/data/sm_drivers/run.sh",
    ],
}
DRIVER = b"""
#!/bin/bash
set -e
cd /opt/ml/input/data/code
pip3 install --no-index ./studs-1.0-py3-none-any.whl
$(command -v python3) program.py
"""
PROGRAM = b"""
import os, pathlib, studs
print("other place: " + "/opt/mlx")
print("cache: " + os.environ["CACHE_FOLDER"])
print("given: " + pathlib.Path("/opt/ml/input/config/hyperparameters.json").read_text())
print("data: " + pathlib.Path("/opt/ml/input/data/training/note.txt").read_text())
pathlib.Path("/opt/ml/model/weights.txt").write_text(f"{studs.COUNT}")
"""


def prefix(account: Account, files: dict[str, bytes]) -> str:
    """Put files below a prefix of their own; its URI."""
    folder = f"input/{uuid.uuid4().hex}"
    for name, content in files.items():
        account.put(f"{folder}/{name}", content)
    return f"s3://{BUCKET}/{folder}"


def channels(account: Account, **files: dict[str, bytes]) -> list[dict[str, Any]]:
    """InputDataConfig with these files in these channels."""
    return [
        {
            "ChannelName": name,
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": prefix(account, content)}},
        }
        for name, content in files.items()
    ]


HANDLER = b"""
import json, os

def handler(data, context):
    return json.dumps(sorted(os.listdir(os.environ["MODEL_FOLDER"]))), "application/json"
"""


@pytest.fixture(scope="module", params=["sandbox", "no sandbox"])
def sandboxed(request: pytest.FixtureRequest) -> bool:
    """Tell whether jobs are sandboxes; all that these tests say holds where there are none too."""
    if request.param == "sandbox" and isinstance(sandbox.find(), str):
        pytest.skip(str(sandbox.find()))
    return bool(request.param == "sandbox")


@pytest.fixture(scope="module")
def account(request: pytest.FixtureRequest, account: Account, *, sandboxed: bool) -> Account:
    """The test run's account, or one whose containers are no sandboxes."""
    return account if sandboxed else request.getfixturevalue("unsandboxed")


@pytest.fixture(scope="module")
def trained(account: Account) -> dict[str, Any]:
    """A job whose programs came in channels, and which has completed."""
    code = {"program.py": PROGRAM, "studs-1.0-py3-none-any.whl": wheel("studs", b"COUNT = 8\n")}
    return account.train(
        algorithm=ENTRYPOINT,
        Environment={"CACHE_FOLDER": "/opt/ml/cache"},
        HyperParameters={"folder": "/opt/ml/model"},
        InputDataConfig=channels(
            account, training={"note.txt": b"see /opt/ml"}, code=code, sm_drivers={"run.sh": DRIVER}
        ),
    )


def test_finds_what_it_calls_opt_ml(account: Account, trained: dict[str, Any]) -> None:
    """Arguments, driver and program use absolute paths, and what the program leaves in /opt/ml/model is the model."""
    assert trained["TrainingJobStatus"] == "Completed", trained.get("FailureReason")
    assert files_of(account.get(trained["ModelArtifacts"]["S3ModelArtifacts"])) == {"weights.txt": b"8"}


def test_leaves_data_and_other_paths_alone(account: Account, trained: dict[str, Any], *, sandboxed: bool) -> None:
    """Without a sandbox programs and variables are changed, and in them /opt/ml itself; in one nothing is."""
    lines = account.lines(GROUP, trained["TrainingJobName"])
    assert "other place: /opt/mlx" in lines
    assert "data: see /opt/ml" in lines
    assert f"given: {json.dumps({'folder': '/opt/ml/model'})}" in lines
    [cache] = [line for line in lines if line.startswith("cache: ")]
    assert cache.endswith("/ml/cache")
    assert (cache == "cache: /opt/ml/cache") == sandboxed


def test_tells_why_a_program_failed(account: Account) -> None:
    """What a program writes to /opt/ml/output/failure is the FailureReason."""
    driver = b"echo 'no bricks' > /opt/ml/output/failure; exit 7"
    ended = account.train(algorithm=ENTRYPOINT, InputDataConfig=channels(account, sm_drivers={"run.sh": driver}))
    assert ended["FailureReason"] == "AlgorithmError: no bricks, exit code: 7"


def test_installs_for_itself_only(account: Account, trained: dict[str, Any]) -> None:
    """What pip3 installed in one job is in no other."""
    assert trained["TrainingJobStatus"] == "Completed"
    driver = b"python3 -c 'import studs'"
    job = account.start_job(algorithm=ENTRYPOINT, InputDataConfig=channels(account, sm_drivers={"run.sh": driver}))
    assert account.end_of(job)["TrainingJobStatus"] == "Failed"
    assert "ModuleNotFoundError: No module named 'studs'" in account.lines(GROUP, job)


def test_an_endpoint_finds_it_too(account: Account) -> None:
    """A model's variable that says /opt/ml/model leads its handler to the model."""
    files = {"1/saved_model.pb": b"", "code/inference.py": HANDLER}
    model = account.model(files, environment={"MODEL_FOLDER": "/opt/ml/model"})
    assert account.invoke(account.endpoint(account.config(model)), {"instances": [[1, 2, 3]]}) == ["1", "code"]


def test_a_script_that_names_opt_ml_is_told(unsandboxed: Account) -> None:
    """Where it has none of its own, its model is not lost without a word."""
    ended = unsandboxed.train(HyperParameters=unsandboxed.source({"train.py": b"print('saved to /opt/ml/model')"}))
    assert ended["FailureReason"].startswith("AlgorithmError: There is no model. train.py names /opt/ml itself.")
    missed = b"open('/opt/ml/input/config/resourceconfig.json')"
    reason = unsandboxed.train(HyperParameters=unsandboxed.source({"train.py": missed}))["FailureReason"]
    assert reason.startswith("AlgorithmError: train.py names /opt/ml itself.")
