"""An endpoint's update: how traffic moves from the fleet that serves to the new one, and back if an alarm goes off.

Sources: SageMaker's guide, "Deployment guardrails for updating models in production" with its pages on canary, linear
and rolling deployments, on auto-rollback and on exclusions; its "Endpoint deployment state change" event for the stages
and the form of their messages; botocore's model for sizes and waits. In a blue/green deployment the whole new fleet
comes up first; a step's part of it takes that part of the requests, and as much of the old fleet none. The alarms are
read as the model's execution role, which the guide asks to be allowed to. Not compared with AWS: that a part which is
less than an instance still takes just that part of the requests; the sentences of what rolls back; that an alarm which
is not there, or can't be read, rolls back; that the endpoint stays Updating while it does (the model of EndpointStatus
has RollingBack for weights and capacities only).
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.services.sagemaker.endpoints.hosts import HostError
from embedded_aws.services.sagemaker.errors import validation_exception

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from embedded_aws.runtime.credentials import Role
    from embedded_aws.services.sagemaker.clock import Clock
    from embedded_aws.services.sagemaker.endpoints.fleet import AnyVariant, Fleet

    Tell = Callable[[str, Callable[[AnyVariant], str], float], object]
    Route = Callable[[float], object]

_LOOK_SECONDS = 5.0  # between two looks at the alarms
_ALL_AT_ONCE: Mapping[str, Any] = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
_SIZES = {"CanarySize": (0, 50), "LinearStepSize": (10, 50), "MaximumBatchSize": (5, 50)}
_NO_GUARDRAILS = "ml.inf1."


class RolledBackError(Exception):
    """An update that is to be rolled back; the message is the endpoint's FailureReason."""


class RollbackFailedError(Exception):
    """An update that could not be rolled back either: both fleets serve. The message is the FailureReason."""


class InterruptedDeploymentError(Exception):
    """The endpoint is gone, or the embedded AWS ends: then the update begins anew after its next start."""


