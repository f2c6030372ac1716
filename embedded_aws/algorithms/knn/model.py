"""The model of a k-NN job: its three files, and what it predicts.

Source: SageMaker's guide, "How the k-NN Algorithm Works": `model_algo-1` is the index, `model_algo-1.labels` the
labels as float32, `model_algo-1.json` the metadata, which may be changed to predict with another k or predictor_type.
The index is in FAISS's own format.
Not compared with AWS: whether that is the format of its index; `padded_dim`, which only ours has.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import faiss
import numpy as np

from embedded_aws.algorithms.knn import neighbours
from embedded_aws.algorithms.knn.neighbours import Preparation

if TYPE_CHECKING:
    from pathlib import Path

    from embedded_aws.algorithms.records import Matrix

    Array = np.ndarray[Any, Any]

NAME = "model_algo-1"
CLASSIFIER = "classifier"


@dataclass(frozen=True)
class Neighbours:
    """What was found of records: distances and labels of their neighbours (n, k), and the prediction (n,)."""

    distances: Array
    labels: Array
    predicted: Array


@dataclass(frozen=True)
class Model:
    """An index with the labels of what is in it."""

    index: Any
    labels: Array
    preparation: Preparation
    k: int
    predictor_type: str

    def predict(self, features: Matrix) -> Neighbours:
        """Return the neighbours of records."""
        distances, numbers = neighbours.search(self.index, self.preparation(features), self.k)
        labels = np.where(numbers < 0, np.nan, self.labels[numbers])
        return Neighbours(distances, labels, neighbours.vote(labels, classify=self.predictor_type == CLASSIFIER))

    def save(self, folder: Path) -> None:
        """Write the three files."""
        faiss.write_index(self.index, str(folder / NAME))
        (folder / f"{NAME}.labels").write_bytes(self.labels.astype("<f4").tobytes())
        prepared = self.preparation
        reduction = {
            "type": prepared.kind,
            "seed": prepared.seed,
            "target_dim": prepared.target_dim,
            "input_dim": prepared.input_dim,
            "padded_dim": prepared.padded_dim,
        }
        metadata = {
            "k": self.k,
            "predictor_type": self.predictor_type,
            "dimension_reduction": reduction,
            "normalize": prepared.normalize,
            "version": "1.0",
        }
        (folder / f"{NAME}.json").write_text(json.dumps(metadata))


def load(folder: Path) -> Model:
    """Return the model that lies in a folder."""
    metadata = json.loads((folder / f"{NAME}.json").read_text())
    reduction = metadata["dimension_reduction"]
    return Model(
        index=faiss.read_index(str(folder / NAME)),
        labels=np.frombuffer((folder / f"{NAME}.labels").read_bytes(), "<f4"),
        preparation=Preparation(
            kind=reduction["type"],
            seed=reduction["seed"],
            input_dim=reduction["input_dim"],
            target_dim=reduction["target_dim"],
            normalize=metadata["normalize"],
            padded_dim=reduction["padded_dim"],
        ),
        k=metadata["k"],
        predictor_type=metadata["predictor_type"],
    )
