"""The Resource Groups Tagging API: it also lists services of ours, log groups and parameters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

from ministack.services import cloudwatch_logs, ssm, tagging

from embedded_aws.patches.patching import Patches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


class Tagged(Protocol):
    """The tagged resources of a service; `tag` and `untag` raise LookupError for one that is not there."""

    def all(self) -> Iterable[tuple[str, dict[str, str]]]:
        """Yield ARN and tags of each."""

    def tag(self, arn: str, given: dict[str, str], /) -> None:
        """Set tags."""

    def untag(self, arn: str, keys: Iterable[str], /) -> None:
        """Take tags away."""


patches = Patches()


def apply(services: Mapping[str, Tagged]) -> None:
    """List, tag and untag the resources of these services, by the name that their ARNs have."""
    for service, resources in {**services, "logs": _LogGroups(), "ssm": _Parameters()}.items():
        _list_tagged(service, resources)
    patches.apply()


def _list_tagged(service: str, resources: Tagged) -> None:
    """Let the Resource Groups Tagging API list, tag and untag them."""

    def collect() -> Iterator[tuple[str, list[dict[str, str]]]]:
        for arn, tags in resources.all():
            yield arn, [{"Key": key, "Value": value} for key, value in tags.items()]

    def changing(change: Callable[[str, Any], None]) -> Callable[[Any, str, Any], None]:
        def change_or_tell(_spec: Any, arn: str, given: Any) -> None:
            try:
                change(arn, given)
            except LookupError as error:
                raise tagging._ResourceNotFound(arn) from error

        return change_or_tell

    tagging._COLLECTORS[service] = collect
    tagging._WRITERS[service] = changing(resources.tag)
    tagging._REMOVERS[service] = changing(resources.untag)


class _LogGroups:
    """CloudWatch's log groups, under ARNs without the `:*` that DescribeLogGroups adds."""

    def all(self) -> Iterator[tuple[str, dict[str, str]]]:
        for group in cloudwatch_logs._log_groups.values():
            if group["tags"]:
                yield group["arn"].removesuffix(":*"), group["tags"]

    def tag(self, arn: str, given: dict[str, str]) -> None:
        self._tags(arn).update(given)

    def untag(self, arn: str, keys: Iterable[str]) -> None:
        for key in keys:
            self._tags(arn).pop(key, None)

    def _tags(self, arn: str) -> dict[str, str]:
        found = cloudwatch_logs._resolve_tag_record_by_arn(arn)
        if found is None:
            raise LookupError(arn)
        return found


class _Parameters:
    """Systems Manager's parameters."""

    def all(self) -> Iterator[tuple[str, dict[str, str]]]:
        for parameter in ssm._parameters.values():
            if tags := ssm._tags.get(parameter["ARN"]):
                yield parameter["ARN"], tags

    def tag(self, arn: str, given: dict[str, str]) -> None:
        ssm._tags.setdefault(self._known(arn), {}).update(given)

    def untag(self, arn: str, keys: Iterable[str]) -> None:
        for key in keys:
            ssm._tags.get(self._known(arn), {}).pop(key, None)

    def _known(self, arn: str) -> str:
        if arn not in (parameter["ARN"] for parameter in ssm._parameters.values()):
            raise LookupError(arn)
        return arn


@patches.replaces(tagging._matches_type_filters)
def _matches_type_filters(arn: str, type_filters: list[str]) -> bool:
    """Tell if an ARN is of one of the types, `logs` or `logs:log-group`; ministack stumbles over names with slashes."""
    _, _, service, _, _, resource = arn.split(":", 5)
    kind = re.split("[:/]", resource, maxsplit=1)[0]
    return not type_filters or service in type_filters or f"{service}:{kind}" in type_filters
