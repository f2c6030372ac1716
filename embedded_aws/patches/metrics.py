"""CloudWatch: what SageMaker measures goes to the account's metrics, without a request to the port for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ministack.services import cloudwatch

if TYPE_CHECKING:
    from embedded_aws.patches.event_loop import Inside
    from embedded_aws.services.sagemaker.metrics.datum import MetricDatum

_POINTS = 10_000  # that a metric may have: a week of a value a minute, a day under all kinds of load


class Published:
    """The metrics of every account and region."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside

    def put(self, datum: MetricDatum) -> None:
        """Add values to a metric; the oldest go when there are too many. Returns at once."""
        self._inside.ask(datum.source.account, datum.source.region, lambda: _put(datum))


def _put(datum: MetricDatum) -> None:
    source, dimensions = datum.source, dict(datum.source.dimensions)
    values, counts = [*datum.values], [*datum.values.values()]
    cloudwatch._store_datum(
        source.namespace, datum.name, dimensions, datum.time, datum.unit, None, values, counts, None
    )
    points = cloudwatch._metric_bucket((source.namespace, datum.name, cloudwatch._dims_key(dimensions)))
    del points[:-_POINTS]
    cloudwatch._evaluate_all_alarms()
