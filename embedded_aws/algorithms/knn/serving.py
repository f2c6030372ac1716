"""An endpoint of k-NN: of each record a label; with `verbose=true` in the Accept header its neighbours, too.

Formats: SageMaker's guide, "k-NN Request and Response Formats".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from embedded_aws.algorithms.knn import model
from embedded_aws.algorithms.sdk.serving import HostedModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from embedded_aws.algorithms.records import Matrix
    from embedded_aws.algorithms.sdk.answers import Answer


def load(folder: Path) -> HostedModel:
    """Return the model in a folder."""
    loaded = model.load(folder)

    def predict(features: Matrix, parameters: Mapping[str, str]) -> Iterator[Answer]:
        found = loaded.predict(features)
        for number, label in enumerate(found.predicted):
            answer: dict[str, float | list[float]] = {"predicted_label": float(label)}
            if parameters.get("verbose") == "true":
                answer["distances"] = [float(value) for value in found.distances[number]]
                answer["labels"] = [float(value) for value in found.labels[number]]
            yield answer

    return HostedModel(loaded.preparation.input_dim, predict)
