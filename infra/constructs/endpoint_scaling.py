"""Application Auto Scaling of the endpoint: as many instances as its load needs, between two numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_applicationautoscaling as scaling
from constructs import Construct

from infra.settings import virtual_cpus

if TYPE_CHECKING:
    from infra.settings import Settings

# SageMaker's guide, "Load testing your auto scaling configuration": half of the requests a second that an instance can
# answer, a minute. 50 a processor are not measured on AWS, where TensorFlow Serving stands behind gunicorn; flask with
# gunicorn alone answers JSON 430 times a second and processor in `./lab bench endpoint`. Who has measured puts it here.
_REQUESTS_PER_SECOND, _SAFETY_FACTOR, _SECONDS = 50, 0.5, 60


class EndpointScaling(Construct):
    """A scalable target, and a policy that tracks the invocations of each of its instances.

    Cooldowns are AWS's: 300 seconds either way. AWS makes the role that scales, the first time in an account.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, endpoint_name: str, variant: str
    ) -> None:
        super().__init__(scope, construct_id)
        target = scaling.CfnScalableTarget(
            self,
            "Target",
            max_capacity=settings.endpoint_instances.most,
            min_capacity=settings.endpoint_instances.least,
            resource_id=f"endpoint/{endpoint_name}/variant/{variant}",
            scalable_dimension="sagemaker:variant:DesiredInstanceCount",
            service_namespace="sagemaker",
        )
        of = scaling.CfnScalingPolicy
        of(
            self,
            "Policy",
            policy_name=f"{settings.name}-invocations",
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.ref,
            target_tracking_scaling_policy_configuration=of.TargetTrackingScalingPolicyConfigurationProperty(
                predefined_metric_specification=of.PredefinedMetricSpecificationProperty(
                    predefined_metric_type="SageMakerVariantInvocationsPerInstance"
                ),
                target_value=invocations_per_instance(settings.endpoint_instance_type),
            ),
        )


def invocations_per_instance(instance_type: str) -> float:
    """Return how many invocations a minute an instance is to have."""
    return _SECONDS * _SAFETY_FACTOR * _REQUESTS_PER_SECOND * virtual_cpus(instance_type)
