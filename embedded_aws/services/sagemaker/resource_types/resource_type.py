"""What a resource type has: operations, ARNs, statuses, errors, references and listing.

ARNs hold names in lower case: CloudFormation's reference (`notebook-instance/mynotebookinstance`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.errors import IN_USE, VALIDATION, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from embedded_aws.services.sagemaker.resource_types.members import Members


ENDED = ("Completed", "Failed", "Stopped")
"""The statuses in which a job of any type has ended."""


@dataclass(frozen=True)
class Precondition:
    """The statuses in which an operation is allowed, and AWS's error in all others.

    The message may use {status}, {statuses}, {target} (the status that the operation leads to) and {arn}.
    """

    statuses: tuple[str, ...]
    message: str
    target: str = ""
    code: str = VALIDATION


@dataclass(frozen=True)
class NestedDefaults:
    """Default values inside a structure, or inside each structure of a list, where a request has that."""

    members: Mapping[str, Any]


def with_defaults(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members with the defaults for what is missing; a default that is a function is called with them."""
    filled = dict(given)
    for name, value in defaults.items():
        if isinstance(value, NestedDefaults):
            if isinstance(value_given := given.get(name), list):
                filled[name] = [with_defaults(each, value.members) for each in value_given]
            elif value_given is not None:
                filled[name] = with_defaults(value_given, value.members)
        elif name not in given:
            filled[name] = value(given) if callable(value) else value
    return filled


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """A resource type, in SageMaker's API and in CloudFormation.

    `not_found` and `exists` are AWS's messages; they may use {arn}, {name}, and the first {verb} (in lower case).
    `not_found_of` are those of verbs that have one of their own.
    `verbs` are the first words of its operations' names; {} in one stands for the resource type's name.
    `status` is the member that holds the status, `first_status` its first value.
    `stage` returns how far what changes a resource is within one status, () while nothing does.
    `told_changes` are members whose change is an event, as a change of the status is.
    `defaults` are the members that AWS fills in when the Create request leaves them out, and Describe answers.
    `renamed` are the members that Describe calls otherwise than Create.
    `members` declare how far each member of a Create and of an Update request is supported.
    `filters` decide by a resource's members and a List's request, whatever it has, whether the resource is listed; they
    are called as members of that request are.
    `references` find the names of resources of another type in a request.
    `quota_usage` is the word for it in the names of quotas, "" if it uses no instances. In `idle_statuses` it uses
    none, and counts in no quota.
    `own_verbs` are those whose operations the provider carries out by itself, whatever they are about.
    `operation_names` are the operations, by verb, whose names are not made of it and the type's.
    `identifier` is the member that holds the name if that is not called so; `keeps_case` says that the ARN has the name
    as it was written.
    """

    name: str
    arn_type: str
    not_found: str
    exists: str
    not_found_of: Mapping[str, str] = field(default_factory=dict)
    not_found_code: str = VALIDATION
    exists_code: str = VALIDATION
    members: Mapping[str, Members]
    verbs: tuple[str, ...] = ("Create", "Describe", "List", "Delete")
    status: str | None = None
    first_status: str | None = None
    stage: Callable[[Mapping[str, Any]], Sequence[Any]] = lambda _members: ()
    told_changes: tuple[str, ...] = ()
    preconditions: Mapping[str, Precondition] = field(default_factory=dict)
    filters: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], bool]] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    references: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = field(default_factory=dict)
    quota_usage: str = ""
    idle_statuses: tuple[str, ...] = ()
    sort_by: str = "CreationTime"
    sort_order: str = "Descending"
    own_verbs: tuple[str, ...] = ()
    operation_names: Mapping[str, str] = field(default_factory=dict)
    identifier: str = ""
    keeps_case: bool = False

    @property
    def name_member(self) -> str:
        """Return the member that holds the name, like EndpointName."""
        return self.identifier or f"{self.name}Name"

    @property
    def arn_member(self) -> str:
        """Return the member that holds the ARN, like EndpointArn."""
        return f"{self.name}Arn"

    def operation(self, verb: str) -> str:
        """Return a verb's operation: `CreateModel`, `ListModels`, `CreatePresignedNotebookInstanceUrl`."""
        if verb in self.operation_names:
            return self.operation_names[verb]
        if "{}" in verb:
            return verb.format(self.name)
        return f"{verb}{self.name}{'s' if verb == 'List' else ''}"

    def arn(self, name: str, *, account: str, region: str) -> str:
        """Return a resource's ARN."""
        written = name if self.keeps_case else name.lower()
        return f"arn:aws:sagemaker:{region}:{account}:{self.arn_type}/{written}"

    def given(self, request: Mapping[str, Any]) -> str:
        """Return the name or the ARN by which a request calls the resource that it is about."""
        return str(request[self.name_member] if self.name_member in request else request[self.arn_member])

    def name_of(self, request: Mapping[str, Any]) -> str:
        """Return the name of the resource that a request is about, by its name or its ARN."""
        given = self.given(request)
        return given.partition(f":{self.arn_type}/")[2] or given

    def arn_of(self, request: Mapping[str, Any], *, account: str, region: str) -> str:
        """Return the ARN of the resource that a request is about; one that it gives itself may be of elsewhere."""
        given = self.given(request)
        return given if given.startswith("arn:") else self.arn(given, account=account, region=region)

    def described(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the request's members, but its tags, under the names that Describe uses."""
        return {self.renamed.get(name, name): value for name, value in request.items() if name != "Tags"}

    def not_found_error(self, name: str, *, account: str, region: str, verb: str = "Describe") -> ServiceError:
        """Return AWS's error about a resource that does not exist."""
        return self.not_found_arn(self.arn(name, account=account, region=region), name, verb)

    def not_found_arn(self, arn: str, name: str, verb: str) -> ServiceError:
        """Return AWS's error about a resource of that ARN, which does not exist."""
        message = self.not_found_of.get(verb, self.not_found)
        return ServiceError(self.not_found_code, message.format(arn=arn, name=name, verb=verb.lower()))

    def already_exists_error(self, arn: str) -> ServiceError:
        """Return AWS's error for a name that another resource has; `arn` is that resource's."""
        return ServiceError(self.exists_code, self.exists.format(arn=arn, name=arn.rpartition("/")[2]))

    def state(self, members: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return what makes up a resource's state: its status and, of a job, the secondary one; () if it has none."""
        told = ("SecondaryStatus", *self.told_changes)
        return (members[self.status], *(members.get(name) for name in told)) if self.status else ()

    def check_status(self, verb: str, status: str, arn: str) -> None:
        """Raise AWS's error if the operation is not allowed in this status."""
        precondition = self.preconditions.get(verb)
        if precondition and status not in precondition.statuses:
            raise self.status_error(verb, status, arn)

    def status_error(self, verb: str, status: str, arn: str) -> ServiceError:
        """Return AWS's error for an operation that has a precondition and is asked for in this status."""
        precondition = self.preconditions[verb]
        statuses = ", ".join(precondition.statuses)
        text = precondition.message.format(status=status, statuses=statuses, target=precondition.target, arn=arn)
        return ServiceError(precondition.code, text)


def job_preconditions(noun: str, *, deletable: bool = True) -> dict[str, Precondition]:
    """Return when a job can be stopped and, if AWS has that, deleted; AWS's messages call it `noun`."""
    stop = Precondition(
        ("InProgress", "Stopping"), f"The request was rejected because the {noun} is in status {{status}}."
    )
    sentence = "is in status {status}; only jobs in a terminal status ({statuses}) can be deleted."
    delete = Precondition(ENDED, f"The {noun} {{arn}} {sentence}", code=IN_USE)
    return {"Stop": stop, "Delete": delete} if deletable else {"Stop": stop}


def name_in(member: str) -> Callable[[Mapping[str, Any]], list[str]]:
    """Return a function that finds a name in this member of a request."""
    return lambda request: [request[member]] if member in request else []
