"""AWS's built-in algorithms as the control plane knows them by their image: their metrics, and what can be tuned.

A job of one can't define metrics: it has the algorithm's, which Describe tells, whatever the container runs, the user's
script too (users' reports of `sagemaker-xgboost:1.7-1` in script mode). The sentence is AWS's, as awslabs/mlspace has
it in its tests. A tuning job of one takes the hyperparameters that the algorithm declares tunable, and no others
(aws/sagemaker-python-sdk#2226, aws/sagemaker-xgboost-container#113).
Not compared with AWS: which of an algorithm's metrics Describe tells (AWS chooses them by the job's objective); the
sentence on what can't be tuned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embedded_aws.algorithms.factorization_machines import hyperparameters as machines_hyperparameters
from embedded_aws.algorithms.factorization_machines import metrics as machines_metrics
from embedded_aws.algorithms.kmeans import hyperparameters as kmeans_hyperparameters
from embedded_aws.algorithms.kmeans import metrics as kmeans_metrics
from embedded_aws.algorithms.knn import hyperparameters as knn_hyperparameters
from embedded_aws.algorithms.knn import metrics as knn_metrics
from embedded_aws.algorithms.linear_learner import hyperparameters as linear_hyperparameters
from embedded_aws.algorithms.linear_learner import metrics as linear_metrics
from embedded_aws.algorithms.pca import hyperparameters as pca_hyperparameters
from embedded_aws.algorithms.pca import metrics as pca_metrics
from embedded_aws.algorithms.xgboost import hyperparameters as xgboost_hyperparameters
from embedded_aws.algorithms.xgboost import metrics as xgboost_metrics
from embedded_aws.runtime import images, registries

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OWN_METRICS = (
    "You can't override the metric definitions for Amazon SageMaker algorithms. "
    "Please retry the request without specifying metric definitions."
)
_MOST_DEFINITIONS = 40  # botocore's model


@dataclass(frozen=True)
class BuiltInAlgorithm:
    """An algorithm: the definitions of its metrics, the most asked for first, and what a tuning job may search.

    `closed` says that AWS's container is: it tells the customer's errors from its own by its exit status.
    """

    metrics: tuple[Mapping[str, str], ...]
    tunable: frozenset[str]
    closed: bool = True


_FIRST = (
    *("rmse", "mae", "mse", "r2", "logloss", "error", "auc", "aucpr", "accuracy", "balanced_accuracy", "f1"),
    *("f1_binary", "f1_macro", "precision", "recall", "merror", "mlogloss", "map", "ndcg", "poisson-nloglik"),
)
ALGORITHMS: Mapping[str, BuiltInAlgorithm] = {
    "sagemaker-xgboost": BuiltInAlgorithm(
        tuple(sorted(xgboost_metrics.DEFINITIONS, key=lambda each: each["Name"].partition(":")[2] not in _FIRST)),
        frozenset(xgboost_hyperparameters.SCHEMA.tunable),
        closed=False,
    ),
    "linear-learner": BuiltInAlgorithm(linear_metrics.DEFINITIONS, frozenset(linear_hyperparameters.TUNABLE)),
    "kmeans": BuiltInAlgorithm(kmeans_metrics.DEFINITIONS, frozenset(kmeans_hyperparameters.TUNABLE)),
    "factorization-machines": BuiltInAlgorithm(
        machines_metrics.DEFINITIONS, frozenset(machines_hyperparameters.TUNABLE)
    ),
    "pca": BuiltInAlgorithm(pca_metrics.DEFINITIONS, frozenset(pca_hyperparameters.TUNABLE)),
    "knn": BuiltInAlgorithm(knn_metrics.DEFINITIONS, frozenset(knn_hyperparameters.TUNABLE)),
}


def of(image: str) -> BuiltInAlgorithm | None:
    """Return the algorithm that an image of AWS's is of; None for any other image."""
    found = images.parse(image)
    return ALGORITHMS.get(found.repository) if found and registries.is_aws(found.account) else None


def metric_definitions(specification: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """Return the definitions by which a job's metrics are found: the algorithm's, or else the job's own."""
    algorithm = of(specification.get("TrainingImage", ""))
    return [*algorithm.metrics] if algorithm else specification.get("MetricDefinitions", [])


def described(specification: Mapping[str, Any]) -> dict[str, Any]:
    """Return an AlgorithmSpecification as Describe tells it, with the algorithm's metrics if it is of one."""
    algorithm = of(specification.get("TrainingImage", ""))
    if algorithm is None:
        return dict(specification)
    return {**specification, "MetricDefinitions": [dict(each) for each in algorithm.metrics[:_MOST_DEFINITIONS]]}


def asked(specification: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `described` tells as it was asked for."""
    if of(specification.get("TrainingImage", "")) is None:
        return dict(specification)
    return {name: value for name, value in specification.items() if name != "MetricDefinitions"}


def problems(specification: Mapping[str, Any]) -> Iterator[str]:
    """Yield AWS's sentence where a job defines metrics that an algorithm has by itself."""
    if "MetricDefinitions" in specification and of(specification.get("TrainingImage", "")):
        yield OWN_METRICS


def range_problems(specification: Mapping[str, Any], names: list[str]) -> Iterator[str]:
    """Yield what of these hyperparameters a tuning job of the algorithm can't search."""
    algorithm = of(specification.get("TrainingImage", ""))
    for name in names if algorithm else ():
        if algorithm and name not in algorithm.tunable:
            known = ", ".join(sorted(algorithm.tunable))
            yield f"The hyperparameter {name} can't be tuned with this algorithm. Those that can are: {known}."
