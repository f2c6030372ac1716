"""Records are kept in the database: what was answered is there, what can't be written is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from embedded_aws.services.sagemaker.errors import validation_exception
from embedded_aws.services.sagemaker.provider import Provider
from embedded_aws.services.sagemaker.store import Record, Store
from tests.embedded_aws.account import until
from tests.embedded_aws.services.sagemaker import calls, conftest
from tests.embedded_aws.services.sagemaker.served import Served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


CREATED = (
    "NotebookInstance",
    "NotebookInstanceLifecycleConfig",
    "Model",
    "EndpointConfig",
    "Endpoint",
    "TrainingJob",
    "TransformJob",
    "ProcessingJob",
    "HyperParameterTuningJob",
    "ModelPackageGroup",
    "ModelPackage",
    "Pipeline",
    "ModelCard",
    "MonitoringSchedule",
    "LabelingJob",
)  # as in calls.CREATE


class Unsure(Provider):
    """Endpoint configurations that are refused."""

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Make half of it."""
        del request
        self.context.store.update(record, KmsKeyId="half")
        raise validation_exception("It is not good.")


@pytest.fixture
def served(tmp_path: Path, control_url: str) -> Iterator[Served]:
    """One that keeps its records."""
    made = Served(tmp_path, control_url)
    yield made
    made.end()
    made.client.close()


def described(client: Any) -> dict[str, Any]:
    """What the lists answer, in their order, and Describe of the first in each."""
    found = {}
    for resource_type, kind in zip(CREATED, calls.CREATE, strict=True):
        names = _listed(client, kind)
        answer = getattr(client, f"describe_{kind}")(**{f"{resource_type}Name": names[0]})
        found[kind] = (names, {name: value for name, value in answer.items() if name != "ResponseMetadata"})
    return found


def _listed(client: Any, kind: str) -> list[str]:
    answer = getattr(client, f"list_{kind}s")(SortBy="CreationTime", SortOrder="Ascending")
    summaries = next(value for name, value in answer.items() if name != "ResponseMetadata")
    return [next(value for name, value in each.items() if name.endswith("Name")) for each in summaries]


def test_every_resource_is_the_same_after_a_kill(served: Served) -> None:
    """Of each type: what Describe answers, to the microsecond, its tags, and the order of the lists."""
    for create in calls.CREATE.values():
        create(served.client, Tags=[{"Key": "lab", "Value": "kept"}])
    arn = served.client.describe_training_job(TrainingJobName="job")["TrainingJobArn"]
    served.client.add_tags(ResourceArn=arn, Tags=[{"Key": "seat", "Value": "seat-01"}])
    calls.training_job(served.client, "a-later-job", HyperParameters={"$time": "a text"})
    calls.model(served.client, "another")
    calls.model(served.client, "gone")
    served.client.delete_model(ModelName="gone")
    before, tags = described(served.client), served.client.list_tags(ResourceArn=arn)["Tags"]
    served.end()
    served.begin()
    assert described(served.client) == before
    assert served.client.list_tags(ResourceArn=arn)["Tags"] == tags


def test_what_can_not_be_written_is_refused(served: Served) -> None:
    """With a full disk nothing is made, changed or removed, in memory as on the disk; with room again all is."""
    calls.model(served.client, "first")
    arn = served.client.describe_model(ModelName="first")["ModelArn"]
    served.fill()
    many = [{"Key": f"key{number}", "Value": "x" * 200} for number in range(40)]
    requests: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (served.client.add_tags, {"ResourceArn": arn, "Tags": many}),
        (served.client.create_model, {"ModelName": "second", "ExecutionRoleArn": calls.ROLE, "Tags": many}),
    ]
    for call, request in requests:
        code, message = calls.refusal(call, **request)
        assert code == "ServiceUnavailable"
        assert "can't write its state" in message
        assert str(served.folder) in message
    assert not served.client.list_tags(ResourceArn=arn)["Tags"]
    assert [each["ModelName"] for each in served.client.list_models()["Models"]] == ["first"]
    served.make_room()
    for call, request in requests:
        call(**request)
    served.end()
    served.begin()
    assert len(served.client.list_tags(ResourceArn=arn)["Tags"]) == 40
    assert len(served.client.list_models()["Models"]) == 2


def test_what_happens_while_the_disk_is_full_is_kept_later(served: Served) -> None:
    """A job that ends then has ended, whoever asks; that is written as soon as there is room."""
    calls.training_job(served.client, "job")
    store = served.service.context.store
    record = store.get("TrainingJob", "job", account=conftest.ACCOUNT, region=conftest.REGION)
    served.fill()
    store.update(record, TrainingJobStatus="Completed", FailureReason="x" * 10_000)
    assert served.client.describe_training_job(TrainingJobName="job")["TrainingJobStatus"] == "Completed"
    served.make_room()

    def kept() -> str:
        found = Store(database=served.database).find_arn(record.arn, account=record.account, region=record.region)
        return found.status if found else ""

    until(lambda: kept() == "Completed")


def test_how_a_job_comes_along_is_kept_soon(served: Served) -> None:
    """Its metrics are told at once and written a moment later, however many there are, or when it ends."""
    calls.training_job(served.client, "job")
    store = served.service.context.store
    record = store.get("TrainingJob", "job", account=conftest.ACCOUNT, region=conftest.REGION)

    def kept() -> dict[str, Any]:
        found = Store(database=served.database).find_arn(record.arn, account=record.account, region=record.region)
        return found.members if found else {}

    for number in range(1000):
        store.note(record, ObjectiveValues=tuple(range(number)))
    until(lambda: len(kept().get("ObjectiveValues", ())) == 999)
    store.note(record, ObjectiveValues=(1.0,))
    store.update(record, TrainingJobStatus="Completed")
    assert kept()["ObjectiveValues"] == [1.0]


def test_half_of_a_creation_is_nothing(served: Served) -> None:
    """A creation that is refused, or killed before it is answered, leaves nothing."""
    calls.model(served.client)
    served.end()
    served.begin({"EndpointConfig": Unsure})
    assert calls.refusal(calls.endpoint_config, client=served.client)[1] == "It is not good."
    store = served.service.context.store
    record = store.get("Model", "bricks", account=conftest.ACCOUNT, region=conftest.REGION)
    half = Record(record.resource_type, "half", f"{record.arn}-half", record.account, record.region, record.members)
    store.add(half)
    store.update(half, ExecutionRoleArn="changed")
    served.end()
    served.begin()
    assert [each.name for each in served.service.context.store.every()] == [record.name]
