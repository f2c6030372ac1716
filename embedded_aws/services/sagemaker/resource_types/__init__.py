"""The table of resource types: an entry gives a type its operations, ARNs, errors, references and listing."""

from __future__ import annotations

from embedded_aws.services.sagemaker.resource_types.endpoints import ENDPOINT, ENDPOINT_CONFIG, MODEL
from embedded_aws.services.sagemaker.resource_types.labeling import HUMAN_TASK_UI, LABELING_JOB, WORKFORCE, WORKTEAM
from embedded_aws.services.sagemaker.resource_types.model_cards import MODEL_CARD
from embedded_aws.services.sagemaker.resource_types.model_registry import MODEL_PACKAGE, MODEL_PACKAGE_GROUP
from embedded_aws.services.sagemaker.resource_types.monitoring import MONITORING_EXECUTION, MONITORING_SCHEDULE
from embedded_aws.services.sagemaker.resource_types.notebooks import LIFECYCLE_CONFIG, NOTEBOOK_INSTANCE, PRESIGNED_URL
from embedded_aws.services.sagemaker.resource_types.pipelines import PIPELINE, PIPELINE_EXECUTION, PIPELINE_VERSION
from embedded_aws.services.sagemaker.resource_types.processing import PROCESSING_JOB
from embedded_aws.services.sagemaker.resource_types.resource_type import ResourceType
from embedded_aws.services.sagemaker.resource_types.training import TRAINING_JOB
from embedded_aws.services.sagemaker.resource_types.transform import TRANSFORM_JOB
from embedded_aws.services.sagemaker.resource_types.tuning import LIST_TRAINING_JOBS, TUNING_JOB

__all__ = ["LIST_TRAINING_JOBS", "PRESIGNED_URL", "RESOURCE_TYPES", "ResourceType"]

RESOURCE_TYPES: dict[str, ResourceType] = {
    each.name: each
    for each in (
        NOTEBOOK_INSTANCE,
        LIFECYCLE_CONFIG,
        MODEL_PACKAGE_GROUP,
        MODEL_PACKAGE,
        MODEL_CARD,
        MODEL,
        ENDPOINT_CONFIG,
        ENDPOINT,
        TRAINING_JOB,
        TRANSFORM_JOB,
        PROCESSING_JOB,
        TUNING_JOB,
        PIPELINE,
        PIPELINE_VERSION,
        PIPELINE_EXECUTION,
        MONITORING_SCHEDULE,
        MONITORING_EXECUTION,
        WORKFORCE,
        WORKTEAM,
        HUMAN_TASK_UI,
        LABELING_JOB,
    )
}
