"""The versions of the lab's model in the model registry, and which of them serves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli.aws import endpoint, stacks
from cli.ui.errors import LabError
from infra.handlers.served_model import artifact
from teardown import names, refusals
from teardown.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cli.aws.session import Session
    from infra.settings import Settings

APPROVED, REJECTED = "Approved", "Rejected"
_HASH = re.compile(r"[0-9a-f]{16}")  # what answers bear as `model`
_VERSION = "model-package/"  # what the resource part of a version's ARN begins with


@dataclass(frozen=True)
class ModelVersion:
    """A version, as DescribeModelPackage answers it."""

    described: Mapping[str, Any]

    @property
    def number(self) -> int:
        """Return its number, by which it is named."""
        return int(self.described["ModelPackageVersion"])

    @property
    def arn(self) -> str:
        """Return its ARN."""
        return str(self.described["ModelPackageArn"])

    @property
    def approval(self) -> str:
        """Return Approved, Rejected or PendingManualApproval."""
        return str(self.described.get("ModelApprovalStatus", ""))

    @property
    def known(self) -> Mapping[str, str]:
        """Return what the lab, or whoever registered it, wrote down of it."""
        found: Mapping[str, str] = self.described.get("CustomerMetadataProperties", {})
        return found

    @property
    def containers(self) -> Sequence[Mapping[str, Any]]:
        """Return its containers; a version may have none."""
        found: Sequence[Mapping[str, Any]] = self.described.get("InferenceSpecification", {}).get("Containers", ())
        return found

    @property
    def artifact(self) -> str:
        """Return where the model lies that answers: the last container's; "" if there is none."""
        return str(self.containers[-1].get("ModelDataUrl", "")) if self.containers else ""

    def document(self, *, serves: bool) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "version": self.number,
            "created": self.described["CreationTime"].isoformat(),
            "training_job": self.known.get("TrainingJobName"),
            "test_accuracy": self.known.get("TestAccuracy"),
            "approval": self.approval,
            "because": self.described.get("ApprovalDescription") or None,
            "serves": serves,
        }


class Models:
    """The lab's versions, newest first, and the model that its endpoint serves."""

    def __init__(self, session: Session, lab: Settings) -> None:
        self.session, self.lab = session, lab
        self.group = names.model_package_group(lab.name)
        self.sagemaker = session.client("sagemaker")

    def __iter__(self) -> Iterator[ModelVersion]:
        """Yield each version when it is asked for: each takes a call."""
        for each in self._summaries():
            with refusals.suppress(Refusal.GONE):
                yield self._described(each["ModelPackageArn"])

    def version(self, given: str) -> ModelVersion:
        """Return the version of this number or ARN, or the newest whose answers bear this hash.

        Raises LabError if the lab has none.
        """
        if _HASH.fullmatch(given):
            return self._answering(given)
        group, number = self.group, given
        if given.startswith("arn:"):
            group, _, number = given.rpartition(f":{_VERSION}")[2].rpartition("/")
        if group != self.group:
            raise LabError(f"{given} is no version of the lab {self.lab.name}'s model: `./lab models` lists those.")
        for each in self._summaries():
            if str(each["ModelPackageVersion"]) == number:
                with refusals.suppress(Refusal.GONE):
                    return self._described(each["ModelPackageArn"])
        raise LabError(f"The lab {self.lab.name} has no version {given} of its model: `./lab models` lists those.")

    @cached_property
    def served(self) -> Sequence[Mapping[str, Any]]:
        """Return the containers of the model that the endpoint serves; none if there is no endpoint."""
        name = endpoint.name_of(stacks.of_lab(self.session, self.lab.name), self.lab)
        with refusals.suppress(Refusal.GONE):
            config = self.sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
            variants = self.sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
            model = self.sagemaker.describe_model(ModelName=variants[0]["ModelName"])
            found: Sequence[Mapping[str, Any]] = model.get("Containers") or [model["PrimaryContainer"]]
            return found
        return ()

    @property
    def served_artifact(self) -> str:
        """Return where the model lies that answers, "" if none does."""
        return str(self.served[-1].get("ModelDataUrl", "")) if self.served else ""

    def serving(self) -> ModelVersion | None:
        """Return the newest version with the artifact that is served, None if that is not registered."""
        return next((each for each in self if self.serves(each)), None)

    def serves(self, version: ModelVersion) -> bool:
        """Return whether the endpoint's model is made of the version, or of its artifact."""
        if not self.served:
            return False
        last = self.served[-1]
        return last.get("ModelPackageName") == version.arn or bool(
            version.artifact and last.get("ModelDataUrl") == version.artifact
        )

    def decide(self, version: ModelVersion, approval: str, because: str) -> None:
        """Approve or reject a version, whatever it was before.

        UpdateModelPackage's reference knows no order of these. Not compared with AWS: that what was rejected may be
        approved.
        """
        try:
            self.sagemaker.update_model_package(
                ModelPackageArn=version.arn, ModelApprovalStatus=approval, ApprovalDescription=because
            )
        except ClientError as error:
            raise LabError(f"Version {version.number} stays {version.approval}: {error}") from None

    def lineage(self, version: ModelVersion) -> dict[str, Any]:
        """Return what is known of a version, its training job and its artifact, for programs; None of what is gone."""
        return {
            **version.document(serves=self.serves(version)),
            "arn": version.arn,
            "known": dict(version.known),
            "containers": [
                {"image": each.get("Image"), "artifact": each.get("ModelDataUrl")} for each in version.containers
            ],
            "answers_bear": self._borne_by(version),
            "hyperparameters": self._hyperparameters(version.known.get("TrainingJobName", "")),
        }

    def _summaries(self) -> list[Mapping[str, Any]]:
        """Return what a list tells of each version, newest first; nothing if there is no group."""
        found: list[Mapping[str, Any]] = []
        with refusals.suppress(Refusal.GONE):
            pages = self.sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=self.group)
            found = [each for page in pages for each in page["ModelPackageSummaryList"]]
        return sorted(found, key=lambda each: -each["ModelPackageVersion"])

    def _described(self, arn: str) -> ModelVersion:
        return ModelVersion(self.sagemaker.describe_model_package(ModelPackageName=arn))

    def _hyperparameters(self, job: str) -> dict[str, str] | None:
        if job:
            with refusals.suppress(Refusal.GONE):
                given = self.sagemaker.describe_training_job(TrainingJobName=job).get("HyperParameters", {})
                return {name: value for name, value in given.items() if not name.startswith("sagemaker_")}
        return None

    def _answering(self, given: str) -> ModelVersion:
        for each in self:
            if self._borne_by(each) == given:
                return each
        raise LabError(
            f"No version of the lab {self.lab.name}'s model answers with {given}: `./lab models` lists those that "
            "there are. A model that was not trained in this lab, or of a version that is deleted, is none of them."
        )

    def _borne_by(self, version: ModelVersion) -> str | None:
        """Return the hash that a version's answers bear; an algorithm of AWS's gives none.

        It is written down with the version; if not, for an earlier release made it, the artifact tells.
        """
        known = version.known.get("Model")
        if known:
            return known if _HASH.fullmatch(known) else None
        try:
            return artifact.model_of(self.session.client("s3"), version.artifact) if version.artifact else None
        except (artifact.NoReceiptError, ClientError):
            return None
