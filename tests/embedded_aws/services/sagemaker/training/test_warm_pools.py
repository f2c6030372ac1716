"""Managed warm pools: the next training job that matches takes over what the last one left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.embedded_aws.account import BUCKET, Account, python, until
from tests.zips import wheel

if TYPE_CHECKING:
    from collections.abc import Callable

GROUP = "/aws/sagemaker/TrainingJobs"
KEPT = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 7, "KeepAlivePeriodInSeconds": 600}
CACHE = "import os, pathlib; cache = pathlib.Path(os.environ['SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY']); "
STUDS = "studs-1.0-py3-none-any.whl"
# Prints whether its process was started without it, once it has imported a package of the image.
ASKING = b"""
import argparse, os
parser = argparse.ArgumentParser()
parser.add_argument("--colour")
given = parser.parse_known_args()[0]
if given.colour:
    os.environ["COLOUR"] = given.colour
import PIL.Image
waited = "train.py" not in open("/proc/self/cmdline").read()
print(f"warm {waited} {os.environ.get('COLOUR')}")
print(f"{PIL.Image.__spec__.name} {__name__} {__file__}")
"""


def kept(**changes: Any) -> dict[str, Any]:
    """A ResourceConfig that no other test's pool matches unless it is told to."""
    return {"ResourceConfig": {**KEPT, **changes}}


def pool(account: Account, job: str) -> dict[str, Any]:
    """The WarmPoolStatus of a job."""
    described = account.sagemaker.describe_training_job(TrainingJobName=job)
    return dict(described.get("WarmPoolStatus", {}))


def keep_for(account: Account, job: str, seconds: int) -> None:
    """Update for how long a job's pool is kept."""
    account.sagemaker.update_training_job(TrainingJobName=job, ResourceConfig={"KeepAlivePeriodInSeconds": seconds})


def code_of(call: Callable[[], Any]) -> tuple[str, str]:
    """With which code and sentence a call is refused."""
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response["Error"]["Code"], refused.value.response["Error"]["Message"]


@pytest.fixture(autouse=True)
def no_pool_left(account: Account) -> Any:
    """No test finds another's pool."""
    yield
    left = account.sagemaker.list_training_jobs(WarmPoolStatusEquals="Available")["TrainingJobSummaries"]
    for each in left:
        keep_for(account, each["TrainingJobName"], 0)


def test_the_next_job_takes_the_pool_over_with_its_cache(account: Account) -> None:
    """Available, then Reused by the second job, which is InUse; without a period of its own that ends it."""
    first = account.start_job(entrypoint=python(f"{CACHE}(cache / 'pip').mkdir()"), **kept())
    assert account.end_of(first)["WarmPoolStatus"] == {"Status": "Available"}
    listed = account.sagemaker.list_training_jobs(WarmPoolStatusEquals="Available")["TrainingJobSummaries"]
    assert [each["TrainingJobName"] for each in listed] == [first]
    code = f"{CACHE}import time; print(os.listdir(cache), cache.parent.parent, flush=True); time.sleep(1)"
    unkept: dict[str, Any] = {"ResourceConfig": {k: v for k, v in KEPT.items() if k != "KeepAlivePeriodInSeconds"}}
    second = account.start_job(entrypoint=python(code), **unkept)
    assert pool(account, second) == {"Status": "InUse"}
    reused = pool(account, first)
    assert (reused["Status"], reused["ReusedByJob"]) == ("Reused", second)
    assert reused["ResourceRetainedBillableTimeInSeconds"] >= 0
    assert account.end_of(second)["TrainingJobStatus"] == "Completed"
    assert pool(account, second) == {"Status": "Terminated"}
    (line,) = account.lines(GROUP, second)
    assert line.startswith("['pip'] ")
    account.sagemaker.delete_training_job(TrainingJobName=first)


@pytest.mark.parametrize(
    "other",
    [
        kept(VolumeSizeInGB=8),
        kept(InstanceType="ml.m5.xlarge"),
        {**kept(), "EnableNetworkIsolation": True},
        {**kept(), "EnableInterContainerTrafficEncryption": True},
    ],
    ids=lambda other: str(other)[:60],
)
def test_a_job_that_does_not_match_leaves_the_pool(account: Account, other: dict[str, Any]) -> None:
    """It starts on instances of its own, without the other job's cache."""
    first = account.train(entrypoint=python("print(1)"), **kept())["TrainingJobName"]
    second = account.start_job(entrypoint=python(f"{CACHE}print(list(cache.iterdir()))"), **other)
    assert "WarmPoolStatus" not in account.sagemaker.describe_training_job(TrainingJobName=second)
    assert pool(account, first) == {"Status": "Available"}
    account.end_of(second)
    assert account.lines(GROUP, second) == ["[]"]


