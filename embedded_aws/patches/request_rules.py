"""What AWS asks of requests beyond botocore's model, where ministack stumbles over it or answers what nobody can read.

Sources: a topic's name: SNS's reference, CreateTopic, and public logs of its refusal (aws-samples/document-translation
#104, amazon-archives/aws-service-operator#145). PutMetricAlarm's reference asks for a comparison, unless the alarm has
EvaluationCriteria; its sentence is not compared with AWS.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,256}|[A-Za-z0-9_-]{1,251}\.fifo")


def form_problem(operation: str, form: Mapping[str, str]) -> tuple[str, str] | None:
    """Return code and sentence with which AWS refuses a form; None if it takes it."""
    if operation == "CreateTopic" and not _TOPIC.fullmatch(form.get("Name", "")):
        return "InvalidParameter", "Invalid parameter: Topic Name"
    return None


def missing(operation: str, document: Mapping[str, Any]) -> Sequence[str]:
    """Return the members that a JSON document has to have besides those of the model, and has not."""
    if operation == "PutMetricAlarm" and not document.keys() & {"ComparisonOperator", "EvaluationCriteria"}:
        return ["comparisonOperator"]
    return []
