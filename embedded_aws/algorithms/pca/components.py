"""Find the principal components: from the covariance, or from random mixtures of the records.

Source: SageMaker's guide, "How PCA Works". The order is that of its models, which users print: the largest component
comes last, in `s`, in the columns of `v` (d, components), and so in each projection.
Not compared with AWS: the signs of the random mixtures; that a record's features are summed in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import linalg, sparse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from embedded_aws.algorithms.records import Matrix

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Components:
    """The components `v` (d, k), their singular values `s` (k,), and the mean (d,) that is subtracted, or None."""

    v: Array
    s: Array
    mean: Array | None

    def project(self, features: Matrix) -> Array:
        """Return the projections (n, k) of records."""
        projected = np.asarray(features @ self.v)
        return projected if self.mean is None else projected - self.mean @ self.v


def regular(batches: Iterable[Matrix], number: int, *, subtract_mean: bool) -> Components:
    """Return the first components of the covariance, summed over the batches."""
    products: Any = 0.0
    sums: Any = 0.0
    records = 0
    for batch in batches:
        products = products + _dense(batch.T @ batch)
        sums = sums + _sum(batch)
        records += batch.shape[0]
    if subtract_mean:
        products = products - np.outer(sums, sums) / records
    dimension = len(products)
    values, vectors = linalg.eigh(products, subset_by_index=[dimension - number, dimension - 1])
    return Components(vectors, np.sqrt(np.maximum(values, 0)), sums / records if subtract_mean else None)


def randomized(
    batches: Iterable[Matrix], number: int, *, extra: int, subtract_mean: bool, random: np.random.Generator
) -> Components:
    """Return the first components, approximately: of `number + extra` mixtures of the records, with random signs."""
    mixtures: Any = 0.0
    signs: Any = 0.0
    sums: Any = 0.0
    records = 0
    for batch in batches:
        mixing = random.choice([-1.0, 1.0], (number + extra, batch.shape[0]))
        mixtures = mixtures + _dense(batch.T @ mixing.T).T
        signs = signs + mixing.sum(axis=1)
        sums = sums + _sum(batch)
        records += batch.shape[0]
    if subtract_mean:
        mixtures = mixtures - np.outer(signs, sums) / records
    _, values, vectors = linalg.svd(mixtures, full_matrices=False)
    # A mixture of signs has the length of the data itself, times the root of how many mixtures there are.
    singular = values[:number] / np.sqrt(number + extra)
    return Components(vectors[:number].T[:, ::-1], singular[::-1], sums / records if subtract_mean else None)


def _sum(batch: Matrix) -> Array:
    return np.asarray(batch.sum(axis=0), dtype=float).ravel()


def _dense(matrix: Any) -> Array:
    return np.asarray(matrix.toarray() if sparse.issparse(matrix) else matrix)
