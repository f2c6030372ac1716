"""A lab that ends by itself, with whatever its students have made."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Lab

pytestmark = pytest.mark.usefixtures("in_order")
NAME = "leased"
SETTINGS = ["-c", f"lab.name={NAME}", "-c", "lab.seats=ada", "-c", "lab.epochs=1", "-c", "lab.lease=2h"]
STUDENTS = f"{NAME}-ada-bricks"
PATIENCE = 300  # seconds


def until(condition: Callable[[], Any]) -> Any:
    """Wait for a condition to hold; its value."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return value


def scheduled(lab: Lab, what: str) -> dict[str, Any]:
    """One of the lease's two schedules, as GetSchedule describes it."""
    return dict(lab.client("scheduler").get_schedule(Name=f"{NAME}-lease-{what}"))


def reschedule(lab: Lab, what: str, **changes: Any) -> None:
    """Change a schedule as anybody with the permission can."""
    members = ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target", "StartDate")
    kept = {name: value for name, value in scheduled(lab, what).items() if name in members}
    lab.client("scheduler").update_schedule(**{**kept, **changes})


def stacks(lab: Lab) -> set[str]:
    """The names of the stacks that there are."""
    return {stack["StackName"] for stack in lab.client("cloudformation").describe_stacks()["Stacks"]}


