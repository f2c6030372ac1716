"""The Lambda function that answers as the endpoint does, by a URL that asks for IAM's permission."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs import statements
from infra.constructs.findings import acknowledge, wildcard
from infra.constructs.handler_function import HandlerRole
from infra.constructs.log_group import LogGroup
from infra.function_package import PYTHON
from teardown import names

if TYPE_CHECKING:
    from pathlib import Path

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3

    from infra.settings import Settings

# A CPU and a bit: at 1,769 MB a function has a whole one (Lambda's guide, "Configure Lambda function memory"). What
# starts it first, NumPy, LiteRT and the model from S3, is computing for the most part.
_MEMORY_MB = 2048
_TIMEOUT = Duration.seconds(30)

_FINDINGS = {
    "AwsSolutions-L1": "LiteRT is built for each version of Python: the function has the one of its packages.",
    "CKV_AWS_115": "A reserve is taken from the account's concurrency, which is 10 in a new account.",
    "CKV_AWS_116": "Whoever asks is told of a failure in the answer; nobody calls it asynchronously.",
    "CKV_AWS_117": "It reaches nothing inside a VPC: it reads the model from S3 over TLS, with a role that names it.",
    "CKV_AWS_173": "Its environment holds the artifact's address, which the lab's parameter says to all who may look.",
}


class ModelFunction(Construct):
    """Serves the artifact at this address in S3; another address is another environment, which starts with it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        bucket: s3.IBucket,
        key: kms.IKey,
        package: Path,
        artifact: str,
    ) -> None:
        super().__init__(scope, construct_id)
        logs = LogGroup(self, "Logs", key=key, retention_days=settings.log_retention_days)
        role = HandlerRole(
            self,
            "Role",
            log_group=logs,
            statements=[
                statements.on_objects(bucket.bucket_arn, actions=["s3:GetObject"], prefixes=["training/"]),
                statements.allow(["kms:Decrypt"], [key.key_arn]),
            ],
        )
        acknowledge(role, {wildcard("…/training/*"): "SageMaker makes the names of the artifacts."})
        function = lambda_.Function(
            self,
            "Function",
            architecture=lambda_.Architecture.X86_64,
            code=lambda_.Code.from_asset(str(package)),
            description=f"Answers for the model of the lab {settings.name}, as its endpoint does",
            environment={"MODEL_ARTIFACT": artifact},
            function_name=names.model_function(settings.name),
            handler="lambda_function.handler",
            log_group=logs,
            memory_size=_MEMORY_MB,
            role=role,
            runtime=lambda_.Runtime(f"python{PYTHON}", lambda_.RuntimeFamily.PYTHON),
            timeout=_TIMEOUT,
        )
        acknowledge(function, _FINDINGS)
        self.url = function.add_function_url(auth_type=lambda_.FunctionUrlAuthType.AWS_IAM).url
