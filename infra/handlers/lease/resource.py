"""The custom resource Custom::Lease: begins the lab's lease when its stack is made, and calls it off with the stack.

Properties: Lab; Seconds, how long it is, or Until, when it ends (ISO 8601, UTC); LeastSeconds, which it has to last at
least; Arn and RoleArn, what the schedules invoke and with which role; Topic, where they tell. Attribute: End.

What `./lab extend` added stays as long as the setting is the same: only another Seconds or Until begins a new lease.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from infra.handlers.custom_resource import Event, answer
from teardown import clients, names
from teardown.lease_schedules import LeaseSchedules

_TERM = ("Seconds", "Until")


class LeaseError(Exception):
    """The lease can't be; the message goes to the stack's events."""


def handler(event: Event, _context: object) -> None:
    """Entry point of the Lambda function that CloudFormation calls."""
    answer(event, partial(work, scheduler=clients.client("scheduler"), now=datetime.now(UTC)))


def work(event: Event, *, scheduler: Any, now: datetime) -> dict[str, Any]:
    """Do what CloudFormation asks; the resource is the lab's one lease. Raises LeaseError."""
    properties = event["ResourceProperties"]
    lease = LeaseSchedules(scheduler, properties["Lab"])
    done = {"PhysicalResourceId": names.lease(properties["Lab"])}
    maker = f"{event['StackId']}/{event['LogicalResourceId']}"
    if event["RequestType"] == "Delete":
        # Else its Create failed: what it made goes, and a lease of the lab's that stood before stays.
        lease.cancel(maker="" if event["PhysicalResourceId"] == done["PhysicalResourceId"] else maker)
        return {"PhysicalResourceId": event["PhysicalResourceId"]}
    end = _end(properties, event.get("OldResourceProperties", {}), lease, now)
    told = {"Lab": properties["Lab"], "Topic": properties["Topic"]}
    lease.set(end, now=now, target=properties, work=told, maker=maker)
    return {**done, "Data": {"End": f"{end:%Y-%m-%dT%H:%M:%SZ}"}}


def _end(properties: dict[str, Any], old: dict[str, Any], lease: LeaseSchedules, now: datetime) -> datetime:
    standing = lease.end() if old else None
    if standing and all(properties.get(key) == old.get(key) for key in _TERM):
        return standing
    if "Until" in properties:
        end = datetime.fromisoformat(properties["Until"]).astimezone(UTC)
    else:
        end = now + timedelta(seconds=int(properties["Seconds"]))
    least = timedelta(seconds=int(properties["LeastSeconds"]))
    if end <= now:
        raise LeaseError(f"lab.lease ended at {end:%Y-%m-%d %H:%M} UTC, which is past: name a later time.")
    if end < now + least:
        raise LeaseError(
            f"lab.lease ends at {end:%Y-%m-%d %H:%M} UTC, before a training job may, which has {least}: name a later "
            "time, or lower lab.max_run."
        )
    return end
