"""The AWS CLI, unmodified, against the embedded SageMaker."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded_aws.account import Account, answering
from tests.embedded_aws.services.sagemaker.calls import IMAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from embedded_aws.gateway import Gateway

NAME = "--notebook-instance-lifecycle-config-name"
SCRIPT = base64.b64encode(b"#!/bin/sh\n").decode()


@pytest.fixture
def aws(embedded: Gateway) -> Callable[..., str]:
    """Runs `aws`; its output, or with another exit `code` its standard error."""
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": embedded.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }

    def run(*arguments: str, code: int = 0) -> str:
        program = Path(sys.executable).with_name("aws")
        done = subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stderr if code else done.stdout

    return run


def test_a_version_is_approved(aws: Callable[..., str]) -> None:
    """A version is registered and approved by commands, and found by its approval."""
    group = ("--model-package-group-name", "cli-registry")
    specification = json.dumps({"Containers": [{"Image": IMAGE}]})
    aws("sagemaker", "create-model-package-group", *group)
    made = json.loads(aws("sagemaker", "create-model-package", *group, "--inference-specification", specification))
    approval = ("--model-approval-status", "Approved")
    aws("sagemaker", "update-model-package", "--model-package-arn", made["ModelPackageArn"], *approval)
    names = ("--query", "ModelPackageSummaryList[].ModelPackageArn", "--output", "text")
    assert aws("sagemaker", "list-model-packages", *group, *approval, *names).strip() == made["ModelPackageArn"]
    assert "still contains Model Packages" in aws("sagemaker", "delete-model-package-group", *group, code=255)


def test_a_user_s_commands(aws: Callable[..., str], client: Callable[[str], Any]) -> None:
    """What one command makes the next one lists, page by page; its waiters and errors are AWS's."""
    configs = client("sagemaker")
    configs.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName="cli-a")
    made = json.loads(
        aws(
            *("sagemaker", "create-notebook-instance-lifecycle-config", NAME, "cli-b"),
            *("--on-start", json.dumps([{"Content": SCRIPT}])),
        )
    )
    assert made["NotebookInstanceLifecycleConfigArn"].endswith("/cli-b")
    names = "NotebookInstanceLifecycleConfigs[].NotebookInstanceLifecycleConfigName"
    listed = aws(
        *("sagemaker", "list-notebook-instance-lifecycle-configs", "--name-contains", "cli-", "--sort-by", "Name"),
        *("--page-size", "1", "--query", names, "--output", "text"),
    )
    assert listed.split() == ["cli-a", "cli-b"]
    aws("sagemaker", "wait", "endpoint-deleted", "--endpoint-name", "cli-nothing")
    refused = aws("sagemaker", "describe-endpoint", "--endpoint-name", "cli-nothing", code=255)
    assert "An error occurred (ValidationException) when calling the DescribeEndpoint operation: Could not" in refused


def test_scaling_from_the_command_line(aws: Callable[..., str], account: Account) -> None:
    """As SageMaker's guide registers an endpoint's variant and puts a policy; an error is AWS's."""
    endpoint = account.endpoint(account.config(account.model(answering())))
    variant = (
        *("--service-namespace", "sagemaker", "--resource-id", f"endpoint/{endpoint}/variant/v0"),
        *("--scalable-dimension", "sagemaker:variant:DesiredInstanceCount"),
    )
    refused = aws("application-autoscaling", "deregister-scalable-target", *variant, code=255)
    assert "(ObjectNotFoundException) when calling the DeregisterScalableTarget operation: No scalable t" in refused
    bounds = ("--min-capacity", "1", "--max-capacity", "4")
    registered = aws("application-autoscaling", "register-scalable-target", *variant, *bounds)
    assert "ScalableTargetARN" in json.loads(registered)
    metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    configuration = json.dumps({"TargetValue": 50, "PredefinedMetricSpecification": metric})
    tracking = ("--target-tracking-scaling-policy-configuration", configuration)
    policy = ("--policy-name", "scale", "--policy-type", "TargetTrackingScaling")
    made = json.loads(aws("application-autoscaling", "put-scaling-policy", *policy, *variant, *tracking))
    assert len(made["Alarms"]) == 2
    aws("application-autoscaling", "deregister-scalable-target", *variant)
