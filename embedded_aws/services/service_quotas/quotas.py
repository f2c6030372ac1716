"""SageMaker's quotas, under AWS's own names: what they are in a new account, and what applies to each.

Names and the quoted codes are AWS's, from public notes of `list-service-quotas`; all other codes are derived from the
name, stable but not AWS's. The values are this account's, of 2026-11: a class of a hundred finds room on small CPU
types, and accelerators that new AWS accounts get none of are none here. AWS's own differ by account and region, and are
often 0 for every type but a few, of warm pools for every type, and 4 or 8 over all types: there, ask Service Quotas.
Those of pipelines are AWS's own everywhere, but that an account may be given more.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from embedded_aws.botocore_models import service_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from embedded_aws.database import Database

_USAGES = {
    "endpoint": "ProductionVariantInstanceType",
    "notebook instance": "InstanceType",
    "processing job": "ProcessingInstanceType",
    "spot training job": "TrainingInstanceType",
    "training job": "TrainingInstanceType",
    "training warm pool": "TrainingInstanceType",
    "transform job": "TransformInstanceType",
}
# Over all instance types.
_ACROSS = (
    "Number of instances across active endpoints",
    "Number of instances across all processing jobs",
    "Number of instances across all spot training jobs",
    "Number of instances across all training jobs",
    "Number of instances across all transform jobs",
    "Total number of notebook instances",
)
_SERVERLESS = {  # the guide's own: a new account of AWS's has 10 for the concurrency and 3072 for the memory
    "Maximum total concurrency that can be allocated across all serverless endpoints": 1000.0,
    "Memory size in MB per serverless endpoint": 6144.0,
    "Number of serverless endpoints": 50.0,
}
_PIPELINES = {  # AWS's own: SageMaker's guide, "Quotas for feature processors"
    "Maximum number of concurrent pipeline executions allowed per account": 20.0,
    "Maximum number of pipelines allowed per account": 500.0,
}
_AWS_CODES = {
    "Maximum number of pipelines allowed per account": "L-E8EADE50",
    "Maximum total concurrency that can be allocated across all serverless endpoints": "L-96300102",
    "Number of instances across active endpoints": "L-7A3DF611",
    "Number of instances across all processing jobs": "L-F311B08F",
    "Number of instances across all training jobs": "L-00C91CB5",
    "Number of instances across all transform jobs": "L-60D2A6F0",
    "Total number of notebook instances": "L-04CE2E67",
    "ml.g4dn.xlarge for training job usage": "L-3F53BF0F",
    "ml.g5.12xlarge for endpoint usage": "L-65C4BD00",
    "ml.g5.xlarge for endpoint usage": "L-1928E07B",
    "ml.m5.4xlarge for endpoint usage": "L-E2649D46",
    "ml.m5.large for endpoint usage": "L-614B09FD",
    "ml.m5.large for processing job usage": "L-8541302D",
    "ml.m5.large for training job usage": "L-611FA074",
    "ml.m5.large for transform job usage": "L-236AE59F",
    "ml.m5.xlarge for endpoint usage": "L-2F737F8D",
    "ml.p3.2xlarge for endpoint usage": "L-1623D0BE",
    "ml.p5.48xlarge for training job usage": "L-82E1C851",
    "ml.t3.large for notebook instance usage": "L-8E454C05",
}
_SMALL = re.compile(r"ml\.[cmrt]\d.*\.(medium|large|xlarge|2xlarge)")
_ACCELERATED = re.compile(r"ml\.(p|g|trn|inf|dl)\d")
_NONE_AT_FIRST = re.compile(r"ml\.(p3dn|p[4-9]|g[7-9]|trn|inf|dl)")
_ID_BYTES = 16
_OF_SMALL, _OF_ACCELERATED, _OF_OTHERS, _OF_ALL = 400.0, 2.0, 20.0, 500.0


@dataclass(frozen=True)
class Quota:
    """How much an account may have or use at once, most often instances; `default` is before any increase."""

    name: str
    code: str
    default: float


@dataclass(frozen=True)
class QuotaIncrease:
    """A request to increase a quota; it is granted as soon as it is made."""

    id: str
    quota: Quota
    desired_value: float
    created: datetime


class AppliedQuotas:
    """The quotas that apply to each account and region: the defaults, and what was granted beyond. Thread-safe.

    `database` keeps what was granted.
    """

    def __init__(self, database: Database | None = None) -> None:
        self._increases: dict[tuple[str, str], list[QuotaIncrease]] = {}
        self._lock = threading.Lock()
        self._database = database
        if database:
            database.create(
                "CREATE TABLE IF NOT EXISTS quota_increases (id TEXT PRIMARY KEY, account TEXT NOT NULL, "
                "region TEXT NOT NULL, quota TEXT NOT NULL, desired_value REAL NOT NULL, created TEXT NOT NULL)"
            )
            for account, region, made in _kept(database):
                self._increases.setdefault((account, region), []).append(made)

    def value(self, quota: Quota, *, account: str, region: str) -> float:
        """Return how many instances the account may use there."""
        increases = [each for each in self.increases(account=account, region=region) if each.quota == quota]
        return increases[-1].desired_value if increases else quota.default

    def limit(self, name: str, *, account: str, region: str) -> float | None:
        """Return the same by the quota's name; None where there is no such quota."""
        quota = _quota_named(name)
        return self.value(quota, account=account, region=region) if quota else None

    def increase(self, quota: Quota, desired_value: float, *, account: str, region: str) -> QuotaIncrease:
        """Grant more. Raises ValueError if it is not more, StateError if it can't be kept."""
        increase = QuotaIncrease(secrets.token_hex(_ID_BYTES), quota, desired_value, datetime.now(UTC))
        with self._lock:
            if desired_value <= self.value(quota, account=account, region=region):
                raise ValueError(desired_value)
            if self._database:
                with self._database.transaction() as connection:
                    kept = (increase.id, account, region, quota.code, desired_value, increase.created.isoformat())
                    connection.execute("INSERT INTO quota_increases VALUES (?, ?, ?, ?, ?, ?)", kept)
            self._increases.setdefault((account, region), []).append(increase)
        return increase

    def increases(self, *, account: str, region: str) -> list[QuotaIncrease]:
        """Return all that was granted, in that order."""
        return list(self._increases.get((account, region), ()))


