"""Checks of the lab's lease and price: how long it will stand, what it will cost, and whether its budget sees it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cli.aws import lease
from cli.aws.prices import InstanceUse, Prices
from cli.checks.result import CheckResult, State
from infra.regions import ACCEPTED, BUDGET
from teardown.names import LAB_TAG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.checks.result import Deployment
    from infra.settings import Settings


# What storage, an endpoint and a notebook instance take on AWS, together: an estimate, not measured there.
_DEPLOYING = timedelta(minutes=15)

_KEYS = 2  # the storage's and the operations'
_ALARMS = 6  # at most: infra/constructs/alarms.py, and the lease's
_VOLUME_GB = 10  # of each seat's notebook instance
_HOUR = 3600  # seconds

_TIMEOUT = 5  # seconds
_ATTEMPTS = 2


def check_lease(deployment: Deployment) -> Iterator[CheckResult]:
    """Compare the lease's end with now, and with what the deployment and its training job may take."""
    term, now = deployment.settings.lease, datetime.now(UTC)
    if term is None:
        yield CheckResult("lease", State.HINT, "no lab.lease: the lab costs until `./lab down`; `8h`, say, ends it")
        return
    standing = lease.end(deployment.session, deployment.settings.name)
    end = term.end(now)
    needed = _DEPLOYING + timedelta(seconds=deployment.settings.max_run)
    if standing and standing > now:
        text = f"the lab ends by itself at {lease.format_time(standing)}; another lab.lease begins a new one"
        yield CheckResult("lease", State.OK, text)
    elif standing:
        ended = lease.format_time(standing)
        text = f"the lease ended at {ended}, and the lab is being taken down: wait, or run `./lab down`"
        yield CheckResult("lease", State.WRONG, text)
    elif end <= now:
        text = f"lab.lease = {str(term)!r} is over: name a time after now, or a duration"
        yield CheckResult("lease", State.WRONG, text)
    elif end - now < needed:
        text = (
            f"lab.lease = {str(term)!r} ends at {lease.format_time(end)}, and to deploy and train may take "
            f"{_minutes(needed)} minutes: make it longer, or --force"
        )
        yield CheckResult("lease", State.RISKY, text)
    else:
        yield CheckResult("lease", State.OK, f"the lab ends by itself at {lease.format_time(end)}")


def _minutes(length: timedelta) -> int:
    return round(length.total_seconds() / 60)


def check_price(deployment: Deployment) -> Iterator[CheckResult]:
    """Add up what the settings ask for, and compare it with the budget."""
    settings = deployment.settings
    prices = Prices.of(deployment.session, _wanted(settings))
    own, students, scaled = _hourly(settings, prices)
    now = datetime.now(UTC)
    hours = max(0.0, (settings.lease.end(now) - now).total_seconds() / _HOUR) if settings.lease else None
    total = None if own is None or hours is None else own * hours
    said = [f"{_usd(own)} USD an hour for the lab as it stands"]
    if settings.hosting == "serverless":
        said.append(
            f"{prices.serverless(settings.serverless_memory):.5f} USD for each second of the endpoint's answers"
        )
    if settings.endpoint_instances.is_scaled:
        said.append(f"{_usd(scaled)} USD more while its endpoint has {settings.endpoint_instances.most} instances")
    if settings.seats:
        said.append(f"{_usd(students)} USD more while every student trains and hosts")
    if total is not None:
        said.append(f"{total:.2f} USD until its lease ends, if no notebook stops")
    yield CheckResult("price", State.OK, f"{'; '.join(said)}. {prices.source}")
    if own and settings.budget and (total is None or total > settings.budget):
        text = (
            f"lab.budget is {settings.budget} USD a month, and at {own:.2f} USD an hour that lasts for "
            f"{settings.budget / own:.0f} hours"
        )
        yield CheckResult("budget", State.HINT, text)


def _wanted(settings: Settings) -> list[tuple[str, InstanceUse]]:
    students = settings.seat_instance_types[0]
    return [
        *([] if settings.hosting == "serverless" else [(settings.endpoint_instance_type, InstanceUse.HOSTING)]),
        (settings.training_instance_type, InstanceUse.TRAINING),
        *([(settings.notebook_instance_type, InstanceUse.NOTEBOOK)] if settings.seats else []),
        *([(students, InstanceUse.HOSTING), (students, InstanceUse.TRAINING)] if settings.seats else []),
    ]


def _hourly(settings: Settings, prices: Prices) -> tuple[float | None, float | None, float | None]:
    """Return USD of an hour of the lab, and of its students at all they may do; None if a price is not known.

    The last is what the endpoint costs more that has as many instances as it may.
    """
    seats = len(settings.seats)
    serverless = settings.hosting == "serverless"
    endpoint = 0.0 if serverless else prices.hourly(settings.endpoint_instance_type, InstanceUse.HOSTING)
    notebook = prices.hourly(settings.notebook_instance_type, InstanceUse.NOTEBOOK) if seats else 0.0
    own = None
    if endpoint is not None and notebook is not None:
        own = (
            endpoint * settings.endpoint_instances.least
            + seats * (notebook + prices.volume(_VOLUME_GB))
            + _KEYS * prices.by_the_month("key")
            + (prices.by_the_month("dashboard") + _ALARMS * prices.by_the_month("alarm") if settings.dashboard else 0)
        )
    hosting, training = (
        prices.hourly(settings.seat_instance_types[0], use) for use in (InstanceUse.HOSTING, InstanceUse.TRAINING)
    )
    students = None if hosting is None or training is None else seats * (hosting + training)
    further = settings.endpoint_instances.most - settings.endpoint_instances.least
    return own, students, None if endpoint is None else endpoint * further


def _usd(amount: float | None) -> str:
    return "an unknown number of" if amount is None else f"{amount:.2f}"


def check_budget_tag(deployment: Deployment) -> Iterator[CheckResult]:
    """Ask Cost Explorer, which few may ask and not every place has: no answer is nothing to say."""
    region = ACCEPTED.get(deployment.session.region)
    if not deployment.settings.budget or not region or BUDGET in region.lacks:
        return
    explorer = deployment.session.client("ce", timeout=_TIMEOUT, attempts=_ATTEMPTS)
    try:
        tags = explorer.list_cost_allocation_tags(TagKeys=[LAB_TAG], Status="Active")["CostAllocationTags"]
    except (BotoCoreError, ClientError):
        return
    if not tags:
        text = (
            f"the tag {LAB_TAG} is not active for cost allocation, so the lab's budget sees nothing. A day after the "
            "first deployment, in the account that pays: `aws ce update-cost-allocation-tags-status "
            f"--cost-allocation-tags-status TagKey={LAB_TAG},Status=Active`"
        )
        yield CheckResult("budget", State.HINT, text)
