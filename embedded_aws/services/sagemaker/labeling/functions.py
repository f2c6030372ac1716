"""A labeling job's functions: before a task is shown, and after its answers are in.

Sources: SageMaker's guide, "Using pre-annotation and post-annotation Lambda functions"; events as users got them
(`version` is 2018-10-06 after, with `outputConfig` and `maxHumanWorkersPerDataObject`); `Exception invoking the Lambda
function …`: aws-samples/amazon-comprehend-semi-structured-documents-annotation-tools#3. AWS's own functions, in
accounts of its own (botocore's model), are known by their names; of these there is ImageMultiClass, whose task input is
what the templates for it read. Not compared with AWS: LambdaErrorCode where the function can't be invoked at all; what
is said of an answer that has not the form which it must have.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.services.sagemaker.failure import FailedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from embedded_aws.runtime.credentials import Role

IMAGE_CLASSIFICATION = "ImageMultiClass"
_OWN_TO_AWS = re.compile(r"arn:[^:]+:lambda:[^:]+:(?P<account>\d{12}):function:(?:PRE|ACS)-(?P<task>\w+)")
_SECONDS = 900  # the longest that a function may take
_CONFIG = Config(connect_timeout=5, read_timeout=_SECONDS, retries={"total_max_attempts": 1})


def built_in(arn: str | None, account: str) -> str:
    """Return the task type that one of AWS's own functions is for, "" for a function that is the account's."""
    found = _OWN_TO_AWS.fullmatch(arn or "")
    return found["task"] if found and found["account"] != account else ""


class Functions:
    """Invokes a job's functions as its role."""

    def __init__(self, role: Role) -> None:
        self._role = role
        self._lambda = role.client("lambda", config=_CONFIG)

    def before(self, arn: str, job: str, data_object: Mapping[str, Any]) -> tuple[Any, bool]:
        """Return a task's input, and whether somebody must answer it. Raises FailedError."""
        answer = self._invoke(arn, {"version": "2018-10-16", "labelingJobArn": job, "dataObject": data_object})
        if not isinstance(answer, dict) or not isinstance(answer.get("taskInput"), dict):
            raise FailedError(f"ClientError: The function {arn} must answer with a JSON object as taskInput.")
        wanted = answer.get("isHumanAnnotationRequired", answer.get("humanAnnotationRequired", True))
        return answer["taskInput"], str(wanted).lower() != "false"

    def after(self, arn: str, event: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Return a function's consolidated annotations. Raises FailedError."""
        answer = self._invoke(arn, {"version": "2018-10-06", **event})
        try:
            for one in answer:
                dict(one["consolidatedAnnotation"]["content"])
                str(one["datasetObjectId"])
        except (TypeError, KeyError, ValueError) as error:
            raise FailedError(
                f"ClientError: The function {arn} must answer with a list of datasetObjectId and "
                "consolidatedAnnotation.content."
            ) from error
        return list(answer)

    def _invoke(self, arn: str, event: Mapping[str, Any]) -> Any:
        try:
            answer = self._lambda.invoke(FunctionName=arn, Payload=json.dumps(event).encode())
            code = answer.get("FunctionError", "")
        except ClientError as error:
            code = error.response["Error"]["Code"]
        except BotoCoreError as error:
            code = type(error).__name__
        if code:
            raise FailedError(
                f"ClientError: Exception invoking the Lambda function {arn}. LambdaErrorCode: {code}. Ensure the "
                f"Lambda function exists, that the role {self._role.arn} has permissions to invoke it and try your "
                "request again."
            )
        try:
            return json.loads(answer["Payload"].read())
        except ValueError as error:
            raise FailedError(f"ClientError: The function {arn} must answer in JSON.") from error
