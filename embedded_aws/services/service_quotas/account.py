"""What each account and region was granted beyond the defaults, and when it asked for it."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from embedded_aws.services.service_quotas import quotas

if TYPE_CHECKING:
    from embedded_aws.services.service_quotas.quotas import Quota

_ID_BYTES = 16


@dataclass(frozen=True)
class Increase:
    """A request for more of a quota; here it is granted as soon as it is made."""

    id: str
    quota: Quota
    wanted: float
    made: datetime


class Granted:
    """The quotas that apply; safe to use from any thread."""

    def __init__(self) -> None:
        self._increases: dict[tuple[str, str], list[Increase]] = {}
        self._lock = threading.Lock()

    def value(self, quota: Quota, *, account: str, region: str) -> float:
        """How many instances the account may use there."""
        granted = [increase for increase in self.increases(account=account, region=region) if increase.quota == quota]
        return granted[-1].wanted if granted else quota.default

    def limit(self, name: str, *, account: str, region: str) -> float | None:
        """Return the same by the quota's name; None where there is no such quota."""
        code = quotas.code(name)
        return self.value(quotas.quotas()[code], account=account, region=region) if code else None

    def increase(self, quota: Quota, wanted: float, *, account: str, region: str) -> Increase:
        """Grant more. Raises ValueError if it is not more."""
        increase = Increase(secrets.token_hex(_ID_BYTES), quota, wanted, datetime.now(UTC))
        with self._lock:
            if wanted <= self.value(quota, account=account, region=region):
                raise ValueError(wanted)
            self._increases.setdefault((account, region), []).append(increase)
        return increase

    def increases(self, *, account: str, region: str) -> list[Increase]:
        """All that was granted, in that order."""
        return list(self._increases.get((account, region), ()))
