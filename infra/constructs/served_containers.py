"""The containers that answer for a trained model: in the endpoint's model, and in the version that is registered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.algorithms import BUILT_IN, KERAS
from infra.constructs import algorithm_images
from infra.constructs.brick_features import PREFIX as FEATURES
from infra.constructs.images import ContainerImage

if TYPE_CHECKING:
    from constructs import Construct

    from infra.settings import Settings

CONTENT_TYPES = ("image/png", "image/jpeg", "application/x-npy")
RESPONSE_TYPES = ("application/json",)


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container of a model; several answer one after the other, as an inference pipeline.

    `prefix` is the place in the bucket below which the artifact lies; `ours` tells whether it runs inference.py.
    """

    name: str
    image: ContainerImage
    artifact: str
    prefix: str
    ours: bool = True


def of_the_lab(scope: Construct, settings: Settings, *, artifact: str, feature_artifact: str) -> list[Container]:
    """Return the one that runs the network, or the one that makes features of photos and the algorithm's.

    That TensorFlow's container and those of the algorithms can be in a pipeline: each listens on the port that it is
    told (`accept-bind-to-port` in the Dockerfiles of aws/deep-learning-containers and aws/sagemaker-xgboost-container;
    SageMaker's guide, "Inference pipelines", of the closed ones).
    """
    ours = ContainerImage.inference(scope)
    if settings.algorithm == KERAS:
        return [Container(name="network", image=ours, artifact=artifact, prefix="training/")]
    algorithm = algorithm_images.of_the_lab(scope, BUILT_IN[settings.algorithm])
    return [
        Container(name="features", image=ours, artifact=feature_artifact, prefix=FEATURES),
        Container(name=settings.algorithm, image=algorithm, artifact=artifact, prefix="training/", ours=False),
    ]