class Deployment:
    """One update, by a DeploymentConfig; without one all traffic moves at once.

    `tell` is called at each stage with VariantStatus's status, what returns a variant's message, and the part of the
    new fleet that has traffic; `route` with that part, when it changes.
    """

    def __init__(self, config: Mapping[str, Any] | None, role: Role, clock: Clock, *, tell: Tell, route: Route) -> None:
        self._config = config or {}
        self._clock, self._tell, self._route = clock, tell, route
        names = self._config.get("AutoRollbackConfiguration", {}).get("Alarms", [])
        self._alarms = [alarm["AlarmName"] for alarm in names]
        self._role, self._cloudwatch = role, None
        policy = self._config.get("RollingUpdatePolicy") or self._config.get("BlueGreenUpdatePolicy") or {}
        self._limit = policy.get("MaximumExecutionTimeoutInSeconds", math.inf)
        self._deadline = time.monotonic() + clock.scaled(self._limit)
        self._part = 0.0

    def run(self, blue: Fleet, green: Fleet) -> None:
        """Bring the new fleet up and all traffic to it.

        Raises what made that fail, HostError or RolledBackError, once all traffic is with the old fleet again; or
        RollbackFailedError.
        """
        try:
            if _excluded(green):
                self._start(green)
                self._turn_on(1.0, "full")
            elif "RollingUpdatePolicy" in self._config:
                self._roll(blue.variants[0], green.variants[0], green)
            else:
                self._shift(green)
        except InterruptedDeploymentError:
            raise
        except Exception as error:
            self._roll_back(blue, error)
            raise

    def _roll_back(self, blue: Fleet, why: Exception) -> None:
        if policy := self._config.get("RollingUpdatePolicy"):
            variant = blue.variants[0]
            here, wanted = len(variant.instances), variant.desired
            size = policy.get("RollbackMaximumBatchSize", {"Type": "CAPACITY_PERCENT", "Value": 100})
            try:
                for count in _counts(size, variant, here):
                    self._tell("Updating", _saying(f"Launching {count} instance(s)."), self._part)
                    here += count
                    variant.scale(here)
                    self._route(1 - here / wanted)
            except HostError as error:
                raise RollbackFailedError(f"{why} The rollback failed: {error}") from error
        self._route(0.0)

    def _start(self, green: Fleet) -> None:
        self._tell("Creating", lambda variant: f"Launching {variant.desired} instance(s).", 0.0)
        green.start()

    def _shift(self, green: Fleet) -> None:
        """Blue/green: bring all of the new fleet up, then its traffic, step by step."""
        policy = self._config.get("BlueGreenUpdatePolicy", {})
        routing = policy.get("TrafficRoutingConfiguration", _ALL_AT_ONCE)
        self._start(green)
        for part in _parts(routing, green.variants):
            word = "canary" if routing["Type"] == "CANARY" else "linear"
            self._turn_on(part, word)
            self._bake(routing["WaitIntervalInSeconds"], "WaitIntervalInSeconds", word)
        self._turn_on(1.0, "full")
        self._bake(policy.get("TerminationWaitInSeconds", 0), "TerminationWaitInSeconds", "full")

    def _roll(self, blue: AnyVariant, green: AnyVariant, fleet: Fleet) -> None:
        """Bring a batch of new instances up and end as many old ones, again and again."""
        policy = self._config["RollingUpdatePolicy"]
        before, done = len(blue.instances), 0
        for count in _counts(policy["MaximumBatchSize"], green, 0):
            self._tell("Creating", _saying(f"Launching {count} instance(s)."), self._part)
            done += count
            green.scale(done)
            if done == count:
                fleet.start_rest()
            part = done / green.desired
            self._turn_on(part, "full" if part == 1 else "batch")
            self._bake(policy["WaitIntervalInSeconds"], "WaitIntervalInSeconds", "full" if part == 1 else "batch")
            left = math.ceil(before * (1 - part))
            self._tell("Deleting", _saying(f"Terminating {len(blue.instances) - left} instance(s)."), part)
            blue.scale(left)

    def _turn_on(self, part: float, word: str) -> None:
        self._part = part
        self._check()
        self._tell(
            "ActivatingTraffic",
            lambda variant: f"Activating traffic on {word} capacity of {active(variant, part)} instance(s).",
            part,
        )
        self._route(part)

    def _bake(self, seconds: float, member: str, word: str) -> None:
        """Watch the alarms for so long. Raises RolledBackError."""
        if seconds:
            part = self._part
            self._tell(
                "Baking",
                lambda variant: (
                    f"Baking for {seconds} seconds ({member}) with traffic enabled on {word} capacity of "
                    f"{active(variant, part)} instance(s)."
                ),
                part,
            )
        while seconds > 0:
            step = min(seconds, _LOOK_SECONDS)
            if not self._clock.sleep(step, at_least=0.02):
                raise InterruptedDeploymentError
            seconds -= step
            self._check()

    def _check(self) -> None:
        """Raise RolledBackError if an alarm has gone off, or the deployment takes too long."""
        if time.monotonic() > self._deadline:
            raise RolledBackError(
                f"The deployment took longer than {self._limit} seconds (MaximumExecutionTimeoutInSeconds)."
            )
        if not self._alarms:
            return
        states = self._states()
        if missing := [name for name in self._alarms if name not in states]:
            raise RolledBackError(f"These alarms of the AutoRollbackConfiguration do not exist: {', '.join(missing)}.")
        if gone_off := [name for name in self._alarms if states[name] == "ALARM"]:
            raise RolledBackError(
                f"These alarms of the AutoRollbackConfiguration are in state ALARM: {', '.join(gone_off)}."
            )

    def _states(self) -> dict[str, str]:
        try:
            self._cloudwatch = self._cloudwatch or self._role.client("cloudwatch")
            answer = self._cloudwatch.describe_alarms(  # type: ignore[attr-defined]
                AlarmNames=self._alarms, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
            )
        except (ClientError, BotoCoreError) as error:
            raise RolledBackError(
                f"The alarms of the AutoRollbackConfiguration can't be read as {self._role.arn}: {error}"
            ) from error
        alarms = [*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ())]
        return {alarm["AlarmName"]: alarm["StateValue"] for alarm in alarms}


def _saying(sentence: str) -> Callable[[AnyVariant], str]:
    """Return a function that says the same of every variant."""
    return lambda _variant: sentence


