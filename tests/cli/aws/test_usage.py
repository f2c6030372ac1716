"""What a resource costs by its hours, its state and the prices."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from cli.aws import usage
from cli.aws.line_item import LineItem
from cli.aws.prices import HOURS_A_MONTH, InstanceUse, Prices
from infra import settings

if TYPE_CHECKING:
    from tests.cli.conftest import Wire

NOTEBOOK = ("ml.t3.medium", InstanceUse.NOTEBOOK)
PRICES = Prices(
    region="us-east-1",
    live={NOTEBOOK: 0.05},
    table={},
    table_of="",
    volume_gb_month=0.146,
    months={"key": HOURS_A_MONTH / 1000},
)


def notebook(*, runs: bool) -> LineItem:
    """A notebook instance of a hundred hours that ran ten of them."""
    return LineItem(
        kind="notebook",
        name="lab-ada",
        state="InService" if runs else "Stopped",
        seat="ada",
        hours=10,
        runs=runs,
        instances=((NOTEBOOK, 1),),
        gigabytes=10,
        volume_hours=100,
    )


def test_a_notebook_that_runs_costs_its_instance_and_its_volume() -> None:
    """The volume is there all the time, the instance while it runs."""
    assert notebook(runs=True).hourly(PRICES) == pytest.approx(0.05 + 10 * 0.146 / 730)
    assert notebook(runs=True).so_far(PRICES) == pytest.approx(10 * 0.05 + 100 * 10 * 0.146 / 730)


def test_a_stopped_notebook_costs_its_volume_only() -> None:
    """What it has cost before it was stopped remains."""
    assert notebook(runs=False).hourly(PRICES) == pytest.approx(10 * 0.146 / 730)
    assert notebook(runs=False).so_far(PRICES) == notebook(runs=True).so_far(PRICES)


def test_instances_count_each_and_a_key_by_the_hour() -> None:
    """Two variants of an endpoint add up; a key is a dollar a month."""
    hosting = ("ml.m5.large", InstanceUse.HOSTING)
    prices = Prices(
        region="", live={hosting: 0.1, NOTEBOOK: 1.0}, table={}, table_of="", volume_gb_month=0, months={"key": 730}
    )
    both = LineItem(
        kind="endpoint", name="", state="", seat=None, hours=2, runs=True, instances=((hosting, 3), (NOTEBOOK, 1))
    )
    assert both.hourly(prices) == pytest.approx(1.3)
    assert both.so_far(prices) == pytest.approx(2.6)
    key = LineItem(kind="key", name="", state="", seat=None, hours=2, runs=True, by_the_month=1)
    assert key.hourly(prices) == pytest.approx(1)
    assert key.so_far(prices) == pytest.approx(2)


def test_without_a_price_nothing_is_made_up() -> None:
    """An unknown price makes the amount unknown, unless nothing of it was used."""
    unknown = ("ml.m4.xlarge", InstanceUse.TRAINING)
    running = LineItem(kind="", name="", state="", seat=None, hours=1, runs=True, instances=((unknown, 1),))
    pending = LineItem(kind="", name="", state="", seat=None, hours=0, runs=False, instances=((unknown, 1),))
    assert (running.hourly(PRICES), running.so_far(PRICES)) == (None, None)
    assert (pending.hourly(PRICES), pending.so_far(PRICES)) == (0, 0)


HOUR = 3600
NOW = 1_800_000_000  # seconds since 1970, as AWS's JSON has times


def described(wire: Wire, **more: Any) -> None:
    """SageMaker with an endpoint of three variants, a stopped notebook instance, and a job of each kind."""
    listed = {"CreationTime": NOW - 4 * HOUR, "LastModifiedTime": NOW - HOUR}
    endpoint = {**listed, "EndpointName": "brick-ada-1", "EndpointArn": "a", "EndpointStatus": "InService"}
    notebook = {"NotebookInstanceName": "brick-ada", "NotebookInstanceStatus": "Stopped"}
    preparing = {**listed, "ProcessingJobName": "brick-ada-2", "ProcessingJobArn": "a"}
    scoring = {**listed, "TransformJobName": "brick-ada-3", "TransformJobArn": "a", "TransformJobStatus": "Completed"}
    job = {**listed, "TrainingJobName": "brick-1", "TrainingJobArn": "a", "TrainingJobStatus": "InProgress"}
    others = {**endpoint, "EndpointName": "brickwork"}
    variants = [
        {"VariantName": "a", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1},
        {"VariantName": "b", "InstanceType": "ml.c5.large", "InitialInstanceCount": 1},
        {"VariantName": "c", "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}},
    ]
    shadows = [{"VariantName": "d", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}]
    wire.answers |= {
        "ListEndpoints": {"Endpoints": [endpoint, others]},
        "DescribeEndpoint": {
            **endpoint,
            "EndpointConfigName": "config",
            "ProductionVariants": [{"VariantName": "a", "CurrentInstanceCount": 3}, {"VariantName": "b"}],
        },
        "DescribeEndpointConfig": {"ProductionVariants": variants, "ShadowProductionVariants": shadows},
        "ListNotebookInstances": {"NotebookInstances": [{**listed, **notebook, "InstanceType": "ml.t3.medium"}]},
        "DescribeNotebookInstance": {**listed, **notebook, "InstanceType": "ml.t3.medium", "VolumeSizeInGB": 10},
        "ListTrainingJobs": {"TrainingJobSummaries": [job]},
        "DescribeTrainingJob": {
            **job,
            "TrainingStartTime": NOW - HOUR / 2,
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 10},
            **more,
        },
        "ListProcessingJobs": {"ProcessingJobSummaries": [{**preparing, "ProcessingJobStatus": "InProgress"}]},
        "DescribeProcessingJob": {
            **preparing,
            "ProcessingJobStatus": "InProgress",
            "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.c5.large", "VolumeSizeInGB": 10}},
        },
        "ListMonitoringExecutions": {"MonitoringExecutionSummaries": []},
        "ListTransformJobs": {"TransformJobSummaries": [scoring]},
        "DescribeTransformJob": {
            **scoring,
            "TransformStartTime": NOW - 3 * HOUR,
            "TransformEndTime": NOW - HOUR,
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        },
    }


def read(wire: Wire, **more: str) -> dict[str, LineItem]:
    """The line items of the lab `brick` by kind."""
    lab = settings.read({"lab": {"name": "brick", "seats": "ada", **more}})
    return {each.kind: each for each in usage.read(wire.session(), lab, [], datetime.fromtimestamp(NOW, UTC))}


def test_an_endpoint_counts_each_variants_instances_since_its_creation(wire: Wire) -> None:
    """As many as serve now, shadows among them; what is serverless, or another lab's, counts nothing."""
    described(wire)
    endpoint = read(wire)["endpoint"]
    assert endpoint.instances == ((("ml.m5.large", InstanceUse.HOSTING), 4), (("ml.c5.large", InstanceUse.HOSTING), 1))
    assert (endpoint.name, endpoint.seat, endpoint.hours, endpoint.runs) == ("brick-ada-1", "ada", 4, True)


