"""Hyperparameters of k-NN.

Sources: SageMaker's guide, "k-NN Hyperparameters"; the SageMaker SDK 2.257, amazon/knn.py; defaults as the log of a job
shows them (June 2021), where feature_dim is `auto`, though the guide requires it.
Not compared with AWS: the sentences about a target of dimension reduction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.algorithms.sdk.errors import CustomerError
from embedded_aws.algorithms.sdk.schema import Choice, Integer, Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

TUNABLE = ("k", "sample_size")
_SUB_VECTORS = ("1", "2", "3", "4", "8", "12", "16", "20", "24", "28", "32", "40", "48", "56", "64", "96")
RULES: tuple[Rule, ...] = (
    Integer("k", required=True),
    Choice("predictor_type", required=True, values=("classifier", "regressor")),
    Integer("sample_size", required=True),
    Integer("feature_dim", "auto", auto=True),
    Integer("dimension_reduction_target"),
    Choice("dimension_reduction_type", values=("sign", "fjlt")),
    Integer("faiss_index_ivf_nlists", "auto", auto=True),
    Choice("faiss_index_pq_m", values=_SUB_VECTORS),
    Choice("index_metric", "L2", values=("L2", "INNER_PRODUCT", "COSINE")),
    Choice("index_type", "faiss.Flat", values=("faiss.Flat", "faiss.IVFFlat", "faiss.IVFPQ")),
    Integer("mini_batch_size", "5000"),
    Integer("epochs", "1"),
)


def check(values: Mapping[str, Any], feature_dim: int) -> None:
    """Hold hyperparameters to the rules between them. Raises CustomerError."""
    kind, target = values.get("dimension_reduction_type"), values.get("dimension_reduction_target")
    if kind and target is None:
        raise CustomerError("'dimension_reduction_target' is required when 'dimension_reduction_type' is set.")
    if target is not None and not target < feature_dim:
        raise CustomerError(
            f"dimension_reduction_target is {target}: it must be greater than 0 and less than feature_dim, "
            f"which is {feature_dim}."
        )
    if values["index_type"] == "faiss.IVFPQ":
        if values["index_metric"] != "L2":
            raise CustomerError(f"index_metric {values['index_metric']} is not supported with index_type faiss.IVFPQ.")
        if "faiss_index_pq_m" not in values:
            raise CustomerError("'faiss_index_pq_m' is required when index_type is faiss.IVFPQ.")
