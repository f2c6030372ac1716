"""The values of CloudWatch's metrics, in the database; of metrics that nobody has asked for nothing is read."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from ministack.services import cloudwatch

from embedded_aws.patches.kept_series import KeptSeries
from embedded_aws.patches.noted import Noted

if TYPE_CHECKING:
    import sqlite3

    from embedded_aws.database import Database

    Key = tuple[str, str, tuple[str, str, str]]


class KeptMetrics:
    """What stands in the database of the metrics' values."""

    def __init__(self, database: Database) -> None:
        self._points = KeptSeries(database, "metric values")
        self._metrics: Noted[Key, list[dict[str, Any]]] = Noted({})

    def give_back(self) -> None:
        """Give CloudWatch the values that were kept."""
        for name, points in self._points.load().items():
            cloudwatch._metrics._data[ast.literal_eval(name)] = points

    def watch(self) -> None:
        """Note, from now on, what is asked for."""
        self._metrics = Noted(cloudwatch._metrics._data)
        cloudwatch._metrics._data = self._metrics

    def write(self, connection: sqlite3.Connection, *, whole: bool, a_round: bool) -> None:
        """Write what may be another: of what was asked for, now or `a_round` ago, or of all."""
        if whole:
            asked = {*self._metrics}
            for name in self._points.names() - {repr(key) for key in asked}:
                self._points.write_one(connection, name, None)
        else:
            asked = self._metrics.asked(a_round=a_round)
        for key in asked:
            self._points.write_one(connection, repr(key), self._metrics.look_up(key))

    def forget_written(self) -> None:
        """Believe nothing to be written: a transaction has failed."""
        self._points.forget_written()
