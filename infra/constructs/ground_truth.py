"""SageMaker Ground Truth for the lab: who may label (a Cognito user pool), the workforce of them, a team, and a role.

New customers don't get Ground Truth any more: a note on each of its pages in SageMaker's guide. A region has one
workforce (botocore, CreateWorkforce): where there is one already the stack fails with AWS's own sentence. Its portal
needs the user pool to have a domain, and an app client with a secret: Terraform's example of a workforce has both. What
it shows of a bucket needs a CORS rule there (SageMaker's guide, "CORS requirement for input image data").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Aws, CfnOutput
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.constructs import statements
from infra.constructs.execution_role import ExecutionRole
from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.labelling_files import CATEGORIES, PREFIX, TEMPLATE
from teardown import names
from teardown.logs import group_of_streams

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

    from infra.settings import Settings

_READ, _WRITTEN = ("photos/", names.RAW_PHOTOS, PREFIX), f"{PREFIX}jobs/"
_SHORTEST_PASSWORD = 12
_Team = sagemaker.CfnWorkteam
_FINDINGS = {
    "AwsSolutions-COG2": "A class signs in for an hour's labeling; who wants a second factor turns it on in the pool.",
    "AwsSolutions-COG8": "Threat protection is Cognito's Plus plan, which costs for each user and month.",
}


class GroundTruth(Construct):
    """A user pool that nobody can join by themselves, its workforce and team, and the role of their labeling jobs."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, bucket: s3.Bucket, key: kms.IKey
    ) -> None:
        super().__init__(scope, construct_id)
        lab = settings.name
        name = names.labelers(lab)
        pool, client, group = self._people(name)
        workforce = sagemaker.CfnWorkforce(
            self,
            "Workforce",
            workforce_name=name,
            cognito_config=sagemaker.CfnWorkforce.CognitoConfigProperty(client_id=client.ref, user_pool=pool.ref),
        )
        workforce.node.add_dependency(group)
        team = _Team(
            self,
            "Team",
            workteam_name=name,
            workforce_name=name,
            description=f"Who labels for the lab {lab}",
            member_definitions=[
                _Team.MemberDefinitionProperty(
                    cognito_member_definition=_Team.CognitoMemberDefinitionProperty(
                        cognito_client_id=client.ref, cognito_user_group=name, cognito_user_pool=pool.ref
                    )
                )
            ],
        )
        team.node.add_dependency(workforce)
        bucket.add_cors_rule(
            allowed_methods=[s3.HttpMethods.GET], allowed_origins=[f"https://{workforce.attr_sub_domain}"]
        )
        role = _role(self, lab, bucket, key)
        place = f"s3://{bucket.bucket_name}/"
        for output, value, description in (
            ("LabelingPortal", f"https://{workforce.attr_sub_domain}/", "Where the team of labelers works"),
            ("LabelingUserPool", pool.ref, "Whose users label: put them into its group"),
            ("LabelingWorkteamArn", team.attr_workteam_arn, "The team that labeling jobs are for"),
            ("LabelingRoleArn", role.role_arn, "The role of labeling jobs"),
            ("LabelingTemplate", f"{place}{TEMPLATE}", "What labelers see"),
            ("LabelingCategories", f"{place}{CATEGORIES}", "What they choose from"),
        ):
            CfnOutput(self, output, value=value, description=description).override_logical_id(output)

    def _people(self, name: str) -> tuple[cognito.CfnUserPool, cognito.CfnUserPoolClient, cognito.CfnUserPoolGroup]:
        pool = cognito.CfnUserPool(
            self,
            "People",
            user_pool_name=name,
            admin_create_user_config=cognito.CfnUserPool.AdminCreateUserConfigProperty(
                allow_admin_create_user_only=True
            ),
            policies=cognito.CfnUserPool.PoliciesProperty(
                password_policy=cognito.CfnUserPool.PasswordPolicyProperty(
                    minimum_length=_SHORTEST_PASSWORD,
                    require_lowercase=True,
                    require_numbers=True,
                    require_symbols=True,
                    require_uppercase=True,
                )
            ),
        )
        acknowledge(pool, _FINDINGS)
        client = cognito.CfnUserPoolClient(
            self,
            "Portal",
            user_pool_id=pool.ref,
            client_name="labeling portal",
            generate_secret=True,
            prevent_user_existence_errors="ENABLED",
        )
        domain = cognito.CfnUserPoolDomain(self, "Domain", user_pool_id=pool.ref, domain=f"{name}-{Aws.ACCOUNT_ID}")
        group = cognito.CfnUserPoolGroup(self, "Group", user_pool_id=pool.ref, group_name=name)
        group.node.add_dependency(domain)
        return pool, client, group


def _role(scope: Construct, lab: str, bucket: s3.IBucket, key: kms.IKey) -> ExecutionRole:
    """Return the role of labeling jobs: it reads photos, the template and the categories, and writes labels.

    And the log and the metrics of jobs whose names begin with the lab's: AWS's own policy for such roles,
    AmazonSageMakerGroundTruthExecution, has both.
    """
    own, logs, jobs = bucket.bucket_arn, group_of_streams("labeling_job"), names.any_of(lab)
    role = ExecutionRole(
        scope,
        "Role",
        description=f"What the labeling jobs of the lab {lab} may do",
        policy=[
            statements.list_bucket(own, prefixes=list(_READ)),
            statements.on_objects(own, actions=["s3:GetObject"], prefixes=list(_READ)),
            statements.on_objects(own, actions=["s3:AbortMultipartUpload", "s3:PutObject"], prefixes=[_WRITTEN]),
            statements.read_and_write_encrypted(key.key_arn),
            *statements.write_logs({logs: jobs}),
            statements.publish_metrics(),
        ],
    )
    reason = "Whoever labels names the photos and the jobs."
    acknowledge(
        role,
        {
            **{wildcard(f"…/{place}*"): reason for place in (*_READ, _WRITTEN)},
            wildcard(f"…{logs}:*"): "SageMaker shares the log group among an account's labeling jobs.",
            wildcard(f"…{logs}:log-stream:{jobs}"): "The streams of this lab's labeling jobs.",
            wildcard("*"): "PutMetricData has no resource to name; it is held to SageMaker's namespaces.",
        },
    )
    return role
