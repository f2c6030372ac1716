"""`./lab tune` runs a tuning job over the lab's training job, shows its trials, and can write the best down."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from cli import paths
from cli.aws import tuning
from cli.aws.session import Target
from cli.aws.tuning import TuningOptions
from cli.commands import tune
from cli.programs import tool_environment
from cli.ui.errors import LabError
from embedded_aws import gateway
from tests.embedded_aws.account import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LAB = "tuned"

# As train.py prints, in no time: the wider the first layer, the better. A learning rate of 0.5 takes long.
SCRIPT = b"""
import argparse, time
parser = argparse.ArgumentParser()
for name in ("epochs", "learning_rate", "batch_size", "hidden_units", "model_dir"):
    parser.add_argument(f"--{name}")
given = parser.parse_args()
print(f"epoch=1/1 val_accuracy={int(given.hidden_units.split(',')[0]) / 1000}", flush=True)
time.sleep(60 if given.learning_rate == "0.5" else 0)
"""
STACK = {
    "Resources": {"Parameter": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "none"}}},
    "Outputs": {"TrainingJobName": {"Value": ""}},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of an embedded AWS with a lab's training job in it, and the stack that names it."""
    home = tmp_path_factory.mktemp("home")
    running = gateway.start(home / "aws", cache=paths.cache(), environment=tool_environment(), pace=0.1, port=0)
    session = boto3.Session("test", "test", region_name=gateway.REGION)

    def client(service: str) -> Any:
        return session.client(service, endpoint_url=running.url)  # type: ignore[call-overload]  # any service's name

    account = Account(client)
    metrics = [{"Name": tuning.OBJECTIVE, "Regex": "val_accuracy=([0-9.]+)"}]
    tuned = {"epochs": "1", "learning_rate": "0.1", "batch_size": "32", "hidden_units": "128"}
    job = account.start_job(
        algorithm={"MetricDefinitions": metrics}, HyperParameters={**account.source({"train.py": SCRIPT}), **tuned}
    )
    assert account.end_of(job)["TrainingJobStatus"] == "Completed"
    stack = {**STACK, "Outputs": {"TrainingJobName": {"Value": job}}}
    cloudformation = client("cloudformation")
    cloudformation.create_stack(
        StackName=f"{LAB}-training", TemplateBody=json.dumps(stack), Tags=[{"Key": "bricklab:lab", "Value": LAB}]
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=f"{LAB}-training", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    yield home
    gateway.stop(home / "aws")


@pytest.fixture
def run(home: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts a command of the lab's."""

    def start(*arguments: str, lab: str = LAB) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "cli", *arguments, "-c", f"lab.name={lab}"],
            cwd=paths.ROOT,
            env={**os.environ, "BRICKLAB_HOME": str(home), "COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@cache
def sagemaker(home: Path) -> Any:
    """The client of the embedded AWS of that home."""
    running = gateway.running(home / "aws")
    assert running
    session = boto3.Session("test", "test", region_name=gateway.REGION)
    return session.client("sagemaker", endpoint_url=running.url)


def test_it_finds_the_best_and_writes_it_down(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The best trial is marked, and with --apply the settings are its hyperparameters, and nothing else is changed."""
    file = tmp_path / "cdk.json"
    file.write_text((paths.ROOT / "cdk.json").read_text())
    monkeypatch.setattr(paths, "CDK_JSON", file)
    monkeypatch.setattr(paths, "GATEWAY", home / "aws")
    before = json.loads(file.read_text())
    units = ["64", "256,128", "128"]
    ranges = {"learning_rate": ["0.001"], "batch_size": ["16"], "hidden_units": units}
    options = TuningOptions(strategy="grid", trials=None, parallel=2, ranges=ranges, early_stopping=False, seed=None)
    tune.tune(Target.EMBEDDED, [f"lab.name={LAB}"], options, apply=True, as_json=False)
    shown = capsys.readouterr().out
    [best] = [line for line in shown.splitlines() if "best" in line]
    assert "256,128" in best
    assert "25.60%" in best
    assert "They stand in cdk.json now" in shown.splitlines()[-1]
    found = {"learning_rate": 0.001, "batch_size": 16, "hidden_units": "256,128"}
    before["context"]["lab"].update(found)
    assert json.loads(file.read_text()) == before
    [name] = [job["HyperParameterTuningJobName"] for job in _tuning_jobs(home)]
    job = sagemaker(home).describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    static = job["TrainingJobDefinition"]["StaticHyperParameters"]
    assert static["epochs"] == "1"
    assert not {"learning_rate", "batch_size", "hidden_units"} & static.keys()


def test_json_is_for_programs(run: Callable[..., subprocess.Popen[str]]) -> None:
    """The trials, the best one and the tuning job's name, as one document and nothing beside it."""
    out, err = run("tune", "--json", "--trials", "2", "--seed", "1", "--learning-rate", "0.1:0.4").communicate()
    document = json.loads(out)
    assert document["status"] == "Completed", err
    assert len(document["trials"]) == 2
    assert document["best"] in document["trials"]
    assert document["best"]["objective"] == max(trial["objective"] for trial in document["trials"])


def test_without_a_terminal_each_trial_is_a_line_when_it_ends(run: Callable[..., subprocess.Popen[str]]) -> None:
    """A log shows what comes while it comes: trials that have ended stand there while another one trains.

    Whoever did not ask to have the best written down is told how to train with it all the same.
    """
    units = ["--hidden-units", "64", "--hidden-units", "128"]
    command = run(
        "tune", "--strategy", "Grid", "--parallel", "1", *units, "--learning-rate", "0.1", "--batch-size", "8"
    )
    assert command.stdout
    shown = [command.stdout.readline() for _ in range(2)]
    assert command.poll() is None
    out, err = command.communicate()
    assert "The tuning job " in shown[0], err
    assert "Completed  learning_rate 0.1, batch_size 8, hidden_units 64  validation:accuracy 6.40%" in shown[1]
    assert "hidden_units 128  validation:accuracy 12.80%" in out
    told = "./lab up -c lab.learning_rate=0.1 -c lab.batch_size=8 -c lab.hidden_units=128"
    assert told in out.replace("\n", " ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_tuning_job(
    home: Path, run: Callable[..., subprocess.Popen[str]], number: signal.Signals
) -> None:
    """The tuning job stops with its training jobs; the exit code is the signal's, and what was done is said."""
    before = len(_tuning_jobs(home))
    # Who runs the tests by nohup has SIGHUP ignored in all that they start.
    heeded = signal.signal(number, signal.SIG_DFL)
    command = run("tune", "--learning-rate", "0.5", "--trials", "2")
    signal.signal(number, heeded)
    _until(
        lambda: len(_tuning_jobs(home)) > before and _tuning_jobs(home)[0]["TrainingJobStatusCounters"]["InProgress"]
    )
    command.send_signal(number)
    _, err = command.communicate()
    assert command.returncode == 128 + number, err
    newest = _tuning_jobs(home)[0]["HyperParameterTuningJobName"]
    assert f"The tuning job {newest} stops" in err
    _until(lambda: _tuning_jobs(home)[0]["HyperParameterTuningJobStatus"] == "Stopped")
    assert not sagemaker(home).list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--strategy", "guess"], "--strategy guess: SageMaker has Bayesian, Random, Grid, Hyperband."),
        (["--trials", "0"], "--trials 0: must be a whole number from 1 to 500."),
        (["--parallel", "11"], "--parallel 11: must be a whole number from 1 to 10."),
        (["--seed", "-1"], "--seed -1: must be a whole number from 0"),
        (["--learning-rate", "0.1:0.01"], "--learning-rate 0.1:0.01: the range is upside down"),
        (["--learning-rate", "0:0.1"], "--learning-rate 0: must be greater than 0."),
        (["--learning-rate", "much"], "--learning-rate much: must be a valid number"),
        (["--batch-size", "16:many"], "--batch-size: many is not a number"),
        (["--batch-size", "16:32", "--batch-size", "64"], "--batch-size is given 2 times"),
        (["--hidden-units", "128,none"], "--hidden-units 128,none: must be one whole number of units"),
        (["--strategy", "Grid", "--batch-size", "16:32"], "--batch-size 16:32: Grid tries values only"),
        (["--strategy", "Grid", "--trials", "3"], "--trials: Grid tries every combination"),
        (["--strategy", "Hyperband", "--early-stopping"], "--early-stopping: Hyperband stops trials by itself"),
    ],
)
def test_a_wrong_option_is_one_sentence(options: list[str], said: str) -> None:
    """Option, value and rule, before anything is asked of AWS."""
    values: dict[str, list[str]] = {}
    for name, value in zip(options, [*options[1:], ""], strict=True):
        if name.startswith("--"):
            values.setdefault(name.removeprefix("--").replace("-", "_"), []).append(value)

    def number(name: str) -> int | None:
        return int(values[name][0]) if name in values else None

    chosen = TuningOptions(
        strategy=values.get("strategy", ["Bayesian"])[0],
        trials=number("trials"),
        parallel=number("parallel") or 2,
        ranges=values,
        early_stopping="early_stopping" in values,
        seed=number("seed"),
    )
    with pytest.raises(LabError) as refused:
        chosen.config([])
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_there_must_be_something_to_tune(run: Callable[..., subprocess.Popen[str]]) -> None:
    """A lab without a training job is told to come up first."""
    _, err = run("tune", lab="other").communicate()
    assert "The lab other has no training job to tune: `./lab up` deploys it and trains." in err


def test_there_must_be_enough_to_try(run: Callable[..., subprocess.Popen[str]]) -> None:
    """Fewer combinations than trials are refused in SageMaker's words."""
    options = ["--learning-rate", "0.1", "--batch-size", "16", "--hidden-units", "64"]
    _, err = run("tune", *options).communicate()
    assert "You don't have enough combinations of hyperparameter ranges" in err


def test_trials_of_a_spot_job_are_on_demand() -> None:
    """Nothing of its checkpoints or its wait for spot instances is taken over, and all else is."""
    job: dict[str, Any] = {
        "HyperParameters": {"epochs": "3", "batch_size": "16"},
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File", "ContainerEntrypoint": ["a"]},
        "RoleArn": "role",
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/training"},
        "CheckpointConfig": {"S3Uri": "s3://bucket/training"},
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 900, "MaxWaitTimeInSeconds": 1800},
    }
    assert tuning.definition(job, ["batch_size"]) == {
        "StaticHyperParameters": {"epochs": "3"},
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "RoleArn": "role",
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/training"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 900},
    }


@pytest.mark.parametrize("lab", ["a", "bricklab", "a" * 14, "a" * 20, "a" * 25])
def test_a_name_fits_whatever_the_labs_is(lab: str) -> None:
    """It begins with the lab's, has at most 32 characters, and is another one a second later."""
    names = {tuning.job_name(lab, now) for now in (1_800_000_000, 1_800_000_001)}
    assert len(names) == 2
    assert all(name.startswith(f"{lab}-") and len(name) <= 32 for name in names)


def test_a_lab_whose_name_is_too_long() -> None:
    """It is told how long a name may be."""
    with pytest.raises(LabError, match="it must have at most 25"):
        tuning.job_name("a" * 26, time.time())


def _tuning_jobs(home: Path) -> list[dict[str, Any]]:
    """The newest first."""
    found: list[dict[str, Any]] = sagemaker(home).list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"]
    return found


def _until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
