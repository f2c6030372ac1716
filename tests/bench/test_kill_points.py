"""What a kill at a write would leave is found by the benchmark of kills, and comes back whole."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from bench.support import kill_points
from bench.support.kill_points import Acknowledged, Client
from cli import paths
from embedded_aws import gateway

if TYPE_CHECKING:
    from pathlib import Path

_TEMPLATE = {
    "Resources": {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "sagemaker.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                }
            },
        },
        "Topic": {"Type": "AWS::SNS::Topic"},
        "Notebook": {
            "Type": "AWS::SageMaker::NotebookInstance",
            "Properties": {"InstanceType": "ml.t3.medium", "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}},
        },
    }
}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], list[Acknowledged]]:
    """The copies of a state at each of its writes, in which an object was written twice and a stack made."""
    home, snapshots = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("snapshots")
    environment = kill_points.environment(snapshots)
    running = gateway.start(home, cache=paths.cache(), environment=environment, pace=0.1, port=0)
    aws = Client(running)
    told = []
    aws("s3").create_bucket(Bucket="kept")
    for content in (b"first" * 1000, b"second" * 1000):
        aws("s3").put_object(Bucket="kept", Key="work.txt", Body=content)
        told.append(Acknowledged("the object", lambda client: bool(_content(client)), time.time()))
    cloudformation = aws("cloudformation")
    cloudformation.create_stack(StackName="kept", TemplateBody=json.dumps(_TEMPLATE), Capabilities=["CAPABILITY_IAM"])
    waiter = cloudformation.get_waiter("stack_create_complete")
    waiter.wait(StackName="kept", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    told.append(Acknowledged("the stack", _is_complete, time.time()))
    time.sleep(1)  # until the last of it is kept
    gateway.forget(home)
    return kill_points.points(snapshots, 1000), told


def _content(aws: Client) -> bytes:
    return bytes(aws("s3").get_object(Bucket="kept", Key="work.txt")["Body"].read())


def _is_complete(aws: Client) -> bool:
    [stack] = aws("cloudformation").describe_stacks(StackName="kept")["Stacks"]
    return bool(stack["StackStatus"] == "CREATE_COMPLETE")


def test_every_kind_of_point_comes_back(played: tuple[list[Path], list[Acknowledged]], tmp_path: Path) -> None:
    """Before and after writes, while the stack was made and after it: nothing that was told is missing or torn."""
    points, told = played
    assert len(points) > 10
    assert {path.name.partition("-")[2] for path in points} == {"before", "after"}
    chosen = [points[index * (len(points) - 1) // 4] for index in range(5)]
    found = {
        point.name: kill_points.failures(point, tmp_path / str(number), told) for number, point in enumerate(chosen)
    }
    assert found == {point.name: [] for point in chosen}


def test_what_is_missing_is_told(played: tuple[list[Path], list[Acknowledged]], tmp_path: Path) -> None:
    """The look at a point finds what does not hold."""
    points, _ = played
    never = Acknowledged("a promise", lambda _client: False, since=0.0)
    assert kill_points.failures(points[-1], tmp_path / "home", [never]) == [
        "a promise was acknowledged, and is not there"
    ]
