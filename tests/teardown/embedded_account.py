"""Stacks as tests of the teardown need them: quick to make, and stubborn at a word."""

from __future__ import annotations

import contextlib
import json
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3

from teardown import clients
from tests import functions
from tests.embedded_aws.account import until

if TYPE_CHECKING:
    from collections.abc import Callable

# Answers CloudFormation; fails at the requests that the resource's property Fails names.
_STUBBORN = """
import json, urllib.request

def handler(event, _context):
    bad = event["RequestType"] in event["ResourceProperties"].get("Fails", [])
    answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    answer |= {"PhysicalResourceId": event.get("PhysicalResourceId", "made"), "Data": {}}
    answer |= {"Status": "FAILED", "Reason": "it is stubborn"} if bad else {"Status": "SUCCESS"}
    body = json.dumps(answer).encode()
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT"))
"""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
TOPIC = {"Topic": {"Type": "AWS::SNS::Topic"}}
SHARED = tuple(
    f"/aws/sagemaker/{kind}"
    for kind in (
        "CompilationJobs",
        "InferenceRecommendationsJobs",
        "LabelingJobs",
        "NotebookInstances",
        "ProcessingJobs",
        "TrainingJobs",
        "TransformJobs",
    )
)


class EmbeddedAccount:
    """An account of CloudFormation's."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self.client = client
        self.cloudformation = client("cloudformation")
        self.patient = cache(self._patient)

    def prepare(self, role: str) -> None:
        """Take this role, and make the function of custom resources."""
        self.role = role
        self.stubborn = functions.make(self.client("lambda"), "stubborn", role=role, source=_STUBBORN)

    def write(self, group: str, stream: str = "written") -> None:
        """Write to a log, and make it if need be."""
        logs = self.client("logs")
        for make, names in (
            (logs.create_log_group, {"logGroupName": group}),
            (logs.create_log_stream, {"logGroupName": group, "logStreamName": stream}),
        ):
            with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
                make(**names)

    def parameter(self, name: str) -> None:
        """A parameter."""
        self.client("ssm").put_parameter(Name=name, Value="1", Type="String")

    def schedule(self, name: str) -> None:
        """A schedule that is never due."""
        self.client("scheduler").create_schedule(
            Name=name,
            ScheduleExpression="at(2040-01-01T00:00:00)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": self.stubborn, "RoleArn": self.role},
        )

    def stack(
        self, name: str, resources: dict[str, Any], *, lab: str, ends: str = "CREATE_COMPLETE", **more: Any
    ) -> None:
        """Make a stack that bears a lab's tag, and wait until it `ends` so."""
        tags = {"bricklab:lab": lab, **more.pop("tags", {})}
        self.cloudformation.create_stack(
            StackName=name,
            TemplateBody=json.dumps({"Resources": resources}),
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
            **more,
        )
        self.ends(name, ends)

    def ends(self, name: str, status: str) -> None:
        """Wait until a stack has this status."""
        until(lambda: self.status(name) == status, 15)

    def status(self, name: str) -> str:
        """A stack's."""
        return str(self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])

    def _patient(self, service: str) -> Any:
        """A client that asks again as the lab's functions do."""
        url = self.cloudformation.meta.endpoint_url
        session: Any = _session()
        return session.client(service, endpoint_url=url, config=clients.CONFIG)

    def inventory(self) -> set[str]:
        """Everything that stands in the account, but KMS keys."""
        sagemaker, logs = self.client("sagemaker"), self.client("logs")
        groups = [group["logGroupName"] for group in logs.describe_log_groups(limit=50)["logGroups"]]
        return {
            *(f"stack {s['StackName']} {s['StackStatus']}" for s in self.cloudformation.describe_stacks()["Stacks"]),
            *(f"endpoint {e['EndpointName']} {e['EndpointStatus']}" for e in sagemaker.list_endpoints()["Endpoints"]),
            *(f"config {e['EndpointConfigName']}" for e in sagemaker.list_endpoint_configs()["EndpointConfigs"]),
            *(f"model {e['ModelName']}" for e in sagemaker.list_models()["Models"]),
            *(
                f"job {e['TrainingJobName']} {e['TrainingJobStatus']}"
                for e in sagemaker.list_training_jobs()["TrainingJobSummaries"]
            ),
            *(
                f"processing {e['ProcessingJobName']} {e['ProcessingJobStatus']}"
                for e in sagemaker.list_processing_jobs()["ProcessingJobSummaries"]
            ),
            *(
                f"tuning {e['HyperParameterTuningJobName']} {e['HyperParameterTuningJobStatus']}"
                for e in sagemaker.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"]
            ),
            *(
                f"notebook {e['NotebookInstanceName']} {e['NotebookInstanceStatus']}"
                for e in sagemaker.list_notebook_instances()["NotebookInstances"]
            ),
            *(f"bucket {e['Name']}" for e in self.client("s3").list_buckets()["Buckets"]),
            *(f"role {e['RoleName']}" for e in self.client("iam").list_roles()["Roles"]),
            *(f"topic {e['TopicArn']}" for e in self.client("sns").list_topics()["Topics"]),
            *(f"schedule {e['Name']}" for e in self.client("scheduler").list_schedules()["Schedules"]),
            *(f"parameter {e['Name']}" for e in self.client("ssm").describe_parameters()["Parameters"]),
            *(f"group {group}" for group in groups),
            *(
                f"stream {group} {stream['logStreamName']}"
                for group in groups
                if group in SHARED
                for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]
            ),
        }


@cache
def _session() -> boto3.Session:
    return boto3.Session("test", "test", region_name="us-east-1")


def custom(function: str, *fails: str, **more: str) -> dict[str, Any]:
    """A custom resource that fails at these requests."""
    properties = {"ServiceToken": function, "ServiceTimeout": "20", "Fails": list(fails), **more}
    return {"Type": "Custom::Stubborn", "Properties": properties}
