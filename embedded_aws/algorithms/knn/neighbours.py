"""Find nearest neighbours with FAISS, the library that AWS's container has too, and predict by their labels.

Sources: SageMaker's guide, "How the k-NN Algorithm Works" and "k-NN Hyperparameters"; five lists are searched, as
`_faiss_index_nprobe` says in the log of a job.
Not compared with AWS: the matrices of the random projections; that distances are FAISS's, of L2 the squares; that of
labels equally frequent the smallest is predicted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import faiss
import numpy as np
from scipy import fft, sparse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.algorithms.records import Matrix

    Array = np.ndarray[Any, Any]

_PROBED = 5
SIGN, FJLT = "sign", "fjlt"


@dataclass(frozen=True)
class Preparation:
    """What is done to a record before it is looked up: reduced in dimension, given unit length, filled with zeros."""

    kind: str | None
    seed: int
    input_dim: int
    target_dim: int
    normalize: bool
    padded_dim: int

    def __call__(self, features: Matrix) -> Array:
        """Return the vectors (n, padded_dim) of records (n, input_dim)."""
        vectors = np.asarray(features.toarray() if sparse.issparse(features) else features, dtype=np.float32)
        if self.kind == SIGN:
            vectors = vectors @ self._signs((self.input_dim, self.target_dim)) / np.sqrt(self.target_dim)
        elif self.kind == FJLT:
            vectors = self._mixed(vectors)
        vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        if self.normalize:
            vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        return np.asarray(np.pad(vectors, ((0, 0), (0, self.padded_dim - vectors.shape[1]))))

    def _mixed(self, vectors: Array) -> Array:
        """Change signs, spread each feature over all by a cosine transform, and take some of what comes out."""
        spread: Array = fft.dct(vectors * self._signs((self.input_dim,)), norm="ortho", axis=1)
        chosen = np.random.default_rng(self.seed).choice(self.input_dim, self.target_dim, replace=False)
        return np.asarray(spread[:, chosen] * np.sqrt(self.input_dim / self.target_dim))

    def _signs(self, shape: tuple[int, ...]) -> Array:
        return np.random.default_rng(self.seed).choice(np.array([-1, 1], dtype=np.float32), shape)


def preparation(values: Mapping[str, Any], feature_dim: int, seed: int) -> Preparation:
    """Return what the hyperparameters ask for."""
    kind = values.get("dimension_reduction_type")
    target = values["dimension_reduction_target"] if kind else feature_dim
    padded = target
    if values["index_type"] == "faiss.IVFPQ":
        padded += -target % int(values["faiss_index_pq_m"])
    return Preparation(
        kind=kind,
        seed=seed,
        input_dim=feature_dim,
        # A reduction goes to more dimensions rather than have some filled with zeros.
        target_dim=min(padded, feature_dim) if kind else target,
        normalize=values["index_metric"] == "COSINE",
        padded_dim=padded,
    )


def build(vectors: Array, values: Mapping[str, Any]) -> Any:
    """Return an index of the vectors."""
    lists = values["faiss_index_ivf_nlists"]
    lists = min(len(vectors), int(np.sqrt(len(vectors))) if lists == "auto" else lists)
    layout = {
        "faiss.Flat": "Flat",
        "faiss.IVFFlat": f"IVF{lists},Flat",
        "faiss.IVFPQ": f"IVF{lists},PQ{values.get('faiss_index_pq_m')}x{_bits(len(vectors))}",
    }[values["index_type"]]
    metric = faiss.METRIC_L2 if values["index_metric"] == "L2" else faiss.METRIC_INNER_PRODUCT
    index = faiss.index_factory(vectors.shape[1], layout, metric)
    index.train(vectors)
    index.add(vectors)
    return index


def search(index: Any, vectors: Array, k: int) -> tuple[Array, Array]:
    """Return distances and numbers (n, k) of the nearest records, the nearest first; -1 where there is none."""
    if hasattr(index, "nprobe"):
        index.nprobe = _PROBED
    distances, numbers = index.search(vectors, k)
    return np.asarray(distances), np.asarray(numbers)


def vote(labels: Array, *, classify: bool) -> Array:
    """Return of each row of neighbours' labels (n, k) the most frequent, or their mean; NaN stands for no neighbour."""
    if not classify:
        return np.asarray(np.nanmean(labels, axis=1))
    classes, places = np.unique(labels[~np.isnan(labels)], return_inverse=True)
    counts = np.zeros((len(labels), len(classes)), np.int64)
    np.add.at(counts, (np.nonzero(~np.isnan(labels))[0], places), 1)
    return np.asarray(classes[counts.argmax(axis=1)])


def _bits(records: int) -> int:
    """Return how many bits a code has: at most 8, and so few that each has the 39 records that FAISS wants for it."""
    return max(1, min(8, int(np.log2(max(records // 39, 2)))))
