"""An endpoint of k-means: of each record the closest center, and how far it is.

Formats: SageMaker's guide, "K-Means Response Formats", CSV among them. The distance is Euclidean: in public runs it is
of the size of the root of msd.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from embedded_aws.algorithms import content_types, ndarrays
from embedded_aws.algorithms.kmeans import centers
from embedded_aws.algorithms.kmeans.training import MODEL
from embedded_aws.algorithms.sdk.serving import COMMON, HostedModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from embedded_aws.algorithms.records import Matrix


def load(folder: Path) -> HostedModel:
    """Return the model in a folder: one of a training job, or any NDArray of centers (k, d)."""
    arrays = ndarrays.load((folder / MODEL).read_bytes())
    [points] = arrays.values() if isinstance(arrays, dict) else arrays

    def predict(features: Matrix, _: Mapping[str, str]) -> Iterator[dict[str, float]]:
        for cluster, distance in zip(*centers.nearest(features, points), strict=True):
            yield {"closest_cluster": float(cluster), "distance_to_cluster": float(distance)}

    return HostedModel(points.shape[1], predict, gives=(*COMMON, content_types.CSV))