def test_a_serverless_endpoint_costs_its_answers_alone(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing while nobody asks; CloudWatch's sum of latencies, cold starts too, times its memory."""

    class CloudWatch:
        """Latencies of two days, in microseconds."""

        @staticmethod
        def get_metric_statistics(**request: Any) -> dict[str, Any]:
            """Answer what SageMaker publishes of a variant."""
            assert {each["Value"] for each in request["Dimensions"]} == {"brick-ada-1", "a"}
            sums = {"ModelLatency": [3_000_000.0, 5_000_000.0], "ModelSetupTime": [2_000_000.0]}
            return {"Datapoints": [{"Sum": each} for each in sums[request["MetricName"]]]}

    described(wire)
    config = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    answer: Any = wire.answers["DescribeEndpoint"]
    answer["ProductionVariants"] = [{"VariantName": "a", "CurrentServerlessConfig": config}]
    wire.answers["DescribeEndpointConfig"] = {"ProductionVariants": [{"VariantName": "a", "ServerlessConfig": config}]}
    session = wire.session()
    create = session.client
    only = {"cloudwatch": CloudWatch()}
    monkeypatch.setattr(
        type(session), "client", lambda _, service, **more: only.get(service) or create(service, **more)
    )
    lab = settings.read({"lab": {"name": "brick", "seats": "ada"}})
    [endpoint] = [
        each for each in usage.read(session, lab, [], datetime.fromtimestamp(NOW, UTC)) if each.kind == "endpoint"
    ]
    assert (endpoint.serverless_mb, endpoint.answered_gb_seconds, endpoint.instances) == (2048, 20.0, ())
    prices = replace(PRICES, serverless_gb_second=0.00002)
    assert endpoint.hourly(prices) == 0
    assert endpoint.so_far(prices) == pytest.approx(0.0004)


def test_a_stopped_notebook_counts_until_its_stop_and_its_volume_until_now(wire: Wire) -> None:
    """The instance has an end, the volume goes on."""
    described(wire)
    notebook = read(wire)["notebook"]
    assert (notebook.hours, notebook.volume_hours, notebook.runs, notebook.seat) == (3, 4, False, "ada")


def test_a_training_job_counts_from_its_start_then_what_aws_bills(wire: Wire) -> None:
    """While it runs nothing is billed yet; when it has ended AWS's own seconds count."""
    described(wire)
    job = read(wire)["training job"]
    assert (job.hours, job.runs, job.seat) == (0.5, True, None)
    assert job.instances == ((("ml.m5.large", InstanceUse.TRAINING), 2),)
    described(wire, TrainingJobStatus="Completed", BillableTimeInSeconds=90)
    job = read(wire)["training job"]
    assert (job.hours, job.runs) == (90 / HOUR, False)


def test_a_warm_pool_costs_after_its_jobs_end(wire: Wire) -> None:
    """As long as it is there its instances are billed; of one that is gone AWS says for how long they were."""
    ended = {"TrainingJobStatus": "Completed", "BillableTimeInSeconds": 90, "TrainingEndTime": NOW - HOUR / 4}
    described(wire, **ended, WarmPoolStatus={"Status": "Available"})
    job = read(wire)["training job"]
    assert (job.hours, job.runs, job.state) == (90 / HOUR + 0.25, True, "Completed, warm pool")
    gone = {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 30}
    described(wire, **ended, WarmPoolStatus=gone)
    job = read(wire)["training job"]
    assert (job.hours, job.runs, job.state) == (120 / HOUR, False, "Completed")


def test_a_processing_job_that_waits_for_its_instances_has_cost_nothing(wire: Wire) -> None:
    """It runs, and from its start on it will cost its one instance."""
    described(wire)
    job = read(wire)["processing job"]
    assert (job.hours, job.runs, job.seat) == (0, True, "ada")
    assert job.instances == ((("ml.c5.large", InstanceUse.PROCESSING), 1),)


def test_a_transform_job_counts_from_its_start_to_its_end(wire: Wire) -> None:
    """What has ended costs no longer."""
    described(wire)
    job = read(wire)["transform job"]
    assert (job.hours, job.runs, job.seat) == (2, False, "ada")
    assert job.instances == ((("ml.m5.large", InstanceUse.TRANSFORM), 1),)


def test_a_labeling_job_costs_its_labels(wire: Wire) -> None:
    """Each object that is labeled, where the lab has Ground Truth; another lab's job, and a lab without, count none."""
    described(wire)
    counters = {"TotalLabeled": 40, "HumanLabeled": 40, "MachineLabeled": 0, "Unlabeled": 2}
    made = {"LabelingJobArn": "a", "CreationTime": NOW, "LastModifiedTime": NOW, "WorkteamArn": "a"}
    jobs = [
        {**made, "LabelingJobName": name, "LabelingJobStatus": "InProgress", "LabelCounters": counters}
        for name in ("brick-ada-4", "brickwork")
    ]
    wire.answers["ListLabelingJobs"] = {"LabelingJobSummaryList": jobs}
    job = read(wire, labelling="ground-truth")["labeling job"]
    assert (job.name, job.seat, job.labeled_objects) == ("brick-ada-4", "ada", 40)
    prices = replace(PRICES, labeled_object=0.08)
    assert job.hourly(prices) == 0
    assert job.so_far(prices) == pytest.approx(3.2)
    assert "labeling job" not in read(wire)


def test_what_is_deleted_while_it_is_read_is_left_out(wire: Wire) -> None:
    """A student who deletes an endpoint at that moment does not break the bill."""
    described(wire)
    wire.refused["DescribeEndpoint"] = "ValidationException"
    assert set(read(wire)) == {"notebook", "training job", "processing job", "transform job"}
