"""Scales: what an alarm's policy wants, held to cooldowns and bounds, asked of SageMaker, and told as an activity.

CloudWatch tells of an alarm when it goes off, and every minute from then on. Sources: Application Auto Scaling's user
guide, "Target tracking scaling policies" (in only if every tracking policy that may scale in is ready to, the largest
capacity wins), "Define cooldown periods" and botocore's model of the cooldowns: out again within the cooldown only for
more than before, counted from the capacity before; in not at all within it; out ends a cooldown of in. "Suspending and
resuming scaling". That bounds are enforced when a target is registered, and not otherwise: what others measured of
DynamoDB's tables. Not compared with AWS: that nothing is asked of an endpoint which is being changed; that an activity
has as long as it takes.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from embedded_aws.services.application_autoscaling import activities, alarms, capacity, policies, targets
from embedded_aws.services.application_autoscaling.records import POLICY, TARGET
from embedded_aws.services.application_autoscaling.variants import IN_SERVICE
from embedded_aws.services.sagemaker.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from embedded_aws.services.application_autoscaling.activities import Activities
    from embedded_aws.services.application_autoscaling.targets import TargetKey
    from embedded_aws.services.application_autoscaling.variants import Variant, Variants
    from embedded_aws.services.records import Document, Records, Scope
    from embedded_aws.services.root_clients import RootClients
    from embedded_aws.services.sagemaker.clock import Clock
    from embedded_aws.services.sagemaker.events import Event

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.2
_COOLDOWN = "Cooldown"  # of a target: the policy's change that began it


class Scaler:
    """Scales the targets that are registered; every change runs on a thread of its own."""

    def __init__(
        self,
        records: Records,
        activities: Activities,
        variants: Variants,
        *,
        clock: Clock,
        clients: RootClients,
        publish: Callable[[Event], object],
    ) -> None:
        self._records, self._activities, self._variants = records, activities, variants
        self._clock, self._clients, self._publish = clock, clients, publish
        self._locks: defaultdict[tuple[Scope, str], threading.Lock] = defaultdict(threading.Lock)
        self._values: dict[tuple[Scope, str], Sequence[float]] = {}  # of the alarms that are off, by their names

    def alarm(self, scope: Scope, alarm: Mapping[str, Any], policy_arn: str, values: Sequence[float]) -> None:
        """Begin to do what a policy says about an alarm with these values, the newest last; returns at once."""
        policy = next((each for each in self._records.all(POLICY, scope) if each["PolicyARN"] == policy_arn), None)
        if policy and values:
            self._values[scope, alarm["AlarmName"]] = values
            key = targets.key_of(policy)
            self._in_background(scope, key, lambda: self._follow(scope, key, alarm, policy, values))

    def enforce_bounds(self, scope: Scope, key: TargetKey) -> None:
        """Begin to bring a target's capacity within its bounds; returns at once."""
        self._in_background(scope, key, lambda: self._enforce_bounds(scope, key), waits=True)

    def restore(self) -> None:
        """Go on waiting for what was under way when the embedded AWS ended."""
        for scope, activity in self._activities.unfinished():
            self._in_background(scope, targets.key_of(activity), lambda at=(scope, activity): self._wait(*at))  # type: ignore[misc]  # bound now

    def _in_background(self, scope: Scope, key: TargetKey, work: Callable[[], object], *, waits: bool = False) -> None:
        """Do something about a target unless something is being done about it, or `waits` for the end of that."""
        lock = self._locks[scope, key.resource_id]

        def run() -> None:
            if not lock.acquire(blocking=waits):
                return
            try:
                work()
            except ServiceError as error:
                log.info("scaling %s: %s", key.resource_id, error.message)
            except Exception:
                log.exception("scaling %s", key.resource_id)
            finally:
                lock.release()

        threading.Thread(target=run, name=f"scaling {key.resource_id}", daemon=True).start()

    def _enforce_bounds(self, scope: Scope, key: TargetKey) -> None:
        target = targets.required(self._records, scope, key)
        variant = self._variants.get(scope, key)
        for bound, said in (("MinCapacity", "minimum"), ("MaxCapacity", "maximum")):
            desired = target[bound]
            if (variant.desired < desired) if said == "minimum" else (variant.desired > desired):
                self._scale(scope, key, variant, desired, cause=f"{said} capacity was set to {desired}")

    def _follow(
        self, scope: Scope, key: TargetKey, alarm: Mapping[str, Any], policy: Document, values: Sequence[float]
    ) -> None:
        target = targets.required(self._records, scope, key)
        variant = self._variants.get(scope, key)
        if variant.status != IN_SERVICE:
            return
        want = partial(_wanted, alarm, policy, values)
        wanted = want(variant.desired)
        if wanted == variant.desired:
            return
        out = wanted > variant.desired
        suspended = "DynamicScalingOutSuspended" if out else "DynamicScalingInSuspended"
        if target["SuspendedState"].get(suspended):
            return
        if not out and policy["PolicyType"] == policies.TRACKING:
            wanted = max([wanted, *self._wanted_by_others(scope, policy, variant.desired)])
            if wanted == variant.desired:
                return
        cause = f"monitor alarm {alarm['AlarmName']} in state ALARM triggered policy {policy['PolicyName']}"
        bounded = min(max(wanted, target["MinCapacity"]), target["MaxCapacity"])
        # Bounds never turn a change round: that is for whoever registers the target anew.
        if bounded == variant.desired or (bounded > variant.desired) != out:
            reason = (
                {"Code": "AlreadyAtMaxCapacity", "MaxCapacity": target["MaxCapacity"]}
                if out
                else {"Code": "AlreadyAtMinCapacity", "MinCapacity": target["MinCapacity"]}
            )
            self._activities.not_scaled(scope, key, cause=cause, reason=reason, now=self._clock.now())
            return
        desired = self._after_cooldown(target, variant.desired, bounded, want)
        if desired is None:
            return
        if self._scale(scope, key, variant, desired, cause=cause):
            self._begin_cooldown(scope, key, policy, before=variant.desired, out=out)

    def _after_cooldown(self, target: Document, count: int, wanted: int, want: Callable[[int], int]) -> int | None:
        """Return the capacity to scale to now, None if a cooldown says that it is not the time.

        `want` returns what the policy wants in the place of a capacity.
        """
        cooldown = target.get(_COOLDOWN)
        if not cooldown:
            return wanted
        seconds = self._clock.scaled(cooldown["Seconds"])
        if self._clock.now() >= cooldown["Began"] + timedelta(seconds=seconds):
            return wanted
        out = wanted > count
        if not cooldown["Out"]:
            return wanted if out else None
        if not out:
            return None
        larger = min(want(cooldown["Before"]), target["MaxCapacity"])
        return larger if larger > count else None

    def _begin_cooldown(self, scope: Scope, key: TargetKey, policy: Document, *, before: int, out: bool) -> None:
        target = self._records.find(TARGET, scope, key.resource_id)
        if target:
            seconds = policies.cooldown(policy, out=out)
            begun = {"Began": self._clock.now(), "Seconds": seconds, "Before": before, "Out": out}
            self._records.put(TARGET, scope, key.resource_id, {**target, _COOLDOWN: begun})

    def _wanted_by_others(self, scope: Scope, policy: Document, count: int) -> list[int]:
        """Return the capacities that the other tracking policies want that may scale in: this one, unless ready to."""
        others = [
            each
            for each in policies.of_target(self._records, scope, policy["ResourceId"])
            if each["PolicyType"] == policies.TRACKING
            and each["PolicyARN"] != policy["PolicyARN"]
            and not policies.disables_scale_in(each)
        ]
        names = [alarms.named(each, alarms.LOW) or "" for each in others]
        if not names:
            return []
        client = self._clients.client("cloudwatch", *scope)
        found = client.describe_alarms(AlarmNames=names, StateValue="ALARM")["MetricAlarms"]
        ready = {each["AlarmName"] for each in found}
        return [
            _wanted({"AlarmName": name}, each, self._values[scope, name], count)
            if name in ready and (scope, name) in self._values
            else count
            for name, each in zip(names, others, strict=True)
        ]

    def _scale(self, scope: Scope, key: TargetKey, variant: Variant, desired: int, *, cause: str) -> bool:
        """Ask for a capacity and wait for it. Return whether it was fulfilled."""
        now = self._clock.now()
        activity = self._activities.begin(scope, key, before=variant.desired, desired=desired, cause=cause, now=now)
        try:
            self._variants.set_desired(scope, key, desired)
        except ServiceError as error:
            self._activities.refused(scope, activity, error, self._clock.now())
            return False
        activity = self._activities.accepted(scope, activity, self._clock.now())
        return self._wait(scope, activity)

    def _wait(self, scope: Scope, activity: Document) -> bool:
        """Wait until SageMaker has made an activity's change, or won't. Return whether it has."""
        key = targets.key_of(activity)
        while self._clock.sleep(0, at_least=_POLL_SECONDS):
            try:
                variant = self._variants.get(scope, key)
            except ServiceError as error:
                self._activities.unfulfilled(scope, activity, error.message, self._clock.now())
                return False
            if variant.status == IN_SERVICE and variant.current == activity["Desired"]:
                ended = self._activities.fulfilled(scope, activity, self._clock.now())
                self._tell(scope, key, ended)
                return True
            if variant.status in (IN_SERVICE, "Failed", "UpdateRollbackFailed"):
                reason = variant.failure_reason or f"there are {variant.current} instances"
                self._activities.unfulfilled(scope, activity, reason, self._clock.now())
                return False
        return False

    def _tell(self, scope: Scope, key: TargetKey, activity: Document) -> None:
        target = self._records.find(TARGET, scope, key.resource_id)
        if target and activity["Before"] < activity["Desired"] == target["MaxCapacity"]:
            self._publish(activities.scaled_to_max(scope, activity, target))


def _aggregated(values: Sequence[float], policy: Document) -> float:
    """Return the value that counts of those that a step policy's alarm has evaluated."""
    match policy[policies.STEPPED].get("MetricAggregationType", "Average"):
        case "Minimum":
            return min(values)
        case "Maximum":
            return max(values)
        case _:
            return sum(values) / len(values)


def _wanted(alarm: Mapping[str, Any], policy: Document, values: Sequence[float], count: int) -> int:
    """Return the capacity that a policy wants in the place of this one."""
    if policy["PolicyType"] == policies.STEPS:
        return capacity.stepped(count, _aggregated(values, policy), alarm["Threshold"], policy)
    out = alarm["AlarmName"] == alarms.named(policy, alarms.HIGH)
    return capacity.tracked(count, values, policy[policies.TRACKED]["TargetValue"], out=out)
