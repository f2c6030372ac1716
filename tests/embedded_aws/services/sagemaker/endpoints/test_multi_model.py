"""A multi-model endpoint loads a model when it is first asked, and unloads it when there is no room for another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from botocore.exceptions import ClientError

from tests.embedded_aws.account import BUCKET, INFERENCE_IMAGE, Account, answering, archive, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from embedded_aws.gateway import Gateway

    SavedModel = Callable[[float], dict[str, bytes]]

pytestmark = pytest.mark.usefixtures("ended")
ROOM = {"SAGEMAKER_SAFE_PORT_RANGE": "9000-9005"}  # of which the container uses 90 %: two models with two ports each
PASSING = b"def handler(data, context):\n    return data.read(), 'application/json'\n"
BROKEN = b"raise ValueError('no such thing')"


@pytest.fixture(scope="module")
def prefix(account: Account, saved_model: SavedModel) -> str:
    """Where the models lie: handlers that sum up once, twofold, threefold, and one that TensorFlow answers."""
    for factor in (1, 2, 3):
        account.put(f"many/times/{factor}.tar.gz", archive(answering(float(factor))))
    account.put("many/plain.tar.gz", archive(saved_model(10.0)))
    account.put("many/broken.tar.gz", archive({"1/saved_model.pb": b"", "code/inference.py": BROKEN}))
    account.put("many/hollow.tar.gz", archive({"readme.txt": b""}))
    account.put("many/text.tar.gz", b"no archive")
    return f"s3://{BUCKET}/many/"


def model(account: Account, name: str, prefix: str, **more: Any) -> str:
    """Create a model with many models; its name."""
    container = {"Image": INFERENCE_IMAGE, "Mode": "MultiModel", "ModelDataUrl": prefix, **more}
    account.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=account.role)
    return name


@pytest.fixture(scope="module")
def endpoint(account: Account, prefix: str) -> str:
    """A multi-model endpoint whose container has room for two models."""
    return account.endpoint(account.config(model(account, "many", prefix, Environment=ROOM)))


def ask(account: Account, endpoint: str, target: str) -> float:
    """What a model makes of 1, 2, 3."""
    return float(account.invoke(endpoint, {"instances": [[1, 2, 3]]}, TargetModel=target)["predictions"][0][0])


def statistics(account: Account, endpoint: str, metric: str, kind: str, namespace: str = "AWS/SageMaker") -> float:
    """A metric of the variant, added up, or its greatest value."""
    dimensions = {"EndpointName": endpoint, "VariantName": "v0"}
    values = [each[kind] for each in account.statistics(namespace, metric, dimensions, kind)]
    return float(max(values, default=0.0) if kind == "Maximum" else sum(values))


def has_unloaded(account: Account, endpoint: str, models: int) -> bool:
    """Whether so many models have been unloaded so far."""
    return statistics(account, endpoint, "ModelUnloadingTime", "SampleCount") == models


def test_models_come_and_go(account: Account, endpoint: str) -> None:
    """The third model takes the place of the one that was not asked for longest; all answer, and metrics tell it."""
    targets = ["times/1.tar.gz", "times/2.tar.gz", "times/1.tar.gz", "times/3.tar.gz", "times/1.tar.gz"]
    assert [ask(account, endpoint, target) for target in targets] == [6.0, 12.0, 6.0, 18.0, 6.0]
    until(lambda: statistics(account, endpoint, "ModelCacheHit", "SampleCount") == 5)
    assert statistics(account, endpoint, "ModelCacheHit", "Sum") == 2
    counts = {
        name: statistics(account, endpoint, name, "SampleCount")
        for name in ("ModelLoadingWaitTime", "ModelDownloadingTime", "ModelLoadingTime", "ModelUnloadingTime")
    }
    assert counts == {
        "ModelLoadingWaitTime": 3,
        "ModelDownloadingTime": 3,
        "ModelLoadingTime": 3,
        "ModelUnloadingTime": 1,
    }
    until(lambda: statistics(account, endpoint, "LoadedModelCount", "Maximum", "/aws/sagemaker/Endpoints") == 2)
    assert ask(account, endpoint, "times/2.tar.gz") == 12.0
    until(lambda: statistics(account, endpoint, "ModelLoadingTime", "SampleCount") == 4)
    assert statistics(account, endpoint, "ModelDownloadingTime", "SampleCount") == 3  # it lay on the disk still


def test_a_model_without_code(account: Account, endpoint: str) -> None:
    """TensorFlow answers for a SavedModel alone, and a model that is put there later is found."""
    assert ask(account, endpoint, "plain.tar.gz") == 60.0
    account.put("many/late.tar.gz", archive(answering(7.0)))
    assert ask(account, endpoint, "late.tar.gz") == 42.0


def test_many_ask_for_a_new_model_at_once(account: Account, endpoint: str) -> None:
    """It is loaded once; each gets its answer."""
    account.put("many/wanted.tar.gz", archive(answering(4.0)))
    until(lambda: statistics(account, endpoint, "ModelLoadingTime", "SampleCount"))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(account, endpoint, "wanted.tar.gz"), range(16)))
    assert answers == [24.0] * 16


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("none.tar.gz", rf"Failed to download model data\(bucket: {BUCKET}, key: many/none\.tar\.gz\)\. Please ensure"),
        ("text.tar.gz", r"Failed to extract model data archive\(bucket: .*text\.tar\.gz"),
    ],
)
def test_a_target_that_is_no_model(account: Account, endpoint: str, target: str, said: str) -> None:
    """What S3 has not got, or what is no archive, is the caller's error."""
    with pytest.raises(account.runtime.exceptions.ValidationError, match=said):
        ask(account, endpoint, target)


