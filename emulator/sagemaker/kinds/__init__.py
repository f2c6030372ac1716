"""The table of resource kinds: one entry makes a kind's operations, ARNs, errors, references and listing."""

from __future__ import annotations

from emulator.sagemaker.kinds.hosting import ENDPOINT, ENDPOINT_CONFIG, MODEL
from emulator.sagemaker.kinds.kind import Kind
from emulator.sagemaker.kinds.notebooks import LIFECYCLE_CONFIG, NOTEBOOK_INSTANCE, PRESIGNED_URL
from emulator.sagemaker.kinds.processing import PROCESSING_JOB
from emulator.sagemaker.kinds.training import TRAINING_JOB
from emulator.sagemaker.kinds.transform import TRANSFORM_JOB
from emulator.sagemaker.kinds.tuning import TRIALS, TUNING_JOB

__all__ = ["KINDS", "PRESIGNED_URL", "TRIALS", "Kind"]

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        NOTEBOOK_INSTANCE,
        LIFECYCLE_CONFIG,
        MODEL,
        ENDPOINT_CONFIG,
        ENDPOINT,
        TRAINING_JOB,
        TRANSFORM_JOB,
        PROCESSING_JOB,
        TUNING_JOB,
    )
}
