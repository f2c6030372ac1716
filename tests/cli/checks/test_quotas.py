"""Whether the account's quotas have room for a lab and its class."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cli.aws.session import Target
from cli.checks import quotas
from cli.checks.result import CheckResult, Deployment, State
from infra import settings
from infra.handlers.job import errors
from infra.handlers.job.training import TrainingJobs
from model_code.data import LABELS
from teardown.stacks import Stack

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.cli.conftest import Wire

ENDPOINT = "ml.m5.large for endpoint usage"
TRAINING = "ml.m5.large for training job usage"
NOTEBOOK = "ml.t3.medium for notebook instance usage"
PROCESSING = "ml.m5.large for processing job usage"
TRANSFORM = "ml.m5.large for transform job usage"
NOTEBOOKS = "Total number of notebook instances"
ENDPOINTS = "Number of instances across active endpoints"
ALL_TRAINING = "Number of instances across all training jobs"
ALL_PROCESSING = "Number of instances across all processing jobs"
ENOUGH = {  # for a lab of two seats
    ENDPOINT: 3,
    TRAINING: 3,
    NOTEBOOK: 2,
    PROCESSING: 2,
    TRANSFORM: 2,
    NOTEBOOKS: 2,
    ENDPOINTS: 3,
    ALL_TRAINING: 3,
    ALL_PROCESSING: 2,
    "Number of instances across all transform jobs": 2,
}


def account(wire: Wire, values: Mapping[str, float]) -> None:
    """An account with these quotas, in which nothing runs."""
    listed = [
        {"QuotaName": name, "QuotaCode": f"L-{number:08X}", "Value": value}
        for number, (name, value) in enumerate(values.items())
    ]
    wire.answers |= {
        "ListServiceQuotas": {"Quotas": listed},
        "ListAWSDefaultServiceQuotas": {"Quotas": []},
        "ListNotebookInstances": {"NotebookInstances": []},
        "ListEndpoints": {"Endpoints": []},
        "ListTrainingJobs": {"TrainingJobSummaries": []},
        "ListProcessingJobs": {"ProcessingJobSummaries": []},
        "ListTransformJobs": {"TransformJobSummaries": []},
    }


STANDS = Stack(
    name="brick-endpoint",
    status="CREATE_COMPLETE",
    reason="",
    outputs={},
    tags={"bricklab:lab": "brick"},
    created=None,  # type: ignore[arg-type]
)


def found(wire: Wire, *stacks: Stack, **more: Any) -> list[CheckResult]:
    """What the check finds for the lab `brick` with two seats."""
    lab = settings.read({"lab": {"name": "brick", "seats": 2, **more}})
    return list(quotas.check(Deployment(wire.session(), lab, stacks)))


def test_on_the_embedded_aws_no_link_leads_to_aws(wire: Wire) -> None:
    """Neither a check's nor a failed job's: the command that does the same stands there alone."""
    account(wire, {**ENOUGH, ENDPOINT: 0})
    session = replace(wire.session(), target=Target.EMBEDDED)
    lab = settings.read({"lab": {"name": "brick", "seats": 2}})
    [result] = [each for each in quotas.check(Deployment(session, lab, ())) if each.state is not State.OK]
    assert "request-service-quota-increase" in result.text
    assert "https://" not in result.text
    job = {"TrainingJobName": "brick-1", "TrainingJobStatus": "Failed", "FailureReason": "it broke."}
    said = str(errors.failed(job, TrainingJobs.type, instance_type="ml.m5.large", region="us-east-1"))
    assert "https://" in said
    assert session.without_console(said).endswith(
        "it broke. Its log: aws logs tail /aws/sagemaker/TrainingJobs --log-stream-name-prefix brick-1/"
    )


MEMORY = "Memory size in MB per serverless endpoint"
SERVERLESS = "Maximum total concurrency that can be allocated across all serverless endpoints"


def test_a_serverless_endpoint_needs_requests_at_once_and_no_instance(wire: Wire) -> None:
    """Others' share of the account's one quota counts; a lab that wants more is told to want less."""
    account(wire, {**ENOUGH, ENDPOINT: 2, ENDPOINTS: 2, SERVERLESS: 10, MEMORY: 3072})
    assert [result.state for result in found(wire, hosting="serverless", serverless_concurrency=10)] == [State.OK]
    [memory] = found(wire, hosting="serverless", serverless_memory=4096)
    assert f"{MEMORY}: the account has 3072; the lab needs 4096" in memory.text
    assert "choose a lower lab.serverless_memory" in memory.text
    others = {"EndpointName": "other", "EndpointStatus": "InService"}
    config = {"MemorySizeInMB": 2048, "MaxConcurrency": 6}
    variants = [{"VariantName": "all", "CurrentServerlessConfig": config}]
    wire.answers |= {
        "ListEndpoints": {"Endpoints": [others]},
        "DescribeEndpoint": {**others, "EndpointConfigName": "config", "ProductionVariants": variants},
        "DescribeEndpointConfig": {"ProductionVariants": [{"VariantName": "all", "ServerlessConfig": config}]},
    }
    [result] = found(wire, hosting="serverless", serverless_concurrency=5)
    assert result.state is State.WRONG
    assert f"{SERVERLESS}: the account has 10, of which others use 6; the lab needs 5" in result.text
    assert "--desired-value 11" in result.text
    assert "choose a lower lab.serverless_concurrency" in result.text


def test_quotas_that_are_just_enough_are_enough(wire: Wire) -> None:
    """The lab's own job and endpoint, and one of each for every seat."""
    account(wire, ENOUGH)
    assert [result.state for result in found(wire)] == [State.OK]