@pytest.mark.parametrize(("target", "status"), [("broken.tar.gz", 500), ("hollow.tar.gz", 404)])
def test_a_model_that_does_not_load(account: Account, endpoint: str, target: str, status: int) -> None:
    """It is a ModelError with the container's status, and the next model is loaded nevertheless."""
    with pytest.raises(account.runtime.exceptions.ModelError) as failed:
        ask(account, endpoint, target)
    assert failed.value.response["OriginalStatusCode"] == status
    assert ask(account, endpoint, "times/1.tar.gz") == 6.0


def test_the_target_is_wanted(account: Account, endpoint: str) -> None:
    """A request without TargetModel is refused, in AWS's words."""
    with pytest.raises(
        account.runtime.exceptions.ValidationError, match=r"Request [\w-]+ is missing a target model hea"
    ):
        account.invoke(endpoint, {"instances": [[1, 2, 3]]})


def test_a_killed_container_has_no_models(account: Account, endpoint: str, embedded: Gateway) -> None:
    """Once it is started again its models are loaded anew; a caller meanwhile gets a ModelError."""
    assert ask(account, endpoint, "times/1.tar.gz") == 6.0
    for process in psutil.Process(embedded.pid).children(recursive=True):
        try:
            if any(f"/endpoints/{endpoint}/" in word for word in process.cmdline()):
                process.kill()
        except psutil.NoSuchProcess:
            continue

    def answered() -> bool:
        try:
            return ask(account, endpoint, "times/1.tar.gz") == 6.0
        except account.runtime.exceptions.ModelError as error:
            return bool(error.response["OriginalStatusCode"] not in (0, 404))

    until(answered)


def test_models_that_are_not_kept(account: Account, prefix: str) -> None:
    """With ModelCacheSetting Disabled a model is unloaded and deleted once it has answered."""
    uncached = model(account, "uncached", prefix, MultiModelConfig={"ModelCacheSetting": "Disabled"})
    name = account.endpoint(account.config(uncached))
    for unloaded in (1, 2):
        assert ask(account, name, "times/2.tar.gz") == 12.0
        until(partial(has_unloaded, account, name, unloaded))
    assert statistics(account, name, "ModelDownloadingTime", "SampleCount") == 2
    assert statistics(account, name, "ModelCacheHit", "Sum") == 0


def test_requests_go_where_the_model_is(account: Account, prefix: str) -> None:
    """Of two instances, whose containers are a pipeline, only one loads a model that is asked again and again."""
    passing = {"1/saved_model.pb": b"", "code/inference.py": PASSING}
    containers = [
        {"Image": INFERENCE_IMAGE, "Mode": "MultiModel", "ModelDataUrl": prefix},
        {"Image": INFERENCE_IMAGE, "ModelDataUrl": account.put("passing.tar.gz", archive(passing))},
    ]
    account.sagemaker.create_model(ModelName="piped-many", Containers=containers, ExecutionRoleArn=account.role)
    name = account.endpoint(account.config("piped-many", count=2))
    assert [ask(account, name, "times/3.tar.gz") for _ in range(8)] == [18.0] * 8
    until(lambda: statistics(account, name, "ModelCacheHit", "SampleCount") == 8)
    assert statistics(account, name, "ModelLoadingTime", "SampleCount") == 1


def test_a_prefix_is_wanted(account: Account) -> None:
    """A container with many models says where they are."""
    container = {"Image": INFERENCE_IMAGE, "Mode": "MultiModel"}
    with pytest.raises(ClientError, match="Mode MultiModel needs ModelDataUrl"):
        account.sagemaker.create_model(ModelName="nowhere", PrimaryContainer=container, ExecutionRoleArn=account.role)
