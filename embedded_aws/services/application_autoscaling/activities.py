"""Scaling activities: each change of capacity and how it went, in AWS's words.

Sources: DescribeScalingActivities' answers about endpoints that users have published, and SageMaker's guide, "Check the
status of a scaling activity"; Application Auto Scaling's user guide, "Scaling activities", for what was not scaled, and
its "Scaled to Max" event. Not compared with AWS: the words for a change that SageMaker accepted and then did not make;
that what is not scaled for the same reason minute after minute is one activity.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from embedded_aws.services.application_autoscaling.records import ACTIVITY
from embedded_aws.services.application_autoscaling.targets import DIMENSION, NAMESPACE, identity
from embedded_aws.services.sagemaker.events import Event

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from embedded_aws.services.application_autoscaling.targets import TargetKey
    from embedded_aws.services.records import Document, Records, Scope
    from embedded_aws.services.sagemaker.errors import ServiceError

IN_PROGRESS, SUCCESSFUL, FAILED, UNFULFILLED = "InProgress", "Successful", "Failed", "Unfulfilled"
_UNFINISHED = ("Pending", IN_PROGRESS)
_REASONS = "NotScaledReasons"
_KEPT = timedelta(weeks=6)
_MOST = 1000  # of an account in a region: what fails every minute makes many
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class Activities:
    """The activities of all scalable targets."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def begin(self, scope: Scope, key: TargetKey, *, before: int, desired: int, cause: str, now: datetime) -> Document:
        """Return the new activity of a change to that capacity, which SageMaker has not been asked for yet."""
        made = {
            "ActivityId": str(uuid.uuid4()),
            **identity(key),
            "Description": f"Setting desired instance count to {desired}.",
            "Cause": cause,
            "StartTime": now,
            "StatusCode": "Pending",
            "Before": before,
            "Desired": desired,
        }
        return self._put(scope, made, now)

    def accepted(self, scope: Scope, activity: Document, now: datetime) -> Document:
        """Return the activity once SageMaker has accepted its change."""
        said = f"{_set(activity)} Waiting for change to be fulfilled by {NAMESPACE}."
        return self._put(scope, {**activity, "StatusCode": IN_PROGRESS, "StatusMessage": said}, now)

    def fulfilled(self, scope: Scope, activity: Document, now: datetime) -> Document:
        """Return the activity once its change is made."""
        said = f"{_set(activity)} Change successfully fulfilled by {NAMESPACE}."
        return self._end(scope, activity, SUCCESSFUL, said, now)

    def unfulfilled(self, scope: Scope, activity: Document, reason: str, now: datetime) -> Document:
        """Return the activity if its change was accepted but not made."""
        said = f"{_set(activity)} Change was not fulfilled by {NAMESPACE}. Reason: {reason}"
        return self._end(scope, activity, UNFULFILLED, said, now)

    def refused(self, scope: Scope, activity: Document, error: ServiceError, now: datetime) -> Document:
        """Return the activity if SageMaker has refused its change."""
        reason = (
            f"{error.message} (Service: AmazonSageMaker; Status Code: {error.status}; Error Code: {error.code}; "
            f"Request ID: {uuid.uuid4()}; Proxy: null)"
        )
        said = f"Failed to set desired instance count to {activity['Desired']}. Reason: {reason}"
        return self._end(scope, activity, FAILED, said, now)

    def not_scaled(self, scope: Scope, key: TargetKey, *, cause: str, reason: Mapping[str, Any], now: datetime) -> None:
        """Note that an alarm's policy wanted a change that was not made, unless that is what was noted last."""
        last = next(iter(self.latest(scope, key.resource_id)), {})
        if (last.get("Cause"), last.get(_REASONS)) == (cause, [reason]):
            return
        made = {
            "ActivityId": str(uuid.uuid4()),
            **identity(key),
            "Description": "Attempting to scale due to alarm triggered",
            "Cause": cause,
            "StartTime": now,
            "StatusCode": FAILED,
            _REASONS: [reason],
        }
        self._put(scope, made, now)

    def latest(self, scope: Scope, resource_id: str | None = None) -> list[Document]:
        """Return those of a resource, or of all, the latest first."""
        found = [one for one in self._records.all(ACTIVITY, scope) if resource_id in (None, one["ResourceId"])]
        return found[::-1]

    def unfinished(self) -> list[tuple[Scope, Document]]:
        """Return those that were at work when the embedded AWS ended."""
        return [(scope, one) for scope, one in self._records.every(ACTIVITY) if one["StatusCode"] in _UNFINISHED]

    def _end(self, scope: Scope, activity: Document, status: str, said: str, now: datetime) -> Document:
        return self._put(scope, {**activity, "StatusCode": status, "StatusMessage": said, "EndTime": now}, now)

    def _put(self, scope: Scope, activity: Document, now: datetime) -> Document:
        self._records.put(ACTIVITY, scope, activity["ActivityId"], activity)
        known = self._records.all(ACTIVITY, scope)
        for old in (one for n, one in enumerate(known) if n < len(known) - _MOST or one["StartTime"] < now - _KEPT):
            self._records.remove(ACTIVITY, scope, old["ActivityId"])
        return activity


def was_scaled(activity: Document) -> bool:
    """Tell whether an activity is of a change, and not of one that was not even begun."""
    return _REASONS not in activity


def scaled_to_max(scope: Scope, activity: Document, target: Document) -> Event:
    """Return the event of an activity that has brought a target to its maximum."""
    return Event(
        account=scope.account,
        region=scope.region,
        source="aws.application-autoscaling",
        detail_type="Application Auto Scaling Scaling Activity State Change",
        resource="",
        detail={
            "startTime": activity["StartTime"].strftime(_TIME),
            "endTime": activity["EndTime"].strftime(_TIME),
            "newDesiredCapacity": activity["Desired"],
            "oldDesiredCapacity": activity["Before"],
            "minCapacity": target["MinCapacity"],
            "maxCapacity": target["MaxCapacity"],
            "resourceId": activity["ResourceId"],
            "scalableDimension": DIMENSION,
            "serviceNamespace": NAMESPACE,
            "statusCode": activity["StatusCode"],
            "scaledToMax": True,
            "direction": "scale-out",
        },
    )


def _set(activity: Document) -> str:
    return f"Successfully set desired instance count to {activity['Desired']}."