def test_a_pool_ends_when_it_is_told_to(account: Account) -> None:
    """Until then its job can't be deleted; afterwards there is nothing to update."""
    job = account.train(entrypoint=python("print(1)"), **kept())["TrainingJobName"]
    code, message = code_of(lambda: account.sagemaker.delete_training_job(TrainingJobName=job))
    assert (code, "warm pool" in message) == ("ResourceInUse", True)
    keep_for(account, job, 900)
    described = account.sagemaker.describe_training_job(TrainingJobName=job)
    assert described["ResourceConfig"] == {**KEPT, "KeepAlivePeriodInSeconds": 900}
    keep_for(account, job, 0)
    assert pool(account, job)["Status"] == "Terminated"
    code, message = code_of(lambda: keep_for(account, job, 10))
    assert (code, "Terminated" in message) == ("ValidationException", True)
    account.sagemaker.delete_training_job(TrainingJobName=job)


def test_a_pool_that_nobody_takes_over_ends_after_its_period(account: Account) -> None:
    """It says for how long it is billed."""
    job = account.train(entrypoint=python("print(1)"), **kept(KeepAlivePeriodInSeconds=1))["TrainingJobName"]
    until(lambda: pool(account, job)["Status"] == "Terminated")
    assert pool(account, job)["ResourceRetainedBillableTimeInSeconds"] >= 1


def test_a_job_that_fails_or_is_stopped_leaves_a_pool(account: Account) -> None:
    """As long as the instances are sound, which they are not before they were there."""
    failed = account.train(entrypoint=python("raise SystemExit(3)"), **kept())
    assert (failed["TrainingJobStatus"], failed["WarmPoolStatus"]) == ("Failed", {"Status": "Available"})
    job = account.start_job(entrypoint=python("import time; print('up', flush=True); time.sleep(60)"), **kept())
    until(lambda: "up" in account.printed(GROUP, job))
    account.sagemaker.stop_training_job(TrainingJobName=job)
    assert account.end_of(job)["WarmPoolStatus"] == {"Status": "Available"}
    image = {"TrainingImage": "111122223333.dkr.ecr.us-east-1.amazonaws.com/mine:1.0"}
    nothing = account.train(entrypoint=python("print(1)"), algorithm=image, **kept(VolumeSizeInGB=9))
    assert (nothing["TrainingJobStatus"], nothing["WarmPoolStatus"]) == ("Failed", {"Status": "Terminated"})


def test_without_a_quota_the_job_runs_and_nothing_is_retained(account: Account, client: Callable[[str], Any]) -> None:
    """SageMaker's guide: a pool beyond the account's quota is not retained; new accounts have none of any type."""
    quotas, instance_type = client("service-quotas"), "ml.p4de.24xlarge"
    pages = quotas.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    codes = {each["QuotaName"]: each["QuotaCode"] for page in pages for each in page["Quotas"]}
    code = codes[f"{instance_type} for training job usage"]
    quotas.request_service_quota_increase(ServiceCode="sagemaker", QuotaCode=code, DesiredValue=1)
    quotas.close()
    job = account.train(entrypoint=python("print(1)"), **kept(InstanceType=instance_type))
    assert (job["TrainingJobStatus"], job["WarmPoolStatus"]) == ("Completed", {"Status": "Terminated"})


@pytest.mark.parametrize(
    "request_",
    [
        {"EnableManagedSpotTraining": True, "StoppingCondition": {"MaxRuntimeInSeconds": 9, "MaxWaitTimeInSeconds": 9}},
        {
            "ResourceConfig": {
                "InstanceGroups": [{"InstanceType": "ml.m5.large", "InstanceCount": 1, "InstanceGroupName": "a"}],
                "VolumeSizeInGB": 5,
                "KeepAlivePeriodInSeconds": 60,
            }
        },
    ],
    ids=["spot", "groups"],
)
def test_what_has_no_warm_pool_on_aws_is_refused(account: Account, request_: dict[str, Any]) -> None:
    """Spot instances and heterogeneous clusters."""
    code, message = code_of(lambda: account.start_job(entrypoint=python("print(1)"), **{**kept(), **request_}))
    assert (code, "KeepAlivePeriodInSeconds" in message) == ("ValidationException", True)


