"""The console of somebody who may little: each panel says which right is missing, and shows what it may."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from embedded_aws import gateway
from tests.cli.console.conftest import NAME, console, opened, seat, start

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.conftest import Lab

MAY = ["cloudformation:DescribeStacks", "sagemaker:ListNotebookInstances", "scheduler:GetSchedule"]


def test_each_panel_names_the_right_that_is_missing(chromium: Browser, lab: Lab) -> None:
    """Whoever may list stacks and notebooks sees the seats, and of the rest the rights to ask for."""
    start(lab, enforce=True)
    seat(lab, "ada")
    iam = lab.client("iam")
    statement = {"Effect": "Allow", "Action": MAY, "Resource": "*"}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": gateway.ACCOUNT}}
    documents = [json.dumps({"Version": "2012-10-17", "Statement": [each]}) for each in (trust, statement)]
    role = iam.create_role(RoleName="looks", AssumeRolePolicyDocument=documents[0])["Role"]["Arn"]
    iam.put_role_policy(RoleName="looks", PolicyName="all", PolicyDocument=documents[1])
    with console(lab.as_role(role), "seats=ada") as link, opened(chromium, link) as page:
        for panel, action in (
            ("jobs", "sagemaker:ListTrainingJobs"),
            ("endpoints", "sagemaker:ListEndpoints"),
            ("tuning", "sagemaker:ListHyperParameterTuningJobs"),
            ("quotas", "servicequotas:ListServiceQuotas"),
            ("lab", "ssm:GetParametersByPath"),
            ("seats", "logs:DescribeLogStreams"),
        ):
            page.locator(f"#{panel} .note", has_text=f"You lack the right {action}.").first.wait_for()
        page.locator("#seat-ada").wait_for()
        page.get_by_text(f"AWS, account {gateway.ACCOUNT}").wait_for()
        assert NAME in page.title()
