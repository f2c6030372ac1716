"""The account's quotas hold: what would need more instances than there may be is refused, as AWS words it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import WaiterError

from tests.embedded_aws.services.sagemaker import calls
from tests.embedded_aws.services.sagemaker.calls import refusal

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.service import SageMaker

QUICK = {"Delay": 0.01, "MaxAttempts": 500}
SENTENCE = (
    "The account-level service limit '{}' is {} Instances, with current utilization of {} Instances and a request "
    "delta of {} Instances. Please use AWS Service Quotas to request an increase for this quota. If AWS Service Quotas "
    "is not available, contact AWS support to request an increase for this quota."
)


@pytest.fixture
def sagemaker(sagemaker: Any, service: SageMaker, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of an account that may use two instances of each type for each purpose, of trn1 none, of all four."""

    def two(name: str, *, account: str, region: str) -> float:
        del account, region
        if " for " in name:
            return 0.0 if "trn1" in name else 2.0
        return 4.0

    monkeypatch.setattr(service, "_quota", two)
    return sagemaker


def over(name: str, limit: int, used: int, delta: int) -> tuple[str, str]:
    """Return the refusal of what goes beyond a quota."""
    return "ResourceLimitExceeded", SENTENCE.format(name, limit, used, delta)


def stopped(sagemaker: Any, name: str) -> None:
    """Stop a notebook instance that may still be coming up."""
    seat = {"NotebookInstanceName": name}
    sagemaker.get_waiter("notebook_instance_in_service").wait(**seat, WaiterConfig=QUICK)
    sagemaker.stop_notebook_instance(**seat)
    sagemaker.get_waiter("notebook_instance_stopped").wait(**seat, WaiterConfig=QUICK)


def test_notebook_instances_that_run_use_up_the_quota(sagemaker: Any) -> None:
    """A third one is refused, until another one has stopped; then that one can't be started."""
    name = "ml.t3.medium for notebook instance usage"
    calls.notebook(sagemaker, "one")
    calls.notebook(sagemaker, "two")
    assert refusal(lambda: calls.notebook(sagemaker, "three")) == over(name, 2, 2, 1)
    stopped(sagemaker, "one")
    calls.notebook(sagemaker, "three")
    assert refusal(sagemaker.start_notebook_instance, NotebookInstanceName="one") == over(name, 2, 2, 1)
    assert sagemaker.describe_notebook_instance(NotebookInstanceName="one")["NotebookInstanceStatus"] == "Stopped"
    stopped(sagemaker, "two")
    sagemaker.start_notebook_instance(NotebookInstanceName="one")


def test_all_notebook_instances_of_an_account_have_one_quota(sagemaker: Any) -> None:
    """Of whatever type, and those that have stopped count too: they are there."""
    calls.notebook(sagemaker, "one")
    stopped(sagemaker, "one")
    for number in range(3):
        calls.notebook(sagemaker, f"{number}", InstanceType=("ml.t3.large", "ml.m5.xlarge", "ml.c5.xlarge")[number])
    code, message = over("Total number of notebook instances", 4, 4, 1)
    refused = refusal(lambda: calls.notebook(sagemaker, "more"))
    assert refused == (code, message.replace(" Instances", " NotebookInstances"))
    sagemaker.start_notebook_instance(NotebookInstanceName="one")


@pytest.mark.parametrize("spot", [False, True])
def test_all_training_jobs_have_one_quota(sagemaker: Any, *, spot: bool) -> None:
    """Instances of all types add up; those on spot instances by themselves."""
    more: dict[str, Any] = {}
    if spot:
        more = {
            "EnableManagedSpotTraining": True,
            "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 600},
        }
        calls.training_job(sagemaker, "other")

    def train(name: str, instance_type: str) -> None:
        resources = {"InstanceType": instance_type, "InstanceCount": 2, "VolumeSizeInGB": 5}
        calls.training_job(sagemaker, name, ResourceConfig=resources, **more)

    train("one", "ml.m5.large")
    train("two", "ml.c5.xlarge")
    name = f"Number of instances across all {'spot ' * spot}training jobs"
    assert refusal(lambda: train("three", "ml.c4.xlarge")) == over(name, 4, 4, 2)


def test_all_other_jobs_have_one_quota_for_each_kind(sagemaker: Any) -> None:
    """Processing jobs count together, and transform jobs do."""
    calls.processing_job(sagemaker, "one", count=2)
    calls.transform_job(sagemaker, "one")
    calls.transform_job(sagemaker, "two")
    large = {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge"}

    def process(name: str, instance_type: str) -> None:
        cluster = {"InstanceCount": 2, "InstanceType": instance_type, "VolumeSizeInGB": 5}
        calls.processing_job(sagemaker, name, ProcessingResources={"ClusterConfig": cluster})

    process("two", "ml.c5.xlarge")
    refused = refusal(lambda: process("three", "ml.m5.xlarge"))
    assert refused == over("Number of instances across all processing jobs", 4, 4, 2)
    calls.transform_job(sagemaker, "three", TransformResources=large)
    calls.transform_job(sagemaker, "four", TransformResources=large)
    refused = refusal(
        lambda: calls.transform_job(sagemaker, "five", TransformResources={**large, "InstanceType": "ml.c5.xlarge"})
    )
    assert refused == over("Number of instances across all transform jobs", 4, 4, 1)


def test_all_endpoints_have_one_quota(sagemaker: Any) -> None:
    """Instances of all types add up, and an update needs room for its own."""
    calls.model(sagemaker)
    for instance_type in ("ml.m5.large", "ml.c5.xlarge", "ml.m5.xlarge"):
        variants = [calls.variant(InstanceType=instance_type, InitialInstanceCount=2)]
        sagemaker.create_endpoint_config(
            EndpointConfigName=instance_type[3:].replace(".", "-"), ProductionVariants=variants
        )
    full = over("Number of instances across active endpoints", 4, 4, 2)
    for endpoint, config in (("one", "m5-large"), ("two", "c5-xlarge")):
        calls.endpoint(sagemaker, endpoint, config)
        sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=endpoint, WaiterConfig=QUICK)
    assert refusal(lambda: calls.endpoint(sagemaker, "three", "m5-xlarge")) == full
    assert refusal(sagemaker.update_endpoint, EndpointName="one", EndpointConfigName="m5-xlarge") == full


