"""SageMaker's resources that bear a lab's tag or name: stopped, waited for, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from teardown import refusals
from teardown.logs import LOGGED
from teardown.names import LAB_TAG
from teardown.receipt import Resource
from teardown.refusals import Refusal, note_unlisted
from teardown.resource_types import RESOURCE_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from teardown.receipt import Receipt
    from teardown.remembered_names import RememberedNames
    from teardown.resource_types import ResourceType
    from teardown.scope import Scope

Summary = dict[str, Any]

_RUNS = ("Executing", "Stopping")  # the statuses of a pipeline execution that has not ended
_OF_A_STACK = "aws:cloudformation:stack-id"  # CloudFormation's own tag on what it makes
_OF_STACKS_ONLY = {"notebook_instance", "notebook_instance_lifecycle_config"}  # no student may make one
# A stack's group of models holds versions that no stack knows any more, for their successors replaced them, and can't
# be deleted before they are. The stack's own version is told from them by nothing: it goes along, which its stack takes
# for deleted (AWS's own handler of AWS::SageMaker::ModelPackage).
_OF_NO_STACK = {"model_package"}
_RECORD = "ended; AWS keeps the record of such a job for ever, and it costs nothing"


class SageMakerSweep:
    """One lab's or seat's resources of every type. `only_stackless`: only those that no stack of CloudFormation owns.

    `remembered` hears of what is named otherwise than the lab's resources are.
    """

    def __init__(
        self,
        client: Callable[[str], Any],
        scope: Scope,
        receipt: Receipt,
        *,
        only_stackless: bool,
        remembered: RememberedNames | None = None,
    ) -> None:
        self._sagemaker = client("sagemaker")
        self._tagging = client("resourcegroupstaggingapi")
        self._scope, self._receipt, self._only_stackless = scope, receipt, only_stackless
        self._remembered = remembered
        self._tagged_arns: set[str] | None = None  # ARNs that bear the lab's tag, as one step has asked for them
        self._types = [kind for kind in RESOURCE_TYPES if not (only_stackless and kind.noun in _OF_STACKS_ONLY)]

    def step(self) -> list[Resource]:
        """Stop what runs and delete what can be; return what is still there afterwards, to be looked at again.

        A later stage has its turn when nothing of the earlier ones is left, so an endpoint goes before its config.
        What nobody may delete is noted in the receipt, and waited for no longer.
        """
        self._tagged_arns = None
        for stage in sorted({kind.stage for kind in self._types}):
            left = [resource for kind in self._types if kind.stage == stage for resource in self._sweep(kind)]
            if left:
                return left
        return []

    def _sweep(self, kind: ResourceType) -> list[Resource]:
        try:
            found = list(self._owned(kind))
        except ClientError as error:
            return note_unlisted(self._receipt, kind.title, error)
        self._receipt.unseen.pop(kind.title, None)
        left = []
        for name, shown, summary in found:
            resource = Resource(kind.title, shown)
            self._receipt.found.add(resource)
            if self._remembered and kind.noun in LOGGED and not self._scope.names(_own_name(summary, kind)):
                self._remembered.remember(kind.noun, name)
            if self._is_waited_for(kind, resource, name, summary):
                left.append(resource)
        return left

    def _is_waited_for(self, kind: ResourceType, resource: Resource, name: str, summary: Summary) -> bool:
        status = summary.get(kind.status, "")
        if kind.noun == "pipeline" and self._stop_executions(resource, name):
            return True
        if status in kind.stoppable:
            return self._call("stop", kind, resource, name)
        if kind.deletable is not None and status not in kind.deletable:
            return True
        if kind.record_kept:
            self._receipt.keep(resource, _RECORD, expected=True)
            return False
        if summary.get("WarmPoolStatus", {}).get("Status") == "Available":  # DeleteTrainingJob refuses that
            return self._call("update", kind, resource, name, ResourceConfig={"KeepAlivePeriodInSeconds": 0})
        return self._call("delete", kind, resource, name)

    def _call(self, verb: str, kind: ResourceType, resource: Resource, name: str, **request: Any) -> bool:
        """Call the operation; return whether to look again: not if the caller may not, or this SDK or region can't."""
        return self._ask(f"{verb}_{kind.noun}", resource, **{kind.name_parameter: name}, **request)

    def _stop_executions(self, resource: Resource, name: str) -> bool:
        """Stop a pipeline's executions; return whether one still runs."""
        running = []
        pages = self._sagemaker.get_paginator("list_pipeline_executions")
        try:
            for page in pages.paginate(PipelineName=name):
                found = page["PipelineExecutionSummaries"]
                running += [each for each in found if each["PipelineExecutionStatus"] in _RUNS]
        except ClientError:  # the pipeline's deletion says why
            return False
        waited_for = [
            each["PipelineExecutionStatus"] == "Stopping"
            or self._ask("stop_pipeline_execution", resource, PipelineExecutionArn=each["PipelineExecutionArn"])
            for each in running
        ]
        return any(waited_for)

    def _ask(self, method: str, resource: Resource, **request: Any) -> bool:
        """Call a method of the client, as `_call` does."""
        operation = getattr(self._sagemaker, method, None)
        if operation is None:  # an SDK from before the operation
            self._receipt.keep(resource, _RECORD, expected=True)
            return False
        try:
            operation(**request)
        except ClientError as error:
            match refusals.classify(error):
                case Refusal.DENIED:
                    self._receipt.keep(resource, str(error))
                    return False
                case Refusal.ABSENT:
                    self._receipt.keep(resource, _RECORD, expected=True)
                    return False
                case Refusal.BUSY | Refusal.SLOW:
                    self._receipt.put_off[resource] = str(error)
                case Refusal.GONE:
                    return False
        return True

    def _owned(self, kind: ResourceType) -> Iterator[tuple[str, str, Summary]]:
        """Yield name for the API, name for people, and summary of everything of the type that is in the scope."""
        listed = {each[kind.arn_member]: each for each in self._listed(kind, self._scope.prefix.removesuffix("-"))}
        for arn in self._tagged(kind) - listed.keys():
            if self._tags(arn) is not None:  # the tags' index is late: it has what is gone for some minutes
                listed |= self._of_bearer(kind, arn)
        for arn, summary in listed.items():
            name = summary.get(kind.name) or arn  # a version of a model package has no name but its ARN
            shown = name.rpartition(":")[2]
            tags = self._tags(_bearer(summary, kind))
            if tags is None or not self._scope.has(_own_name(summary, kind), tags):
                continue
            if not self._only_stackless or _OF_A_STACK not in tags or kind.noun in _OF_NO_STACK:
                yield name, shown, summary

    def _of_bearer(self, kind: ResourceType, arn: str) -> dict[str, Summary]:
        """Return what bears the tags of this ARN. An ARN has the name in lower case, which may not find it."""
        for words in (arn.rpartition("/")[2], ""):
            found = {each[kind.arn_member]: each for each in self._listed(kind, words) if _bearer(each, kind) == arn}
            if found:
                return found
        return {}

    def _listed(self, kind: ResourceType, words: str) -> Iterator[Summary]:
        pages = self._sagemaker.get_paginator(kind.list_operation)
        among = {kind.words: words} if words and kind.words else {}
        for page in pages.paginate(**among):
            yield from page[kind.summaries]
        if kind.noun == "model_package":
            for group in self._sagemaker.get_paginator("list_model_package_groups").paginate(**among):
                for each in group["ModelPackageGroupSummaryList"]:
                    for page in pages.paginate(ModelPackageGroupName=each["ModelPackageGroupName"]):
                        yield from page[kind.summaries]

    def _tagged(self, kind: ResourceType) -> set[str]:
        """Return ARNs of what bears the lab's tag, whatever its name; a seat is told by its name alone."""
        if self._scope.seat:
            return set()
        if self._tagged_arns is None:
            found = self._tagging.get_paginator("get_resources").paginate(
                ResourceTypeFilters=["sagemaker"], TagFilters=[{"Key": LAB_TAG, "Values": [self._scope.lab]}]
            )
            self._tagged_arns = {each["ResourceARN"] for page in found for each in page["ResourceTagMappingList"]}
        types = {kind.arn_type, *(["model-package-group"] if kind.noun == "model_package" else [])}
        return {arn for arn in self._tagged_arns if arn.split(":", 5)[5].partition("/")[0] in types}

    def _tags(self, arn: str) -> Mapping[str, str] | None:
        """Return the resource's tags; None if it has gone meanwhile."""
        try:
            pages = self._sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
            return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
        except ClientError as error:
            if refusals.classify(error) is Refusal.GONE:
                return None
            raise


def _bearer(summary: Summary, kind: ResourceType) -> str:
    """Return the ARN of what bears the tags; a version of a model package has its group's (CreateModelPackage)."""
    arn = str(summary[kind.arn_member])
    if "ModelPackageVersion" not in summary:
        return arn
    return arn.rpartition("/")[0].replace(":model-package/", ":model-package-group/")


def _own_name(summary: Summary, kind: ResourceType) -> str:
    return str(summary.get(kind.name) or summary.get("ModelPackageGroupName", ""))
