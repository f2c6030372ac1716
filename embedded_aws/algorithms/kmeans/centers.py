"""Find the centers of clusters, in three steps: K = k * x first centers, mini-batches, and Lloyd's method down to k.

Source: SageMaker's guide, "How K-Means Clustering Works". Lloyd's method is scikit-learn's KMeans.
Not compared with AWS: that centers weigh as many records as they have; that `extra_center_factor` is 10 if it is
`auto`, which logs show for k=8; that there are no more first centers than records in the first batch.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from sklearn.cluster import KMeans, kmeans_plusplus
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances_argmin_min

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.algorithms.records import Matrix

    Array = np.ndarray[Any, Any]


@dataclass
class Centers:
    """Centers (K, d) and the weight of the records that each has had."""

    points: Array
    weights: Array

    def update(self, batch: Matrix, *, half_life: int) -> None:
        """Move each center towards the mean of the records that are closest to it, by their share of all it has had."""
        closest, _ = nearest(batch, self.points)
        if half_life:
            self.weights *= 0.5 ** (batch.shape[0] / half_life)
        counts = np.bincount(closest, minlength=len(self.points)).astype(float)
        member = sparse.csr_matrix(
            (np.ones(len(closest)), (closest, np.arange(len(closest)))), (len(counts), len(closest))
        )
        sums = _dense(member @ batch)
        seen = counts > 0
        share = counts[seen] / (self.weights[seen] + counts[seen])
        means = sums[seen] / counts[seen, None]
        self.points[seen] = (1 - share)[:, None] * self.points[seen] + share[:, None] * means
        self.weights += counts


def first(batch: Matrix, number: int, method: str, random: np.random.Generator) -> Centers:
    """Choose `number` records of the first batch as centers; fewer if it has not so many."""
    number = min(number, batch.shape[0])
    if method == "kmeans++":
        chosen, _ = kmeans_plusplus(batch, number, random_state=int(random.integers(2**31)))
    else:
        chosen = batch[random.choice(batch.shape[0], number, replace=False)]
    return Centers(_dense(chosen).astype(float), np.zeros(number))


def shrink(centers: Centers, hyperparameters: Mapping[str, Any], random: np.random.Generator) -> tuple[Array, float]:
    """Make the centers k, by Lloyd's method; return them and the mean squared distance of the old ones to them."""
    k = hyperparameters["k"]
    used = centers.weights > 0
    points, weights = centers.points[used], centers.weights[used]
    if len(points) <= k:
        return centers.points[:k], 0.0
    trials = hyperparameters["local_lloyd_num_trials"]
    init = hyperparameters["local_lloyd_init_method"]
    lloyd = KMeans(
        k,
        init="k-means++" if init == "kmeans++" else init,
        n_init=10 if trials == "auto" else trials,
        max_iter=hyperparameters["local_lloyd_max_iter"],
        tol=hyperparameters["local_lloyd_tol"],
        random_state=int(random.integers(2**31)),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different centers than k: some stand twice
        lloyd.fit(points, sample_weight=weights)
    return np.asarray(lloyd.cluster_centers_), float(lloyd.inertia_) / float(weights.sum())


def nearest(batch: Matrix, points: Array) -> tuple[Array, Array]:
    """Return of each record which center is closest, and how far it is."""
    closest, distances = pairwise_distances_argmin_min(batch, points.astype(batch.dtype))
    return np.asarray(closest), np.asarray(distances)


def _dense(matrix: Any) -> Array:
    return np.asarray(matrix.toarray() if sparse.issparse(matrix) else matrix)
