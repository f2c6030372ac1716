"""SageMaker's quotas: whether the account may have all the instances that the settings imply.

A quota's name is the instance type and its use, as in "ml.m5.large for endpoint usage"; a region that does not offer
the type has no such quota. Besides there is one over all types for each use, and that is what a class meets first: 4 or
8 in a new account. Source: SageMaker's own refusals, which name them so; that there is no quota for a type that is not
offered was read in public notes, not tried. A serverless endpoint has no instances: one quota is over the requests at
once of all of them, 10 in a new account (its name, and its code L-96300102, from public notes on requests for more),
one over the memory of each, 3,072 MB there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import islice
from math import ceil
from typing import TYPE_CHECKING, Any

from cli.aws.instance_counts import PROCESSING, TRAINING, TRANSFORM
from cli.checks import quota_usage
from cli.checks.quota_usage import ALL, ENDPOINT, NOTEBOOK, SERVERLESS
from cli.checks.result import CheckResult, State
from infra.algorithms import KERAS
from infra.settings import SettingsError, read, virtual_cpus
from teardown import names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cli.aws.session import Session
    from cli.checks.quota_usage import Usage
    from cli.checks.result import Deployment
    from infra.settings import Settings

_SERVICE = "sagemaker"
_OF_STUDENTS = (TRAINING.name, ENDPOINT, PROCESSING.name, TRANSFORM.name)
_LATER = {PROCESSING.name, TRANSFORM.name}  # what a class can begin without
_SERVERLESS_MEMORY = "memory of a serverless endpoint"
_PAGE = 100  # the most that Service Quotas gives at a time
_CPU_ONLY = re.compile(r"ml\.[cmrt]\d")
_EXAMPLES = 3


_ACROSS = {
    NOTEBOOK: "Total number of notebook instances",
    ENDPOINT: "Number of instances across active endpoints",
    SERVERLESS: "Maximum total concurrency that can be allocated across all serverless endpoints",
    _SERVERLESS_MEMORY: "Memory size in MB per serverless endpoint",
    **{
        use: f"Number of instances across all {use}s"
        for use in (TRAINING.name, f"spot {TRAINING.name}", PROCESSING.name, TRANSFORM.name)
    },
}


@dataclass(frozen=True)
class Need:
    """Instances that are needed at a time, of one type or of all.

    `own` are the lab's, `students` those of its students if all are at it at the same time; `setting` says the type.
    """

    instance_type: str
    use: str
    setting: str
    own: int
    students: int

    @property
    def quota(self) -> str:
        """Return the quota's name."""
        return _ACROSS[self.use] if self.instance_type == ALL else f"{self.instance_type} for {self.use} usage"

    @property
    def instead(self) -> str:
        """Say what else may be done than ask for more."""
        if self.instance_type != ALL:
            return f"choose another lab.{self.setting}"
        if self.use in {SERVERLESS, _SERVERLESS_MEMORY}:
            return f"choose a lower lab.{self.setting}"
        return "make fewer lab.seats" if self.use == NOTEBOOK else "deploy to another region"

    def state(self, *, wrong: bool) -> State:
        """Return how it bears on a deployment if there is not enough."""
        if wrong:
            return State.WRONG
        return State.HINT if self.use in _LATER else State.RISKY


@dataclass(frozen=True)
class AppliedQuota:
    """What the account may use at once, of which quota."""

    code: str
    value: int


def needs(settings: Settings) -> list[Need]:
    """Return what the settings imply, of each type and of all. A student has one of each, of the notebooks' type."""
    seats = len(settings.seats)
    serverless, instances = settings.hosting == "serverless", settings.endpoint_instances.most
    training = f"spot {TRAINING.name}" if settings.spot else TRAINING.name
    jobs = bool(settings.photos) or settings.algorithm != KERAS or settings.monitor != "off" or settings.retraining
    processing = int(jobs)  # one after the other
    rows = [
        (settings.training_instance_type, training, "training_instance_type", settings.training_instance_count, 0),
        (settings.training_instance_type, PROCESSING.name, "training_instance_type", processing, 0),
        (settings.endpoint_instance_type, ENDPOINT, "endpoint_instance_type", 0 if serverless else instances, 0),
        (settings.notebook_instance_type, NOTEBOOK, "notebook_instance_type", seats, 0),
        *((settings.seat_instance_types[0], use, "seat_instance_types", 0, seats) for use in _OF_STUDENTS),
    ]
    together: dict[tuple[str, str], Need] = {}
    for instance_type, use, setting, own, students in rows:
        for counted in (instance_type, ALL) if own + students else ():
            before = together.get((counted, use), Need(counted, use, setting, 0, 0))
            after = replace(before, own=before.own + own, students=before.students + students)
            together[counted, use] = after
    if serverless:
        for use, setting, own in (
            (SERVERLESS, "serverless_concurrency", settings.serverless_concurrency),
            (_SERVERLESS_MEMORY, "serverless_memory", settings.serverless_memory),
        ):
            together[ALL, use] = Need(ALL, use, setting, own, 0)
    return list(together.values())


@dataclass(frozen=True)
class QuotaUse:
    """A quota that the lab's settings touch: what the account may have, what it has, and what a whole class needs."""

    name: str
    allowed: int
    used: int
    needed: int


def uses(session: Session, settings: Settings, allowed: Mapping[str, AppliedQuota]) -> list[QuotaUse]:
    """Return each quota that the settings touch with its use by whoever is in the account."""
    used = quota_usage.count(session.client("sagemaker"))
    return [
        QuotaUse(need.quota, allowed[need.quota].value, used[need.instance_type, need.use], need.own + need.students)
        for need in needs(settings)
        if need.quota in allowed and need.use != _SERVERLESS_MEMORY  # a limit of each, nothing that adds up
    ]