class Toolkit:
    """Jobs of one pool that run scripts by the training toolkit."""

    def __init__(self, account: Account, gigabytes: int) -> None:
        self._account, self._kept = account, kept(VolumeSizeInGB=gigabytes)

    def __call__(self, files: dict[str, bytes], **hyperparameters: str) -> dict[str, Any]:
        """Run one to its end; what Describe answers, its log, and whether its process waited for it."""
        given = {**self._account.source(files), **hyperparameters}
        described = self._account.train(HyperParameters=given, **self._kept)
        lines = self._account.lines(GROUP, described["TrainingJobName"])
        warm = [line.split()[1] == "True" for line in lines if line.startswith("warm ")]
        return {**described, "lines": lines, "warm": warm}


def test_a_script_finds_its_imports_ahead_where_they_are_the_same(account: Account) -> None:
    """A second job's process waited for the job; not where the environment of the import is another one."""
    run = Toolkit(account, 21)
    assert run({"train.py": ASKING})["warm"] == [False]
    second = run({"train.py": ASKING})
    assert (second["warm"], second["TrainingJobStatus"]) == ([True], "Completed"), "\n".join(second["lines"])
    said = next((line for line in second["lines"] if line.startswith("PIL.")), str(second["lines"]))
    assert said.startswith("PIL.Image __main__ /")
    assert said.endswith("/code/train.py")
    other = run({"train.py": ASKING}, colour="red")
    assert (other["TrainingJobStatus"], other["warm"]) == ("Completed", [False])
    assert any(line.startswith("warm ") and line.endswith(" red") for line in other["lines"])
    assert run({"train.py": ASKING}, colour="red")["warm"] == [True]


def test_what_a_job_brings_is_what_it_imports(account: Account) -> None:
    """Beside a module of its own, or over an image that was changed, nothing that was imported ahead is used."""
    run = Toolkit(account, 22)
    run({"train.py": ASKING})
    own = {"PIL/__init__.py": b"", "PIL/Image.py": b"print('an own one')"}
    brought = run({"train.py": ASKING, **own})
    assert ("an own one" in brought["lines"], brought["warm"]) == (True, [False])
    run({"train.py": ASKING})
    more = {STUDS: wheel("studs", b"COUNT = 8"), "requirements.txt": f"./{STUDS}\n".encode()}
    installed = run({"train.py": b"import studs\n" + ASKING, **more})
    assert (installed["TrainingJobStatus"], installed["warm"]) == ("Completed", [False]), installed["lines"]


def test_a_job_finds_what_only_it_has_mounted(account: Account) -> None:
    """Python that waited for it began before its checkpoints' folder was known; they are kept all the same."""
    run = Toolkit(account, 24)
    run({"train.py": ASKING})
    save = b"import pathlib, sys\nimport PIL.Image\npathlib.Path(sys.argv[-1], 'note').write_text('kept')\n"
    hyperparameters = {**account.source({"train.py": save}), "folder": "/kept"}
    checkpoints = {"S3Uri": f"s3://{BUCKET}/checkpoints-of-a-pool", "LocalPath": "/kept"}
    pooled = kept(VolumeSizeInGB=24)
    ended = account.train(HyperParameters=hyperparameters, CheckpointConfig=checkpoints, **pooled)
    assert ended["TrainingJobStatus"] == "Completed", account.lines(GROUP, ended["TrainingJobName"])
    assert account.get(f"{checkpoints['S3Uri']}/note") == b"kept"


def test_a_script_that_fails_says_why_as_ever(account: Account) -> None:
    """The reason and the traceback are those of a job without a warm pool."""
    files = {"train.py": b"import PIL\ndef grow():\n    raise ValueError('too small')\ngrow()\n"}
    usual = account.train(HyperParameters=account.source(files))
    run = Toolkit(account, 23)
    cold, warm = run(files), run(files)
    for each in (cold, warm):
        assert each["TrainingJobStatus"] == "Failed"
        assert _reason(each) == _reason(usual)
        (line,) = [line for line in each["lines"] if line.strip().startswith("File ")][:1]
        assert line.endswith('train.py", line 4, in <module>')


def _reason(described: dict[str, Any]) -> str:
    """Without the paths, which are each job's own, and colons, some of which the toolkit loses on a busy machine."""
    return " ".join(word for word in described["FailureReason"].replace(":", " ").split() if "/" not in word)