def active(variant: AnyVariant, part: float) -> int:
    """Return how many of a new variant's instances have traffic when that part of its fleet has."""
    return min(math.ceil(round(variant.desired * part, 6)), variant.desired)


def scaling(variant: Mapping[str, Any], since: datetime) -> dict[str, Any]:
    """Return the VariantStatus of a variant that gets more instances, or fewer, by its description; {} if neither.

    Not compared with AWS: its message for fewer.
    """
    here = variant["CurrentInstanceCount"]
    wanted = variant.get("DesiredInstanceCount", here)  # a serverless variant has none
    if here == wanted:
        return {}
    message = f"Scaling {'out' if wanted > here else 'in'} desired instance count to {wanted}."
    return {"VariantStatus": [{"Status": "Updating", "StatusMessage": message, "StartTime": since}]}


def check(
    config: Mapping[str, Any], before: Sequence[Mapping[str, Any]] | None, after: Sequence[Mapping[str, Any]]
) -> None:
    """Raise ValidationException unless an endpoint can be updated so.

    `before` and `after` are configurations' ProductionVariants; there are none before a new endpoint's.
    """
    blue_green, rolling = config.get("BlueGreenUpdatePolicy"), config.get("RollingUpdatePolicy")
    if blue_green and rolling:
        raise validation_exception("A DeploymentConfig has a BlueGreenUpdatePolicy or a RollingUpdatePolicy, not both.")
    old, new = ({variant["VariantName"] for variant in variants} for variants in (before or after, after))
    if (blue_green or rolling) and old != new:
        raise validation_exception(
            "With a DeploymentConfig the new endpoint configuration must have the same variant names as the old one: "
            f"{', '.join(sorted(old))}; it has {', '.join(sorted(new))}."
        )
    if rolling and (len(after) > 1 or "ServerlessConfig" in after[0]):
        raise validation_exception(
            "A RollingUpdatePolicy is not supported for serverless endpoints and for several production variants."
        )
    routing = (blue_green or {}).get("TrafficRoutingConfiguration", {})
    for member, type_ in (("CanarySize", "CANARY"), ("LinearStepSize", "LINEAR")):
        if (member in routing) != (routing.get("Type") == type_):
            raise validation_exception(
                f"{member} is for type {type_} only." if member in routing else f"Type {type_} needs {member}."
            )
    for member, size in [*routing.items(), *(rolling or {}).items()]:
        if member in _SIZES:
            for variant in after:
                _check_size(member, size, variant.get("InitialInstanceCount", 1))


def _check_size(member: str, size: Mapping[str, Any], count: int) -> None:
    least, most = _SIZES[member]
    part = size["Value"] if size["Type"] == "CAPACITY_PERCENT" else 100 * size["Value"] / count
    if not least <= part <= most:
        bounds = f"between {least} and {most}" if least else f"at most {most}"
        raise validation_exception(
            f"{member} {size['Type']} {size['Value']} must be {bounds} per cent of the variant's {count} instance(s)."
        )


def _excluded(fleet: Fleet) -> bool:
    """Return whether guardrails mean nothing for a fleet: traffic moves at once then, and nothing bakes."""
    return any(
        variant.get("InstanceType", "").startswith(_NO_GUARDRAILS) for variant in fleet.deployment["ProductionVariants"]
    )


def _parts(routing: Mapping[str, Any], variants: Sequence[AnyVariant]) -> Iterator[float]:
    """Yield the parts of the new fleet that have traffic one after the other, before all of it has."""
    size = routing.get("CanarySize") or routing.get("LinearStepSize")
    if size is None:
        return
    step = min(_part(size, variant.desired) for variant in variants)
    steps = 1 if routing["Type"] == "CANARY" else math.ceil(round(1 / step, 6)) - 1
    for number in range(1, steps + 1):
        yield number * step


def _part(size: Mapping[str, Any], count: int) -> float:
    return float(size["Value"] / (100 if size["Type"] == "CAPACITY_PERCENT" else count))


def _counts(size: Mapping[str, Any], variant: AnyVariant, here: int) -> Iterator[int]:
    """Yield how many instances come up in each batch until the variant has all."""
    batch = max(math.floor(_part(size, variant.desired) * variant.desired), 1)
    while here < variant.desired:
        yield min(batch, variant.desired - here)
        here += batch
