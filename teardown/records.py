"""What is made beside the stacks while a lab stands: parameters of Parameter Store, and schedules."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from teardown import names
from teardown.receipt import Resource
from teardown.refusals import note_unlisted, try_to_delete

if TYPE_CHECKING:
    from collections.abc import Callable

    from teardown.receipt import Receipt


class RecordsSweep:
    """The parameters below `/<lab>/` and the schedules `<lab>-lease-…`: exactly the lab's, no other lab's.

    Without `schedules` those stay: what has not ended yet needs them to go on.
    """

    def __init__(self, client: Callable[[str], Any], lab: str, receipt: Receipt, *, schedules: bool) -> None:
        self._ssm, self._scheduler = client("ssm"), client("scheduler")
        self._lab, self._receipt, self._schedules = lab, receipt, schedules

    def step(self) -> list[Resource]:
        """Delete what there is; return what it was, to be looked for again."""
        return [
            *self._each("parameter", self._parameters, self._forget),
            *(self._each("schedule", self._due, self._call_off) if self._schedules else ()),
        ]

    def _each(self, kind: str, listed: Callable[[], list[str]], delete: Callable[[str], Any]) -> list[Resource]:
        try:
            found = [Resource(kind, name) for name in listed()]
        except ClientError as error:
            return note_unlisted(self._receipt, kind, error)
        self._receipt.unseen.pop(kind, None)
        return [each for each in found if try_to_delete(self._receipt, each, partial(delete, each.name))]

    def _parameters(self) -> list[str]:
        pages = self._ssm.get_paginator("get_parameters_by_path").paginate(
            Path=names.parameters(self._lab), Recursive=True
        )
        own = names.teardown_parameters(self._lab)  # of the teardown itself, which deletes them
        found = [each["Name"] for page in pages for each in page["Parameters"]]
        return [name for name in found if not name.startswith(f"{own}/")]

    def _forget(self, name: str) -> None:
        self._ssm.delete_parameter(Name=name)

    def _due(self) -> list[str]:
        pages = self._scheduler.get_paginator("list_schedules").paginate(NamePrefix=f"{names.lease(self._lab)}-")
        own = {names.lease_end_schedule(self._lab), names.lease_warning_schedule(self._lab)}
        return [each["Name"] for page in pages for each in page["Schedules"] if each["Name"] in own]

    def _call_off(self, name: str) -> None:
        self._scheduler.delete_schedule(Name=name)