@pytest.mark.parametrize(
    ("quota", "value", "needed"), [(NOTEBOOK, 1, "the lab needs 2"), (TRAINING, 0, "needs 1"), (ENDPOINT, 0, "needs 1")]
)
def test_without_room_for_the_lab_itself_nothing_goes(wire: Wire, quota: str, value: int, needed: str) -> None:
    """The sentence names quota, what there is and what is needed, and the command and page that ask for more."""
    account(wire, {**ENOUGH, quota: value})
    [result] = found(wire)
    assert result.state is State.WRONG
    assert f"{quota}: the account has {value}{', as many new ones' * (not value)}; " in result.text
    assert needed in result.text
    code = f"L-{list(ENOUGH).index(quota):08X}"
    assert f"--quota-code {code} --desired-value {ENOUGH[quota]} --region eu-west-1" in result.text
    assert f"eu-west-1.console.aws.amazon.com/servicequotas/home/services/sagemaker/quotas/{code}" in result.text


def test_an_account_without_endpoints_of_the_type_is_told_which_it_has(wire: Wire) -> None:
    """A new account may have none of ml.m5.large: the way out is one that it has, and that the setting takes."""
    others = {
        "ml.t2.medium for endpoint usage": 4,
        "ml.c5.large for endpoint usage": 2,  # not for two students besides
        "ml.m5.xlarge for endpoint usage": 3,
        "ml.g4dn.xlarge for endpoint usage": 9,
        "ml.c6g.large for endpoint usage": 9,
        "ml.t3.large for notebook instance usage": 9,
    }
    account(wire, {**ENOUGH, ENDPOINT: 0, **others})
    [result] = found(wire)
    assert result.state is State.WRONG
    assert "the account has 0, as many new ones; the lab needs 1 (3 with all students at work)" in result.text
    assert result.text.endswith("or choose another lab.endpoint_instance_type, such as ml.t2.medium, ml.m5.xlarge")


def test_room_for_the_lab_but_not_for_all_students_at_once_can_be_overridden(wire: Wire) -> None:
    """Not every student trains at the same moment."""
    account(wire, {**ENOUGH, TRAINING: 2})
    [result] = found(wire)
    assert result.state is State.RISKY
    assert f"{TRAINING}: the account has 2; 3 are needed when all students work at once" in result.text
    assert "--force" in result.text


