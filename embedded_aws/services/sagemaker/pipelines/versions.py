"""The versions of a pipeline: each definition that it has had, numbered from one on.

Sources: SageMaker's guide, "Pipeline version aliases": a new pipeline has version 1, an update of the definition makes
the next one, and one that does not change it makes none; the SageMaker SDK: ListPipelineVersions begins with the
latest, which an execution is of that names none; botocore's model, for all else. Not compared with AWS: that a
definition has changed if its text has; that DescribePipeline without a number tells the latest version's own name and
description; the sentence about a version that is not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.errors import NOT_FOUND, ServiceError
from embedded_aws.services.sagemaker.pipelines import lookup
from embedded_aws.services.sagemaker.resource_types import RESOURCE_TYPES
from embedded_aws.services.sagemaker.store import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.services.sagemaker.store import Store

NUMBER = "PipelineVersionId"
DEFINITION = "PipelineDefinition"
_TOLD = ("PipelineVersionDisplayName", "PipelineVersionDescription")
_TYPE = RESOURCE_TYPES["PipelineVersion"]


def next_number(pipeline: Record) -> int:
    """Return the number of a pipeline's next version."""
    return latest_number(pipeline) + 1


def latest_number(pipeline: Record) -> int:
    """Return the number of the version that a pipeline's own definition is; one kept by an older release has none."""
    return int(pipeline.members.get(NUMBER, 1))


def keep_latest(store: Store, pipeline: Record) -> Record:
    """Return the record of a pipeline's latest version, made if all ended before it was."""
    name = _name(pipeline, latest_number(pipeline))
    found = store.find(_TYPE.name, name, account=pipeline.account, region=pipeline.region)
    if found is not None:
        return found
    members = {
        "PipelineArn": pipeline.arn,
        NUMBER: latest_number(pipeline),
        DEFINITION: pipeline.members[DEFINITION],
        "CreationTime": pipeline.members["LastModifiedTime"],
        "LastModifiedTime": pipeline.members["LastModifiedTime"],
    }
    arn = _TYPE.arn(name, account=pipeline.account, region=pipeline.region)
    made = Record(_TYPE, name, arn, pipeline.account, pipeline.region, members)
    store.add(made)
    store.confirm(made)
    return made


def of_pipeline(store: Store, pipeline: Record) -> list[Record]:
    """Return all versions of a pipeline, the first one first."""
    every = store.all(_TYPE.name, account=pipeline.account, region=pipeline.region)
    mine = [each for each in every if each.members["PipelineArn"] == pipeline.arn]
    return sorted(mine, key=lambda each: int(each.members[NUMBER]))


def find(store: Store, pipeline: Record, number: int | None) -> Record:
    """Return the version of that number, the latest if None is given. Raises ResourceNotFound."""
    if number is None or number == latest_number(pipeline):
        return keep_latest(store, pipeline)
    found = store.find(_TYPE.name, _name(pipeline, number), account=pipeline.account, region=pipeline.region)
    if found is None:
        raise ServiceError(NOT_FOUND, f"Pipeline '{pipeline.arn}' has no version {number}.")
    return found


def described(pipeline: Record, version: Record) -> dict[str, Any]:
    """Return what DescribePipeline tells of a pipeline in one of its versions."""
    told = {name: version.members[name] for name in (DEFINITION, *_TOLD) if name in version.members}
    return {**pipeline.members, **told}


def last_execution(store: Store, version: Record) -> Mapping[str, Any]:
    """Return the members of the last execution of a version, {} if there is none."""
    executions = lookup.executions_of(store, version)
    mine = [each.members for each in executions if each.members.get(NUMBER, 1) == version.members[NUMBER]]
    return mine[-1] if mine else {}


def found_by_search(store: Store, record: Record) -> dict[str, Any]:
    """Return what Search tells of a version or an execution, beside its members."""
    if record.resource_type is _TYPE:
        last = last_execution(store, record)
        names = ("PipelineExecutionArn", "PipelineExecutionDisplayName", "PipelineExecutionStatus")
        return {f"LastExecuted{name}": last[name] for name in names if name in last}
    versions = store.all(_TYPE.name, account=record.account, region=record.region)
    wanted = (record.members["PipelineArn"], record.members.get(NUMBER, 1))
    mine = [each.members for each in versions if (each.members["PipelineArn"], each.members[NUMBER]) == wanted]
    return {name: value for each in mine for name, value in each.items() if name == "PipelineVersionDisplayName"}


def _name(pipeline: Record, number: int) -> str:
    return f"{pipeline.name}/version/{number}"
