"""An endpoint of PCA: the projection of each record, the largest component last.

Formats: SageMaker's guide, "PCA Response Formats".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from embedded_aws.algorithms import ndarrays
from embedded_aws.algorithms.pca.components import Components
from embedded_aws.algorithms.pca.training import MODEL
from embedded_aws.algorithms.sdk.serving import HostedModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from embedded_aws.algorithms.records import Matrix


def load(folder: Path) -> HostedModel:
    """Return the model in a folder. Raises ValueError if its arrays have no names."""
    arrays = ndarrays.load((folder / MODEL).read_bytes())
    if not isinstance(arrays, dict):
        raise ValueError(f"{MODEL} has arrays without names; PCA's are s, v and mean")  # noqa: TRY004 - what the file says
    mean = arrays.get("mean")
    components = Components(arrays["v"], arrays["s"], None if mean is None else mean.ravel())

    def predict(features: Matrix, _: Mapping[str, str]) -> Iterator[dict[str, list[float]]]:
        for projection in components.project(features):
            yield {"projection": [float(value) for value in projection]}

    return HostedModel(len(components.v), predict, title="projections")
