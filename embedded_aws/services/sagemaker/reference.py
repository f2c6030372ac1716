"""docs/embedded-aws.md, made from the declarations that requests are checked against.

`python -m embedded_aws.services.sagemaker.reference` prints it.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from embedded_aws.services.sagemaker import api, runtime_api, search
from embedded_aws.services.sagemaker.events import EVENT_SCHEMAS
from embedded_aws.services.sagemaker.resource_types import RESOURCE_TYPES
from embedded_aws.services.sagemaker.resource_types.members import DONE, RECORDED, REFUSED, Support

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embedded_aws.services.sagemaker.resource_types.members import Members

_HEAD = """# The embedded AWS's SageMaker: what it does, records, refuses

    .venv/bin/python -m embedded_aws.services.sagemaker.reference > docs/embedded-aws.md    # makes this page

It has {here} of the {all} operations of SageMaker, and {runtime} of the runtime; every other is refused by its
name, with an `UnknownOperationException` (the runtime's: `ValidationError`). Requests are checked against botocore's
model, in AWS's sentences.

Each member of a request is *done*, only *recorded* (Describe returns it, it has no other effect) or *refused* with a
`ValidationException` that names it. A member that a newer botocore has and this page has not is refused too.

Tests hold it to that: each member of each request missing, mistyped and out of bounds, every declared error, every list
and page, every answer against its shape; and clients that drive it unmodified: the AWS CLI, boto3 with its waiters and
paginators, the SageMaker SDK 3 (resource classes, ModelTrainer, ModelBuilder, processors, pipelines) and 2 (estimators,
tuners, predictors, transformers), CloudFormation, Step Functions' `aws-sdk:sagemaker` tasks. Step Functions' own
`sagemaker:createTrainingJob.sync` and its like fail with their name.

| resource type | operations |
|---|---|
{resource_types}
| of several types | `Search` |
| tags, on all of them | {tags} |
"""
_METRICS_AND_EVENTS = """
## Metrics in CloudWatch

Measured on this machine, and published every minute.

| namespace | dimensions | metrics |
|---|---|---|
| `AWS/SageMaker` | `EndpointName`, `VariantName` | `Invocations`, `InvocationsPerInstance`, `Invocation4XXErrors`, \
`Invocation5XXErrors`, `InvocationModelErrors`, `ModelLatency`, `OverheadLatency` |
| `AWS/SageMaker` | the same, of a serverless variant | `ModelSetupTime`, `ServerlessConcurrentExecutionsUtilization`, \
`ServerlessProvisionedConcurrencyInvocations`, `ServerlessProvisionedConcurrencySpilloverInvocations`, \
`ServerlessProvisionedConcurrencyExecutions`, `ServerlessProvisionedConcurrencyUtilization`; it has no \
`InvocationsPerInstance` |
| `AWS/SageMaker` | the same, of an asynchronous endpoint | `InvocationsProcessed`, `InvocationFailures`, \
`ExpiredRequests`, `RequestDownloadFailures`, `ResponseUploadFailures`, `NotificationFailures`, `TimeInBacklog`, \
`TotalProcessingTime`, `RequestDownloadLatency`, `ResponseUploadLatency`, `Invocation4XXErrors`, \
`Invocation5XXErrors`, `ModelLatency`; none of the others |
| `AWS/SageMaker` | `EndpointName` of an asynchronous endpoint | `ApproximateBacklogSize`, \
`ApproximateBacklogSizePerInstance`, `ApproximateAgeOfOldestRequest`, `HasBacklogWithoutCapacity` |
| `/aws/sagemaker/Endpoints` | `EndpointName`, `VariantName` | `CPUUtilization`, `MemoryUtilization`, \
`DiskUtilization` |
| `/aws/sagemaker/TrainingJobs`, `/aws/sagemaker/ProcessingJobs` | `Host`: `<job>/algo-1` | `CPUUtilization`, \
`MemoryUtilization`, `DiskUtilization` |
| `/aws/sagemaker/TransformJobs` | `Host`: `<job>/<instance>` | `CPUUtilization`, `MemoryUtilization` |
| `AWS/SageMaker` | `LabelingJobName` | `DatasetObjectsHumanAnnotated`, `DatasetObjectsLabelingFailed`, \
`TotalDatasetObjectsLabeled` |
| `AWS/SageMaker` | none, of labeling jobs | `JobsSucceeded`, `JobsFailed`, `JobsStopped` |
| `AWS/SageMaker/Workteam` | `CognitoUserPool`, `LabelingJob`, `WorkerId` | `TasksAccepted`, `TasksSubmitted`, \
`ActiveWorkers`, `TimeSpent` |
| `/aws/sagemaker/TrainingJobs` | `TrainingJobName` | what the job's `MetricDefinitions` find in its log |

## Events in EventBridge

Each is sent once, to the account's default bus, with the source `aws.sagemaker`.

| resource type | detail-type | when |
|---|---|---|
{events}
"""
_SCALING = """
## Application Auto Scaling

For `sagemaker:variant:DesiredInstanceCount` alone: `RegisterScalableTarget`, `DeregisterScalableTarget`, \
`PutScalingPolicy`, `DeleteScalingPolicy`, `DescribeScalableTargets`, `DescribeScalingPolicies`, \
`DescribeScalingActivities`, `TagResource`, `UntagResource`, `ListTagsForResource`; in CloudFormation \
`AWS::ApplicationAutoScaling::ScalableTarget` and `::ScalingPolicy`. Refused with a sentence: other namespaces and \
dimensions, scheduled actions, predictive scaling, high-resolution metrics, metric math.
"""
_GREENGRASS = """
## AWS IoT Greengrass V2

Components: `CreateComponentVersion`, `DescribeComponent`, `GetComponent`, `ListComponents`, `ListComponentVersions`, \
`DeleteComponent`, `TagResource`, `UntagResource`, `ListTagsForResource`; in CloudFormation \
`AWS::GreengrassV2::ComponentVersion`. Of `CreateComponentVersion` are done `inlineRecipe` (held against AWS's schema; \
its artifacts are read and hashed), `tags` and `clientToken`; `lambdaFunction` is refused. Refused by name: devices, \
deployments, AWS's public components. Nothing is deployed to a device: there is none.
"""
_NOT_COMPARED = """
## What is not known of AWS

No account was asked. {sourced} modules of the embedded AWS name in their docstrings where they know AWS from: its
documentation, botocore's model, its own code, or what its users quote. {modules} modules leave {open} things open:

| module | not compared with AWS |
|---|---|
{rows}
"""
# Such a sentence lists what was not compared, with semicolons in between.
_MARK = re.compile(r"\bNot compared with AWS: (.+?)\.(?=\s|$)")
_SOURCE = re.compile(r"\b(Sources?|guide|reference|documentation|botocore|moto|terraform-provider-aws|quote)\b|#\d{2,}")
_REQUEST = """
## {request}

| members of | done | recorded | refused |
|---|---|---|---|
{rows}
"""


def page() -> str:
    """Return the whole page."""
    types = RESOURCE_TYPES.values()
    head = _HEAD.format(
        here=len(api.OPERATIONS),
        runtime=", ".join(runtime_api.OPERATIONS),
        all=len(api.service_model().operation_names),
        resource_types="\n".join(f"| {each.name} | {_listed(map(each.operation, each.verbs))} |" for each in types),
        tags=_listed(api.TAG_OPERATIONS),
    )
    events = [f"| {name} | `{schema.detail_type}` | {_when(name)} |" for name, schema in EVENT_SCHEMAS.items()]
    requests = [(each.operation(verb), each.members[verb]) for each in types for verb in each.members]
    requests.append(("Search", search.MEMBERS))
    requests.append(("InvokeEndpoint", runtime_api.INVOKE_ENDPOINT))
    requests.append(("InvokeEndpointWithResponseStream", runtime_api.INVOKE_ENDPOINT_WITH_RESPONSE_STREAM))
    requests.append(("InvokeEndpointAsync", runtime_api.INVOKE_ENDPOINT_ASYNC))
    sections = [_section(operation, members) for operation, members in requests]
    return "".join(
        (head, _METRICS_AND_EVENTS.format(events="\n".join(events)), _SCALING, _GREENGRASS, *sections, _not_compared())
    )


def _not_compared() -> str:
    """Return the table of what the docstrings mark as not compared with AWS, and how many modules name a source."""
    root = Path(__file__).resolve().parents[2]
    docstrings = {
        ".".join(path.relative_to(root.parent).with_suffix("").parts): _docstrings(path)
        for path in sorted(root.rglob("*.py"))
    }
    marks = {
        name: [each for mark in _MARK.findall(text) for each in mark.split("; ")] for name, text in docstrings.items()
    }
    marked = {name: each for name, each in marks.items() if each}
    return _NOT_COMPARED.format(
        sourced=sum(1 for text in docstrings.values() if _SOURCE.search(text)),
        modules=len(marked),
        open=sum(map(len, marked.values())),
        rows="\n".join(f"| `{name}` | {'; '.join(each)} |" for name, each in marked.items()),
    )


def _docstrings(path: Path) -> str:
    """Return the docstrings of a module and of all that it defines, without their line ends."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    defining = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    texts = [ast.get_docstring(node) for node in nodes if isinstance(node, defining)]
    return " ".join(" ".join(filter(None, texts)).split())


def _when(name: str) -> str:
    """Return when a resource type's event is sent."""
    status, schema = RESOURCE_TYPES[name].status, EVENT_SCHEMAS[name]
    if status is None:
        return "it is created or deleted"
    changes = f"`{status}` or `SecondaryStatus` changes" if name == "TrainingJob" else f"`{status}` changes"
    return f"{changes}; the last is {'`DELETED`' if schema.upper else '`Deleted`'}" if schema.deleted else changes


def flattened(members: Members, path: str = "") -> Iterator[tuple[str, Support]]:
    """Yield every declared member by its path, with its support."""
    for name, support in members.items():
        if isinstance(support, Mapping):
            yield from flattened(support, f"{path}{name}.")
        else:
            yield f"{path}{name}", support


def _section(operation: str, members: Members) -> str:
    holders: dict[str, dict[str, list[str]]] = {}
    for path, support in flattened(members):
        holder, _, name = path.rpartition(".")
        holders.setdefault(holder, {}).setdefault(support.level, []).append(_listed_member(name, support))
    rows = [_row(holder, by_level) for holder, by_level in holders.items()]
    return _REQUEST.format(request=operation, rows="\n".join(rows))


def _row(holder: str, members: Mapping[str, list[str]]) -> str:
    cells = [", ".join(members.get(support.level, ())) for support in (DONE, RECORDED, REFUSED)]
    return f"| {f'`{holder}`' if holder else 'the request'} | {' | '.join(cells)} |"


def _listed_member(name: str, support: Support) -> str:
    values = " or ".join(f"`{json.dumps(value)}`" for value in support.values)
    note = f"{values} only" if values else support.note
    return f"`{name}` ({note})" if note else f"`{name}`"


def _listed(names: Iterator[str] | tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    print(page(), end="")