def test_a_class_of_twenty_does_not_fit_into_a_new_account(wire: Wire) -> None:
    """There is room for every type, and not over all of them: AWS refuses the ninth notebook instance."""
    account(wire, dict.fromkeys(ENOUGH, 40) | {NOTEBOOKS: 8, ALL_TRAINING: 4, ALL_PROCESSING: 4, ENDPOINTS: 3})
    said = {result.text.partition(":")[0]: result for result in found(wire, seats=20)}
    assert {name: result.state for name, result in said.items()} == {
        NOTEBOOKS: State.WRONG,
        ENDPOINTS: State.RISKY,
        ALL_TRAINING: State.RISKY,
        ALL_PROCESSING: State.HINT,
    }
    assert "the account has 8; the lab needs 20: ask for more with `aws service-quotas" in said[NOTEBOOKS].text
    assert said[NOTEBOOKS].text.endswith(", or make fewer lab.seats")
    assert "the account has 4; 21 are needed when all students work at once" in said[ALL_TRAINING].text


def test_notebook_instances_that_stand_still_count_among_all(wire: Wire) -> None:
    """They are there, whatever their type; those of the lab are not counted twice."""
    account(wire, {**ENOUGH, NOTEBOOKS: 3})
    wire.answers["ListNotebookInstances"] = {
        "NotebookInstances": [
            {"NotebookInstanceName": name, "NotebookInstanceStatus": "Stopped", "InstanceType": "ml.m5.large"}
            for name in ("brick-seat-01", "theirs", "other")
        ]
    }
    [result] = found(wire)
    assert f"{NOTEBOOKS}: the account has 3, of which others use 2; the lab needs 2: " in result.text
    assert "--desired-value 4" in result.text


def test_a_region_without_a_quota_over_all_types_is_fine(wire: Wire) -> None:
    """What Service Quotas does not list limits nothing."""
    account(wire, {name: value for name, value in ENOUGH.items() if name.startswith("ml.")})
    assert [result.state for result in found(wire)] == [State.OK]


@pytest.mark.parametrize("quota", [PROCESSING, TRANSFORM])
def test_a_class_can_begin_without_room_for_its_later_jobs(wire: Wire, quota: str) -> None:
    """A new account has often none of them: it is said, with the way to more, and stops nothing."""
    account(wire, {**ENOUGH, quota: 0})
    [result] = found(wire)
    assert result.state is State.HINT
    assert (
        f"{quota}: the account has 0, as many new ones; 2 are needed when all students work at once: ask for more"
        in result.text
    )
    assert "--force" not in result.text


def test_photos_take_an_instance_of_the_lab_s_own(wire: Wire, tmp_path: Path) -> None:
    """A lab that prepares photos can't be deployed without one for processing; students come to that."""
    for name in LABELS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").touch()
    account(wire, {**ENOUGH, PROCESSING: 0, ALL_PROCESSING: 3})
    [result] = found(wire, photos=str(tmp_path), seats=0)
    assert result.state is State.WRONG
    assert PROCESSING in result.text
    account(wire, {**ENOUGH, PROCESSING: 3, ALL_PROCESSING: 3})
    assert [each.state for each in found(wire, photos=str(tmp_path))] == [State.OK]


def test_an_algorithm_s_features_take_an_instance_too(wire: Wire) -> None:
    """A processing job makes them."""
    account(wire, {**ENOUGH, PROCESSING: 0, ALL_PROCESSING: 3})
    [result] = found(wire, algorithm="knn", seats=0)
    assert result.state is State.WRONG
    assert PROCESSING in result.text


def test_a_type_without_a_quota_is_not_offered(wire: Wire) -> None:
    """Neither applied nor a default: then another type or region is the way out, not an increase."""
    account(wire, {name: value for name, value in ENOUGH.items() if name != NOTEBOOK})
    [result] = found(wire)
    assert result.state is State.WRONG
    assert "does not offer it: choose another lab.notebook_instance_type" in result.text


def test_what_aws_gives_by_default_counts_where_nothing_else_is_said(wire: Wire) -> None:
    """Service Quotas lists an applied value only where there is one."""
    account(wire, {name: value for name, value in ENOUGH.items() if name != NOTEBOOK})
    default = {"QuotaName": NOTEBOOK, "QuotaCode": "L-1", "Value": 2.0}
    wire.answers["ListAWSDefaultServiceQuotas"] = {"Quotas": [default]}
    assert [result.state for result in found(wire)] == [State.OK]