def allowed(session: Session, settings: Settings) -> dict[str, AppliedQuota]:
    """Read the quotas that the settings touch, by name. They are pages of thousands: ask seldom."""
    return _quotas(session.client("service-quotas"), {need.quota for need in needs(settings)})


def check(deployment: Deployment) -> Iterator[CheckResult]:
    """Compare each need with its quota, less what others use."""
    wanted = needs(deployment.settings)
    found = _quotas(deployment.session.client("service-quotas"), {need.quota for need in wanted})
    used = quota_usage.of_others(deployment)
    results = [result for need in wanted if (result := _compare(deployment, need, found, used))]
    seats = len(deployment.settings.seats)
    enough = f"enough for the lab, and for {seats} seat{'s' * (seats != 1)} at work at once"
    yield from results or [CheckResult("quotas", State.OK, enough)]


def _compare(deployment: Deployment, need: Need, found: dict[str, AppliedQuota], used: Usage) -> CheckResult | None:
    quota = found.get(need.quota)
    if quota is None and need.instance_type == ALL:
        return None
    if quota is None:
        text = (
            f"{need.quota}: there is no such quota in {deployment.session.region}, so the region does not offer it: "
            f"{need.instead} or another region"
        )
        return CheckResult("quotas", need.state(wrong=need.own > 0), text)
    others = used[need.instance_type, need.use]
    free = quota.value - others
    most = need.own + need.students
    if free >= most:
        return _room_for_update(deployment, need, quota, others) if free < most + need.own else None
    has = f"the account has {quota.value}" + ("" if quota.value else ", as many new ones")
    has += f", of which others use {others}" if others else ""
    more = _increase(deployment, quota, most + others)
    if free < need.own:
        also = f" ({most} with all students at work)" if need.students else ""
        instead = f"{need.instead}{_such_as(deployment, need)}"
        text = f"{need.quota}: {has}; the lab needs {need.own}{also}: {more}, or {instead}"
        return CheckResult("quotas", State.WRONG, text)
    force = "" if need.use in _LATER else ", or --force to go on with it"
    text = f"{need.quota}: {has}; {most} are needed when all students work at once: {more}{force}"
    return CheckResult("quotas", need.state(wrong=False), text)


def _room_for_update(deployment: Deployment, need: Need, quota: AppliedQuota, others: int) -> CheckResult | None:
    """Warn if an update of the endpoint has no room: as many new instances are beside the old until they take over."""
    endpoint = names.endpoint_stack(deployment.settings.name)
    if need.use != ENDPOINT or not need.own or not any(stack.name == endpoint for stack in deployment.own):
        return None
    needed = 2 * need.own + need.students + others
    spare = quota.value + need.own - needed
    short = f"{need.own} are needed, {spare} to spare" if spare else "none is to spare"
    more = _increase(deployment, quota, needed)
    text = f"{need.quota}: {short} for an update of the endpoint, should the model be another: {more}"
    return CheckResult("quotas", State.HINT, text)


def _such_as(deployment: Deployment, need: Need) -> str:
    """Return which other types the account has enough of: the smallest three with CPUs that the setting takes."""
    if need.instance_type == ALL:
        return ""
    quotas = _every(deployment.session.client("service-quotas"), "list_service_quotas")
    end = f" for {need.use} usage"
    enough = [
        each["QuotaName"].removesuffix(end)
        for page in quotas
        for each in page
        if each["QuotaName"].endswith(end) and each.get("Value", 0) >= need.own + need.students
    ]
    small = sorted(filter(_CPU_ONLY.match, enough), key=lambda name: (virtual_cpus(name), name))
    taken = list(islice((each for each in small if _takes(need.setting, each)), _EXAMPLES))
    return f", such as {', '.join(taken)}" if taken else ""


def _takes(setting: str, instance_type: str) -> bool:
    try:
        read({"lab": {setting: instance_type}})
    except SettingsError:
        return False
    return True


def _increase(deployment: Deployment, quota: AppliedQuota, value: int) -> str:
    region = deployment.session.region
    return deployment.session.without_console(
        f"ask for more with `aws service-quotas request-service-quota-increase --service-code {_SERVICE} --quota-code "
        f"{quota.code} --desired-value {value} --region {region}` or at "
        f"https://{region}.console.aws.amazon.com/servicequotas/home/services/{_SERVICE}/quotas/{quota.code}"
    )


def _quotas(client: Any, names: set[str]) -> dict[str, AppliedQuota]:
    """Read the quotas of these names: what applies to the account, or AWS's default where nothing is said of it."""
    found = _read(client, "list_service_quotas", names)
    return _read(client, "list_aws_default_service_quotas", names - set(found)) | found


def _read(client: Any, operation: str, names: set[str]) -> dict[str, AppliedQuota]:
    """Page by page until all are found: SageMaker has thousands."""
    found: dict[str, AppliedQuota] = {}
    for page in _every(client, operation) if names else ():
        found |= _named(page, names)
        if len(found) == len(names):
            break
    return found


def _every(client: Any, operation: str) -> Iterator[Sequence[dict[str, Any]]]:
    pages = client.get_paginator(operation).paginate(ServiceCode=_SERVICE, PaginationConfig={"PageSize": _PAGE})
    return (page["Quotas"] for page in pages)


def _named(quotas: Sequence[dict[str, Any]], names: set[str]) -> dict[str, AppliedQuota]:
    wanted = [each for each in quotas if each["QuotaName"] in names and "Value" in each]
    return {each["QuotaName"]: AppliedQuota(each["QuotaCode"], ceil(each["Value"])) for each in wanted}