def _kept(database: Database) -> Iterator[tuple[str, str, QuotaIncrease]]:
    """Yield the increases that are kept, in the order in which they were granted, with account and region."""
    rows = database.rows(
        "SELECT account, region, id, quota, desired_value, created FROM quota_increases ORDER BY rowid"
    )
    for account, region, number, code, value, created in rows:
        if quota := quotas().get(code):
            yield account, region, QuotaIncrease(number, quota, value, datetime.fromisoformat(created))


@cache
def quotas() -> Mapping[str, Quota]:
    """Return SageMaker's quotas by code: for every instance type that botocore's model knows, and over all of them."""
    model = service_model("sagemaker")
    made = [
        _quota(f"{instance_type} for {usage} usage", _default(instance_type))
        for usage, shape in _USAGES.items()
        for instance_type in model.shape_for(shape).metadata["enum"]
    ]
    made += [_quota(name, _OF_ALL) for name in _ACROSS]
    made += [_quota(name, value) for name, value in (_SERVERLESS | _PIPELINES).items()]
    return {quota.code: quota for quota in sorted(made, key=lambda quota: quota.name)}


@cache
def _quota_named(name: str) -> Quota | None:
    return next((quota for quota in quotas().values() if quota.name == name), None)


def _quota(name: str, default: float) -> Quota:
    derived = f"L-{hashlib.sha256(name.encode()).hexdigest()[:8].upper()}"
    return Quota(name, _AWS_CODES.get(name, derived), default)


def _default(instance_type: str) -> float:
    if _NONE_AT_FIRST.match(instance_type):
        return 0.0
    if _ACCELERATED.match(instance_type):
        return _OF_ACCELERATED
    return _OF_SMALL if _SMALL.fullmatch(instance_type) else _OF_OTHERS