def test_what_others_run_is_taken_and_the_labs_own_is_not_counted_twice(wire: Wire) -> None:
    """Notebooks that stand still and endpoints that failed take nothing, warm pools do."""
    account(wire, ENOUGH)
    times = {"CreationTime": 0, "LastModifiedTime": 0}
    wire.answers |= {
        "ListNotebookInstances": {
            "NotebookInstances": [
                {"NotebookInstanceName": name, "NotebookInstanceStatus": status, "InstanceType": "ml.t3.medium"}
                for name, status in (("brick-seat-01", "InService"), ("theirs", "Pending"), ("idle", "Stopped"))
            ]
        },
        "ListEndpoints": {
            "Endpoints": [
                {"EndpointName": name, "EndpointArn": "a", "EndpointStatus": status, **times}
                for name, status in (("brick", "InService"), ("theirs", "Updating"), ("broken", "Failed"))
            ]
        },
        "DescribeEndpoint": {
            "EndpointName": "theirs",
            "EndpointConfigName": "config",
            "ProductionVariants": [{"VariantName": "a", "CurrentInstanceCount": 2}],
        },
        "DescribeEndpointConfig": {
            "ProductionVariants": [{"VariantName": "a", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}]
        },
        "ListTrainingJobs": lambda request: {
            "TrainingJobSummaries": [
                {"TrainingJobName": name, "TrainingJobArn": "a", "TrainingJobStatus": "Completed", **times}
                for name in (("brick-1", "theirs") if "WarmPoolStatusEquals" in request else ())
            ]
        },
        "DescribeTrainingJob": {
            "TrainingJobName": "theirs",
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        },
        "ListProcessingJobs": lambda request: {
            "ProcessingJobSummaries": [
                {"ProcessingJobName": name, "ProcessingJobArn": "a", "ProcessingJobStatus": "Stopping", **times}
                for name in (("brick-ada-1", "theirs") if request["StatusEquals"] == "Stopping" else ())
            ]
        },
        "DescribeProcessingJob": {
            "ProcessingJobName": "theirs",
            "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
        },
    }
    said = {result.text.partition(":")[0]: result for result in found(wire)}
    assert "the account has 2, of which others use 1; the lab needs 2" in said[NOTEBOOK].text
    assert "--desired-value 3" in said[NOTEBOOK].text
    assert "the account has 3, of which others use 2; 3 are needed" in said[ENDPOINT].text
    assert "the account has 3, of which others use 1; 3 are needed" in said[TRAINING].text
    assert "the account has 2, of which others use 1; 2 are needed" in said[PROCESSING].text
    assert [said[name].state for name in (NOTEBOOK, ENDPOINT, TRAINING)] == [State.WRONG, State.RISKY, State.RISKY]
    assert [request["ProcessingJobName"] for request in wire.asked["DescribeProcessingJob"]] == ["theirs"]
    assert [request["EndpointName"] for request in wire.asked["DescribeEndpoint"]] == ["theirs"]


def test_an_endpoint_that_stands_wants_one_more_for_its_update(wire: Wire) -> None:
    """It is a hint, for the model may be the same."""
    account(wire, ENOUGH)
    results = found(wire, STANDS)
    assert [result.text.partition(":")[0] for result in results] == [ENDPOINT, ENDPOINTS]
    assert {result.state for result in results} == {State.HINT}
    assert all("--desired-value 4" in result.text for result in results)


def test_a_scaled_endpoint_needs_all_that_it_may_have(wire: Wire) -> None:
    """And as many more for an update once it stands, if the account is to have them."""
    account(wire, {**ENOUGH, ENDPOINT: 5, ENDPOINTS: 12})
    [result] = found(wire, endpoint_instances="1-4")
    assert result.state is State.RISKY
    assert "the account has 5; 6 are needed when all students work at once" in result.text
    account(wire, {**ENOUGH, ENDPOINT: 8, ENDPOINTS: 12})
    [result] = [each for each in found(wire, STANDS, endpoint_instances="1-4") if each.state is State.HINT]
    assert f"{ENDPOINT}: 4 are needed, 2 to spare for an update of the endpoint" in result.text
    assert "--desired-value 10" in result.text