def test_training_jobs_that_have_ended_use_nothing(sagemaker: Any) -> None:
    """A job counts with all its instances, as long as it runs."""
    calls.training_job(sagemaker, "one")
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 5}
    refused = refusal(lambda: calls.training_job(sagemaker, "two", ResourceConfig=resources))
    assert refused == over("ml.m5.large for training job usage", 2, 1, 2)
    sagemaker.stop_training_job(TrainingJobName="one")
    calls.training_job(sagemaker, "two", ResourceConfig=resources)


def test_transform_jobs_have_a_quota_of_their_own(sagemaker: Any) -> None:
    """A job counts with its instances, and training jobs don't."""
    calls.training_job(
        sagemaker, ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 5}
    )
    calls.transform_job(sagemaker, "one")
    calls.transform_job(sagemaker, "two")
    refused = refusal(lambda: calls.transform_job(sagemaker, "three"))
    assert refused == over("ml.m5.large for transform job usage", 2, 2, 1)


def test_processing_jobs_have_a_quota_of_their_own(sagemaker: Any) -> None:
    """A job counts with its instances, and training jobs don't."""
    calls.training_job(sagemaker)
    calls.processing_job(sagemaker, "one")
    refused = refusal(lambda: calls.processing_job(sagemaker, "two", count=2))
    assert refused == over("ml.m5.large for processing job usage", 2, 1, 2)
    calls.processing_job(sagemaker, "two")


def test_spot_instances_have_a_quota_of_their_own(sagemaker: Any) -> None:
    """What trains on them leaves the room of other training jobs as it is."""
    spot = {
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 600},
    }
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 5}
    calls.training_job(sagemaker, "spot", ResourceConfig=resources, **spot)
    calls.training_job(sagemaker, "other", ResourceConfig=resources)
    refused = refusal(lambda: calls.training_job(sagemaker, "more", **spot))
    assert refused == over("ml.m5.large for spot training job usage", 2, 2, 1)


def test_a_type_that_the_account_gets_none_of(sagemaker: Any) -> None:
    """The first one is refused."""
    resources = {"InstanceType": "ml.trn1.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 5}
    refused = refusal(lambda: calls.training_job(sagemaker, ResourceConfig=resources))
    assert refused == over("ml.trn1.2xlarge for training job usage", 0, 0, 1)
    assert sagemaker.list_training_jobs()["TrainingJobSummaries"] == []


def test_an_endpoint_counts_with_all_its_variants(sagemaker: Any) -> None:
    """Instances of one type add up over variants and endpoints; other types are counted by themselves."""
    name = "ml.m5.large for endpoint usage"
    calls.model(sagemaker)
    both = [calls.variant(VariantName="a"), calls.variant(VariantName="b", InitialInstanceCount=2)]
    other = [calls.variant(InstanceType="ml.c5.xlarge", InitialInstanceCount=2)]
    for config, variants in (("both", both), ("other", other)):
        sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=variants)
    assert refusal(lambda: calls.endpoint(sagemaker, "one", "both")) == over(name, 2, 0, 3)
    calls.endpoint(sagemaker, "one")
    calls.endpoint(sagemaker, "two")
    assert refusal(lambda: calls.endpoint(sagemaker, "three")) == over(name, 2, 2, 1)
    calls.endpoint(sagemaker, "three", "other")


def test_an_update_needs_room_beside_what_serves(sagemaker: Any) -> None:
    """Without it the update is refused and the endpoint goes on; after another one's deletion it is taken."""
    for endpoint in ("one", "two"):
        calls.endpoint(sagemaker, endpoint)
        sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=endpoint, WaiterConfig=QUICK)
    calls.endpoint_config(sagemaker, "second")
    update = {"EndpointName": "one", "EndpointConfigName": "second"}
    assert refusal(sagemaker.update_endpoint, **update) == over("ml.m5.large for endpoint usage", 2, 2, 1)
    assert sagemaker.describe_endpoint(EndpointName="one")["EndpointStatus"] == "InService"
    sagemaker.delete_endpoint(EndpointName="two")
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="two", WaiterConfig=QUICK)
    sagemaker.update_endpoint(**update)


def test_a_failed_endpoint_uses_nothing(sagemaker: Any) -> None:
    """Its instances are free for others."""
    for endpoint in ("one", "two"):
        calls.endpoint(sagemaker, endpoint, "broken")
    for endpoint in ("one", "two"):
        with pytest.raises(WaiterError, match="Failed"):
            sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=endpoint, WaiterConfig=QUICK)
    calls.endpoint(sagemaker, "three")


def test_a_taken_name_is_told_before_a_used_up_quota(sagemaker: Any) -> None:
    """Who creates what is there already learns that."""
    calls.endpoint(sagemaker, "one")
    calls.endpoint(sagemaker, "two")
    assert "already existing" in refusal(lambda: calls.endpoint(sagemaker, "two"))[1]
