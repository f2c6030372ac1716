"""An endpoint of factorization machines: of each record a score and, of a classifier, the label.

Formats: SageMaker's guide, "Factorization Machines Response Formats"; no CSV.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scipy import special

from embedded_aws.algorithms import modules
from embedded_aws.algorithms.factorization_machines.machine import Machine
from embedded_aws.algorithms.factorization_machines.training import META, MODEL, PARAMS, THRESHOLD
from embedded_aws.algorithms.sdk.serving import COMMON, HostedModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from embedded_aws.algorithms.records import Matrix


def load(folder: Path) -> HostedModel:
    """Return the model in a folder."""
    meta, arrays = modules.read(folder / MODEL, META, params=PARAMS)
    machine = Machine(arrays["w0_weight"], arrays["w1_weight"], arrays["v"])
    classifies = meta["training_parameters"]["predictor_type"] == "binary_classifier"

    def predict(features: Matrix, _: Mapping[str, str]) -> Iterator[dict[str, float]]:
        for output in machine.output(features):
            if classifies:
                score = float(special.expit(output))
                yield {"score": score, "predicted_label": int(score >= THRESHOLD)}
            else:
                yield {"score": float(output)}

    return HostedModel(len(machine.factors), predict, takes=COMMON)
