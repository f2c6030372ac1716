"""What SageMaker publishes to the SNS topics of an asynchronous endpoint.

Sources: messages that users of AWS have got (a Lambda's event of May 2023 for one that completed; awslabs/
osml-model-runner for one that failed; DIAGNijmegen/rse-grand-challenge for the statuses); SageMaker's guide, "Create an
endpoint" of asynchronous inference (a test notification comes at CreateEndpoint, UpdateEndpoint and
UpdateEndpointWeightsAndCapacities) and, for the sentence if the role may not publish, amazon-sagemaker-examples#4461;
botocore's model of IncludeInferenceResponseIn (128 KB). Not compared with AWS: the form of the test notification; the
members of a response that is included; that a request without an InputLocation has none in its message.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.services.sagemaker.endpoints.hosts import HostError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.runtime.credentials import Role
    from embedded_aws.services.sagemaker.endpoints.async_requests import AsyncRequest

INCLUDED_BYTES = 128 * 1024
_EVENT = {"eventVersion": "1.0", "eventSource": "aws:sagemaker"}
_COMPLETED = "Completed"


def topics(config: Mapping[str, Any]) -> dict[str, str]:
    """Return an AsyncInferenceConfig's topics, by SuccessTopic and ErrorTopic."""
    notifications = config["OutputConfig"].get("NotificationConfig", {})
    return {kind: notifications[kind] for kind in ("SuccessTopic", "ErrorTopic") if notifications.get(kind)}


def test(config: Mapping[str, Any], role: Role) -> None:
    """Publish a test notification to each topic. Raises HostError if the role may not."""
    for topic in sorted(set(topics(config).values())):
        try:
            role.client("sns").publish(TopicArn=topic, Message=json.dumps({**_EVENT, "eventName": "TestNotification"}))
        except (ClientError, BotoCoreError) as error:
            raise HostError(
                f'The provided role "{role.arn}" is invalid. Please ensure the role exists, that its trust '
                'relationship policy allows the action "sts:AssumeRole" for the service principal '
                f'"sagemaker.amazonaws.com", and has "sns:Publish" permissions for topic "{topic}". {error}'
            ) from error


def message(
    request: AsyncRequest, endpoint: str, region: str, *, status: str, response: Mapping[str, Any], reason: str
) -> dict[str, Any]:
    """Return the message for a request that has ended; `status` is Completed, Failed or Expired.

    `response` are the responseParameters.
    """
    headers = request.headers
    parameters = {
        "accept": headers.get("Accept"),
        "contentType": headers.get("Content-Type"),
        "customAttributes": headers.get("X-Amzn-SageMaker-Custom-Attributes"),
        "endpointName": endpoint,
        "inputLocation": request.input_location,
    }
    return {
        "awsRegion": region,
        "eventTime": _time(datetime.now(UTC)),
        "receivedTime": _time(datetime.fromtimestamp(request.received, UTC)),
        "invocationStatus": status,
        **({"failureReason": reason} if reason else {}),
        "requestParameters": {name: value for name, value in parameters.items() if value},
        **({"responseParameters": dict(response)} if response else {}),
        "inferenceId": request.inference_id,
        **_EVENT,
        "eventName": "InferenceResult",
    }


def included(config: Mapping[str, Any], *, status: str, answer: bytes | None) -> dict[str, Any]:
    """Return the member with the answer if the configuration wants it in the topic's message, and it is small."""
    wanted = config["OutputConfig"].get("NotificationConfig", {}).get("IncludeInferenceResponseIn", ())
    topic = "SUCCESS_NOTIFICATION_TOPIC" if status == _COMPLETED else "ERROR_NOTIFICATION_TOPIC"
    if topic not in wanted or answer is None or len(answer) > INCLUDED_BYTES:
        return {}
    return {"responseBody": {"content": base64.b64encode(answer).decode(), "encoding": "BASE64"}}


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
