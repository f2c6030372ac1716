"""The rules between the members of a CreateLabelingJob request.

Sources: botocore's model of LabelAttributeName and HumanTaskConfig, SageMaker's guide, "Labeling job output data" (no
name may end in -metadata, and in -ref only those of tasks that are refused here). Not compared with AWS: the sentences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.runtime import s3_uris
from embedded_aws.services.sagemaker.errors import validation_exception
from embedded_aws.services.sagemaker.labeling.functions import IMAGE_CLASSIFICATION, built_in
from embedded_aws.services.sagemaker.labeling.run import LIFETIME_SECONDS, MOST_AT_ONCE
from embedded_aws.services.sagemaker.resource_types.labeling import PRIVATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TASK_SECONDS = 28_800
_ENDINGS = ("-metadata", "-ref")


def check(request: Mapping[str, Any], account: str) -> None:
    """Raise ValidationException for what AWS refuses, or what is not offered here."""
    for problem in _problems(request, account):
        raise validation_exception(problem)
    human = request["HumanTaskConfig"]
    for uri in (
        request["InputConfig"]["DataSource"]["S3DataSource"]["ManifestS3Uri"],
        request["OutputConfig"]["S3OutputPath"],
        human["UiConfig"]["UiTemplateS3Uri"],
        request.get("LabelCategoryConfigS3Uri", "s3://none/none"),
    ):
        try:
            s3_uris.split(uri)
        except ValueError as error:
            raise validation_exception(str(error)) from error


def _problems(request: Mapping[str, Any], account: str) -> Iterator[str]:
    human = request["HumanTaskConfig"]
    for ending in _ENDINGS:
        if request["LabelAttributeName"].endswith(ending):
            yield f'LabelAttributeName {request["LabelAttributeName"]} must not end with "{ending}".'
    if "S3DataSource" not in request["InputConfig"]["DataSource"]:
        yield "InputConfig.DataSource must have an S3DataSource."
    if "UiTemplateS3Uri" not in human["UiConfig"]:
        yield "HumanTaskConfig.UiConfig must have a UiTemplateS3Uri."
    kind = human["WorkteamArn"].split("/")[1]
    if kind != PRIVATE:
        yield f"The embedded AWS has no work teams of {kind}: label with a private one, or on AWS."
    limits = {
        "TaskTimeLimitInSeconds": _TASK_SECONDS,
        "TaskAvailabilityLifetimeInSeconds": LIFETIME_SECONDS,
        "MaxConcurrentTaskCount": MOST_AT_ONCE,
    }
    for name, most in limits.items():
        if human.get(name, 0) > most:
            yield f"HumanTaskConfig.{name} is {human[name]}; {most} is the most."
    yield from _built_in_problems(request, account)


def _built_in_problems(request: Mapping[str, Any], account: str) -> Iterator[str]:
    human = request["HumanTaskConfig"]
    after = human.get("AnnotationConsolidationConfig", {}).get("AnnotationConsolidationLambdaArn")
    tasks = {built_in(arn, account) for arn in (human.get("PreHumanTaskLambdaArn"), after)} - {""}
    if others := sorted(tasks - {IMAGE_CLASSIFICATION}):
        yield f"The embedded AWS does not offer the task type {', '.join(others)}, only {IMAGE_CLASSIFICATION}."
    if tasks and "LabelCategoryConfigS3Uri" not in request:
        yield f"The task type {IMAGE_CLASSIFICATION} needs a LabelCategoryConfigS3Uri."
