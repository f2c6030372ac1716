"""The logs that outlive what wrote them: SageMaker's, and those of functions that ended late.

SageMaker makes its groups itself (https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html): one for
each endpoint, one for all jobs of a kind, which the account's other jobs share.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from teardown import names, refusals
from teardown.receipt import Resource
from teardown.refusals import Refusal, note_unlisted, try_to_delete

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from teardown.receipt import Receipt
    from teardown.remembered_names import RememberedNames
    from teardown.scope import Scope

    Found = tuple[Resource, Callable[[], Any]]  # with how it is deleted

ENDPOINTS = names.endpoint_log_group("").removesuffix("/")
# What has a group of its own, and what a stream in one that it shares with all of its kind, by the noun of the type.
_GROUPS_OF = {"endpoint": ENDPOINTS, "inference_component": "/aws/sagemaker/InferenceComponents"}
_STREAMS_OF = {
    "notebook_instance": "/aws/sagemaker/NotebookInstances",
    "compilation_job": "/aws/sagemaker/CompilationJobs",
    "inference_recommendations_job": "/aws/sagemaker/InferenceRecommendationsJobs",
    "labeling_job": "/aws/sagemaker/LabelingJobs",
    "processing_job": "/aws/sagemaker/ProcessingJobs",
    "training_job": "/aws/sagemaker/TrainingJobs",
    "transform_job": "/aws/sagemaker/TransformJobs",
}
LOGGED = frozenset({*_GROUPS_OF, *_STREAMS_OF})  # types of whose resources there are logs under their names
SHARED_GROUPS = tuple(_STREAMS_OF.values())
# Before the lab's name: the groups that CloudFormation named for its stacks, functions' own, SageMaker's.
_ROOTS = (
    "",
    "/aws/cloudformation/",
    "/aws/lambda/",
    names.endpoint_log_group(""),
    "/aws/sagemaker/InferenceComponents/",
)
_GROUP, _STREAM = "log group", "log stream"


def group_of_streams(noun: str) -> str:
    """Return the log group in which a type of resource, such as "training_job", has streams by its name."""
    return _STREAMS_OF[noun]


class LogsSweep:
    """The log groups and streams of a lab or seat, and of what `remembered` has for it.

    `spared` is a stack whose functions' groups are left to it.
    """

    def __init__(
        self,
        client: Callable[[str], Any],
        scope: Scope,
        receipt: Receipt,
        *,
        spared: str | None = None,
        remembered: RememberedNames | None = None,
    ) -> None:
        self._logs, self._scope, self._receipt = client("logs"), scope, receipt
        self._remembered = remembered
        self._spared = f"{spared}-" if spared else None

    def step(self) -> list[Resource]:
        """Delete what there is; return what it was, to be looked for again."""
        try:
            found = [*self._groups(), *self._streams(), *self._of_remembered()]
            left = [resource for resource, delete in found if try_to_delete(self._receipt, resource, delete)]
            self._forget_empty()
        except ClientError as error:
            return note_unlisted(self._receipt, _GROUP, error)
        self._receipt.unseen.pop(_GROUP, None)
        return left

    def _groups(self) -> Iterator[Found]:
        pages = self._logs.get_paginator("describe_log_groups")
        own = self._scope.prefix.removesuffix("-")
        for root in _ROOTS:
            for page in pages.paginate(logGroupNamePrefix=f"{root}{own}"):
                for group in page["logGroups"]:
                    name = group["logGroupName"]
                    if self._spared and name.removeprefix(root).startswith(self._spared):
                        continue
                    if self._scope.has(name.removeprefix(root), self._tags(group)):
                        yield Resource(_GROUP, name), partial(self._logs.delete_log_group, logGroupName=name)

    def _tags(self, group: dict[str, Any]) -> dict[str, str]:
        try:
            arn = group["arn"].removesuffix(":*")
            return dict(self._logs.list_tags_for_resource(resourceArn=arn)["tags"])
        except ClientError as error:  # gone meanwhile, or not to be looked at: the name decides
            if refusals.classify(error) not in {Refusal.GONE, Refusal.DENIED}:
                raise  # else another lab's tag would be taken for none
            return {}

    def _streams(self) -> Iterator[Found]:
        for group in SHARED_GROUPS:
            for stream in self._streams_of(group, self._scope.prefix.removesuffix("-")):
                # A stream is `<job>/<host>-…`, `<notebook instance>/jupyter.log`, or a labeling job's `<job>`.
                if self._scope.names(stream.partition("/")[0]):
                    delete = partial(self._logs.delete_log_stream, logGroupName=group, logStreamName=stream)
                    yield Resource(_STREAM, f"{group}: {stream}"), delete

    def _of_remembered(self) -> Iterator[Found]:
        if self._remembered is None:
            return
        for noun, root in _GROUPS_OF.items():
            for name in self._remembered.of(noun):
                for page in self._logs.get_paginator("describe_log_groups").paginate(
                    logGroupNamePrefix=f"{root}/{name}"
                ):
                    for group in page["logGroups"]:
                        if group["logGroupName"] == f"{root}/{name}":
                            delete = partial(self._logs.delete_log_group, logGroupName=f"{root}/{name}")
                            yield Resource(_GROUP, f"{root}/{name}"), delete
        for noun, group in _STREAMS_OF.items():
            for name in self._remembered.of(noun):
                alike = self._streams_of(group, name)
                for stream in (each for each in alike if each.partition("/")[0] == name):
                    delete = partial(self._logs.delete_log_stream, logGroupName=group, logStreamName=stream)
                    yield Resource(_STREAM, f"{group}: {stream}"), delete

    def _streams_of(self, group: str, beginning: str = "") -> Iterator[str]:
        among = {"logStreamNamePrefix": beginning} if beginning else {}
        try:
            for page in self._logs.get_paginator("describe_log_streams").paginate(logGroupName=group, **among):
                yield from (stream["logStreamName"] for stream in page["logStreams"])
        except ClientError as error:
            if refusals.classify(error) is not Refusal.GONE:
                raise

    def _forget_empty(self) -> None:
        """Delete a group that SageMaker shares among jobs and that is as it makes it, with nothing in it any more.

        It makes it anew for the next job. One that somebody has given a retention, a key or tags stays.
        """
        for page in self._logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/aws/sagemaker/"):
            for group in page["logGroups"]:
                name = group["logGroupName"]
                changed = "retentionInDays" in group or "kmsKeyId" in group or self._tags(group)
                if name in SHARED_GROUPS and not changed and next(self._streams_of(name), None) is None:
                    with refusals.suppress(Refusal.GONE):  # the answer got lost
                        self._logs.delete_log_group(logGroupName=name)
                    self._receipt.found.add(Resource(_GROUP, name))
