"""Pipelines: their definitions, checked when they are given, and what is asked of them by an execution.

Which parameters ListPipelineParametersForExecution tells, those that were given: reports that users made of it. Which
of a definition and its place in S3 is to be given: moto's sentences. Not compared with AWS: the other sentences; that a
definition in S3 is read as the pipeline's role; that CreatedBy and LastModifiedBy are not told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.services.sagemaker.errors import CONFLICT, ServiceError, validation_exception
from embedded_aws.services.sagemaker.pipelines import lookup, tokens, validation, versions
from embedded_aws.services.sagemaker.pipelines.step_states import ENDED
from embedded_aws.services.sagemaker.provider import Provider
from embedded_aws.services.sagemaker.resource_types.pipelines import DEFINITION
from embedded_aws.services.sagemaker.roles import role_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.runtime.credentials import Role
    from embedded_aws.services.sagemaker.provider import Work
    from embedded_aws.services.sagemaker.store import Record


class Pipelines(Provider):
    """The provider of pipelines, with what is asked about one of their executions' definition and parameters."""

    def made_before(self, request: Mapping[str, Any], *, account: str, region: str) -> Record | None:
        """Return the pipeline that a request with this ClientRequestToken has made."""
        for each in self.context.store.all("Pipeline", account=account, region=region):
            if each.members[tokens.MEMBER] == request[tokens.MEMBER]:
                if each.members[tokens.DIGEST] != tokens.digest(request):
                    raise tokens.conflict(request, f"made the pipeline '{each.arn}'")
                return each
        return None

    def create(self, record: Record, request: dict[str, Any]) -> Work:
        """Check the definition, the first version. Raises ServiceError."""
        text = self._definition(record, request, request["RoleArn"])
        kept = {versions.DEFINITION: text, versions.NUMBER: 1, tokens.DIGEST: tokens.digest(request)}
        self.context.store.update(record, **kept)
        return lambda: versions.keep_latest(self.context.store, record)

    def restore(self, record: Record) -> None:
        """Keep the version that there was no time for, or that an older release did not know of."""
        versions.keep_latest(self.context.store, record)

    def describe(self, record: Record, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the pipeline in the version that is asked for, or the latest."""
        version = versions.find(self.context.store, record, request.get(versions.NUMBER))
        return versions.described(record, version)

    def update(self, record: Record, request: dict[str, Any]) -> None:
        """Record what is new; check a new definition, which makes the next version. Raises ServiceError."""
        changes = dict(request)
        if versions.DEFINITION in request or "PipelineDefinitionS3Location" in request:
            role = request.get("RoleArn", record.members["RoleArn"])
            changes[versions.DEFINITION] = self._definition(record, request, role)
            if changes[versions.DEFINITION] != record.members[versions.DEFINITION]:
                versions.keep_latest(self.context.store, record)
                changes[versions.NUMBER] = versions.next_number(record)
        super().update(record, changes)
        versions.keep_latest(self.context.store, record)

    def delete(self, record: Record) -> None:
        """Remove a pipeline with its executions and its versions. Raises ServiceError if one runs."""
        executions = lookup.executions_of(self.context.store, record)
        for execution in executions:
            if execution.status not in ENDED:
                raise ServiceError(
                    CONFLICT,
                    f"Pipeline '{record.arn}' has the execution '{execution.arn}', which is {execution.status}. "
                    "Stop it before you delete the pipeline.",
                )
        for execution in executions:
            self.context.store.remove(execution)
        for version in versions.of_pipeline(self.context.store, record):
            self.context.store.remove(version)
        super().delete(record)

    def operate(self, verb: str, request: dict[str, Any], *, account: str, region: str) -> dict[str, Any]:
        """Tell of an execution's definition or its parameters."""
        execution = lookup.find_execution(self.context.store, request, account=account, region=region)
        if verb == DEFINITION:
            return {
                "PipelineDefinition": execution.members["PipelineDefinition"],
                "CreationTime": execution.members["PipelineCreationTime"],
            }
        given = execution.members["GivenParameters"]
        positions = [([number], each) for number, each in enumerate(given)]
        return lookup.page("PipelineParameters", positions, request)

    def _definition(self, record: Record, request: Mapping[str, Any], role: str) -> str:
        text, place = request.get("PipelineDefinition"), request.get("PipelineDefinitionS3Location")
        if text is None and place is None:
            raise validation_exception(
                "Either Pipeline Definition or Pipeline Definition S3 location should be provided"
            )
        if text is not None and place is not None:
            raise validation_exception(
                "Both Pipeline Definition and Pipeline Definition S3 Location shouldn't be present"
            )
        if text is None and place is not None:
            text = self._read(role_of(record, role, endpoint_url=self.context.endpoint_url), place)
        validation.read(str(text))
        return str(text)

    def _read(self, role: Role, place: Mapping[str, str]) -> str:
        version = {"VersionId": place["VersionId"]} if "VersionId" in place else {}
        try:
            answer = role.client("s3").get_object(Bucket=place["Bucket"], Key=place["ObjectKey"], **version)
            return str(answer["Body"].read().decode())
        except (ClientError, BotoCoreError, UnicodeError) as error:
            raise validation_exception(
                f"The pipeline definition s3://{place['Bucket']}/{place['ObjectKey']} can't be read: {error}"
            ) from error