def own_copy(lab: Lab, uri: str) -> str:
    """The URI of a copy in the part of the bucket that the student may read."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    lab.client("s3").copy_object(CopySource={"Bucket": bucket, "Key": key}, Bucket=bucket, Key="seats/ada/model.tar.gz")
    return f"s3://{bucket}/seats/ada/model.tar.gz"


@pytest.fixture(scope="module")
def ears(lab: Lab) -> Callable[[], list[dict[str, Any]]]:
    """What the lab's topic has told a queue so far."""
    sns, sqs = lab.client("sns"), lab.client("sqs")
    queue = sqs.create_queue(QueueName="ears")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sender = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [{**sender, "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    sns.subscribe(TopicArn=lab.outputs()["NoticesTopicArn"], Protocol="sqs", Endpoint=arn)
    heard: list[dict[str, Any]] = []

    def listen() -> list[dict[str, Any]]:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", ()):
            heard.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return heard

    return listen


def test_a_lease_begins_with_the_lab(lab: Lab) -> None:
    """`up` says when the lab ends, and a schedule of the account's own, nobody's laptop, will end it."""
    shown = lab("up", *SETTINGS)
    end = scheduled(lab, "end")
    assert f"{end['StartDate'].astimezone(UTC):%Y-%m-%d %H:%M} UTC" in shown
    assert end["State"] == "ENABLED"
    status = json.loads(lab("status", "-c", f"lab.name={NAME}", "--json"))
    assert datetime.fromisoformat(status["lease_end"]) == end["StartDate"]
    assert timedelta(hours=1, minutes=50) < end["StartDate"] - datetime.now(UTC) < timedelta(hours=2)


def test_extend_moves_the_end_and_the_warning(lab: Lab) -> None:
    """`extend` adds to the end; another `up` with the same settings does not take it back, nor trains again."""
    before = scheduled(lab, "end")["StartDate"], scheduled(lab, "warning")["ScheduleExpression"]
    told = json.loads(lab("extend", "90m", "-c", f"lab.name={NAME}", "--json"))
    after = scheduled(lab, "end")["StartDate"]
    assert after - before[0] == timedelta(minutes=90)
    assert datetime.fromisoformat(told["end"]) == after
    assert scheduled(lab, "warning")["ScheduleExpression"] > before[1]
    outputs = lab.outputs()
    assert "not retrained" in lab("up", *SETTINGS)
    assert lab.outputs() == outputs
    assert scheduled(lab, "end")["StartDate"] == after


@pytest.mark.parametrize(
    ("term", "said"),
    [("soon", "90m"), ("0h", "must be a duration"), ("2020-01-01T00:00Z", "not later"), ("2030-01-01T00:00", "zone")],
)
def test_extend_refuses_what_is_no_later_end(lab: Lab, term: str, said: str) -> None:
    """Each mistake is one sentence, and the lease stays as it was."""
    before = scheduled(lab, "end")["StartDate"]
    assert said in lab("extend", term, "-c", f"lab.name={NAME}", code=1)
    assert scheduled(lab, "end")["StartDate"] == before


def test_the_budget_tells_the_same_topic(lab: Lab) -> None:
    """The lab has a budget that filters on its tag, with alerts at 50, 80 and 100 percent."""
    budgets, account = lab.client("budgets"), "000000000000"
    [budget] = budgets.describe_budgets(AccountId=account)["Budgets"]
    assert budget["CostFilters"] == {"TagKeyValue": [f"user:bricklab:lab${NAME}"]}
    notifications = budgets.describe_notifications_for_budget(AccountId=account, BudgetName=budget["BudgetName"])
    assert [each["Threshold"] for each in notifications["Notifications"]] == [50, 80, 100]
    for each in notifications["Notifications"]:
        heard = budgets.describe_subscribers_for_notification(
            AccountId=account, BudgetName=budget["BudgetName"], Notification=each
        )
        assert [one["Address"] for one in heard["Subscribers"]] == [lab.outputs()["NoticesTopicArn"]]


def test_the_topic_is_warned_before_the_end(lab: Lab, ears: Callable[[], list[dict[str, Any]]]) -> None:
    """When the warning is due, whoever subscribed reads when the lab ends and how to prolong it."""
    assert ears() == []
    reschedule(lab, "warning", ScheduleExpression=f"at({datetime.now(UTC) + timedelta(seconds=1):%Y-%m-%dT%H:%M:%S})")
    [warning] = until(ears)
    end = scheduled(lab, "end")["StartDate"].astimezone(UTC)
    assert f"{end:%Y-%m-%d %H:%M} UTC" in warning["Message"]
    assert "./lab extend" in warning["Message"]


def test_a_student_leaves_things_behind(lab: Lab) -> None:
    """An endpoint, objects, models and jobs, of which one each is known by its tag only: in no stack.

    The jobs would run for long, and keep their instances after that.
    """
    sagemaker, outputs = lab.client("sagemaker"), lab.outputs()
    role = outputs["RoleArn"]
    served = sagemaker.describe_endpoint_config(
        EndpointConfigName=sagemaker.describe_endpoint(EndpointName=NAME)["EndpointConfigName"]
    )
    model = sagemaker.describe_model(ModelName=served["ProductionVariants"][0]["ModelName"])
    container = {**model["PrimaryContainer"], "ModelDataUrl": own_copy(lab, model["PrimaryContainer"]["ModelDataUrl"])}
    sagemaker.create_model(ModelName=STUDENTS, ExecutionRoleArn=role, PrimaryContainer=container)
    variant = {**served["ProductionVariants"][0], "ModelName": STUDENTS}
    sagemaker.create_endpoint_config(EndpointConfigName=STUDENTS, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=STUDENTS, EndpointConfigName=STUDENTS)
    trained = sagemaker.describe_training_job(TrainingJobName=outputs["TrainingJobName"])
    own = [{"Key": "bricklab:lab", "Value": NAME}]
    instances = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
    for name, tags in ((STUDENTS, []), ("named-otherwise", own)):
        sagemaker.create_training_job(
            TrainingJobName=name,
            RoleArn=role,
            AlgorithmSpecification={
                "TrainingImage": trained["AlgorithmSpecification"]["TrainingImage"],
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["sleep"],
                "ContainerArguments": ["3600"],
            },
            OutputDataConfig={"S3OutputPath": f"s3://{outputs['BucketName']}/seats/ada/"},
            ResourceConfig={**instances, "KeepAlivePeriodInSeconds": 3600},
            StoppingCondition={"MaxRuntimeInSeconds": 3600},
            Tags=tags,
        )
    sagemaker.create_model(ModelName="named-otherwise", ExecutionRoleArn=role, PrimaryContainer=container, Tags=own)
    lab.client("s3").put_object(Bucket=outputs["BucketName"], Key="seats/ada/notes.txt", Body=b"mine")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=STUDENTS, WaiterConfig={"Delay": 1})


def test_a_lab_whose_lease_is_over_ends_by_itself(lab: Lab) -> None:
    """Nobody does anything: the schedule fires, and the last stack to go is the one that did it."""
    reschedule(lab, "end", StartDate=datetime.now(UTC) + timedelta(seconds=1))
    until(lambda: stacks(lab) == {"CDKToolkit"})


def test_nothing_of_it_is_left(lab: Lab) -> None:
    """No resource of any service, but KMS keys in their waiting period and the CDK's bootstrap."""
    sagemaker = lab.client("sagemaker")
    assert not sagemaker.list_endpoints()["Endpoints"]
    assert not sagemaker.list_endpoint_configs()["EndpointConfigs"]
    assert not sagemaker.list_models()["Models"]
    assert not sagemaker.list_training_jobs()["TrainingJobSummaries"]
    assert not sagemaker.list_notebook_instances()["NotebookInstances"]
    assert not sagemaker.list_notebook_instance_lifecycle_configs()["NotebookInstanceLifecycleConfigs"]
    assert not lab.client("scheduler").list_schedules()["Schedules"]
    assert not lab.client("lambda").list_functions()["Functions"]
    assert not lab.client("stepfunctions").list_state_machines()["stateMachines"]
    assert not lab.client("sns").list_topics()["Topics"]
    assert not lab.client("budgets").describe_budgets(AccountId="000000000000")["Budgets"]
    assert not lab.client("logs").describe_log_groups()["logGroups"]
    assert not [b for b in lab.client("s3").list_buckets()["Buckets"] if not b["Name"].startswith("cdk-")]
    assert not [r for r in lab.client("iam").list_roles()["Roles"] if not r["RoleName"].startswith("cdk-")]
    parameters = lab.client("ssm").describe_parameters()["Parameters"]
    assert [each["Name"] for each in parameters] == ["/cdk-bootstrap/hnb659fds/version"]
    kms = lab.client("kms")
    states = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"]]
    assert {state["KeyState"] for state in states if state["KeyManager"] == "CUSTOMER"} == {"PendingDeletion"}


def test_the_topic_heard_of_the_end(ears: Callable[[], list[dict[str, Any]]]) -> None:
    """The last notice says that the lab has ended, and what was deleted."""
    ended = until(lambda: ears()[1:])
    assert [notice["Subject"] for notice in ended] == [f"Lab {NAME} has ended"]
    assert "2 x training job" in ended[0]["Message"] or "3 x training job" in ended[0]["Message"]
    assert "endpoint" in ended[0]["Message"]


def test_down_finds_nothing_more(lab: Lab) -> None:
    """`down` after that is a no-op with a clean receipt."""
    receipt = json.loads(lab("down", "-c", f"lab.name={NAME}", "--json"))
    assert receipt["clean"]
    assert receipt["deleted"] == []


def test_extend_comes_too_late(lab: Lab) -> None:
    """A lab that is gone can't be prolonged: the sentence says what brings it back."""
    assert "./lab up" in lab("extend", "1h", "-c", f"lab.name={NAME}", code=1)
