"""What a class has of Ground Truth for one seat: a team of its own in the lab's workforce, a form and a job.

A student's role has no right to any of it: whoever runs the lab makes it, under the seat's names.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from embedded_aws import gateway
from tests.embedded_aws.account import until
from tests.embedded_aws.labeler import PASSWORD, Labeler
from tests.embedded_aws.services.sagemaker import calls
from tests.embedded_aws.services.sagemaker.labeling.test_labeling_jobs import BUILT_IN
from tests.seats.class_of_two import NAME, outputs

if TYPE_CHECKING:
    from tests.conftest import Lab

_COUNT = 12  # objects: a batch of ten, and another one


class SeatLabeling:
    """A seat's team, form and job, and who labels."""

    def __init__(self, lab: Lab, seat: str) -> None:
        storage, bucket = outputs(lab, "storage"), outputs(lab, "storage")["BucketName"]
        self._sagemaker = lab.client("sagemaker")
        self.team, self.form, self.job = (f"{NAME}-{seat}-{what}" for what in ("team", "form", "labels"))
        workforce = self._sagemaker.describe_workforce(WorkforceName=f"{NAME}-labelers")["Workforce"]
        self._people(lab.client("cognito-idp"), storage["LabelingUserPool"], seat)
        member = {**workforce["CognitoConfig"], "UserGroup": self.team}
        arn = self._sagemaker.create_workteam(
            WorkteamName=self.team,
            WorkforceName=workforce["WorkforceName"],
            MemberDefinitions=[{"CognitoMemberDefinition": member}],
            Description=f"Who labels for {seat}",
        )["WorkteamArn"]
        template = lab.client("s3").get_object(Bucket=bucket, Key="labelling/template.liquid.html")["Body"].read()
        self._sagemaker.create_human_task_ui(HumanTaskUiName=self.form, UiTemplate={"Content": template.decode()})
        lines = [json.dumps({"source-ref": f"s3://{bucket}/raw/{seat}/{number}.png"}) for number in range(_COUNT)]
        lab.client("s3").put_object(Bucket=bucket, Key=f"raw/{seat}/input.manifest", Body="\n".join(lines).encode())
        calls.labeling_job(
            self._sagemaker,
            self.job,
            {"WorkteamArn": arn, "TaskTitle": f"Bricks of {seat}", "TaskTimeLimitInSeconds": 3600, **BUILT_IN},
            manifest=f"s3://{bucket}/raw/{seat}/input.manifest",
            template=storage["LabelingTemplate"],
            OutputConfig={"S3OutputPath": f"s3://{bucket}/labelling/jobs"},
            LabelCategoryConfigS3Uri=storage["LabelingCategories"],
            RoleArn=storage["LabelingRoleArn"],
        )
        running = gateway.running(lab.home / "aws")
        assert running
        self._person = Labeler(running.url, workforce["SubDomain"], seat)
        assert "Sign out" in self._person.sign_in()

    def _people(self, cognito: Any, pool: str, seat: str) -> None:
        cognito.create_group(UserPoolId=pool, GroupName=self.team)
        cognito.admin_create_user(UserPoolId=pool, Username=seat, MessageAction="SUPPRESS")
        cognito.admin_set_user_password(UserPoolId=pool, Username=seat, Password=PASSWORD, Permanent=True)
        cognito.admin_add_user_to_group(UserPoolId=pool, Username=seat, GroupName=self.team)

    def label(self, count: int) -> None:
        """Label so many objects more."""
        [code] = until(self._person.jobs)
        for _ in range(count):
            where, _page = self._person.task(code)
            assert self._person.answer(where, {"crowd-image-classifier": {"label": "2x3 Brick"}}) == 200

    def described(self) -> dict[str, Any]:
        """What SageMaker says of the job."""
        found: dict[str, Any] = self._sagemaker.describe_labeling_job(LabelingJobName=self.job)
        return found
