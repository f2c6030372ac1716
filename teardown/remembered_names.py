"""The names of what only the tag tells to be the lab's: its logs bear that name, no tag, and come until after its end.

The names are kept in Parameter Store before their bearers go, so that a teardown that is broken off still knows them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from teardown import names, refusals
from teardown.receipt import Resource
from teardown.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from teardown.receipt import Receipt

CAPTURED = "captured"  # in the place of a type's noun: the value is where an endpoint's captured data lie


class RememberedNames:
    """The names of a lab's resources that do not begin with the lab's, by the noun of their type."""

    def __init__(self, client: Callable[[str], Any], lab: str) -> None:
        self._ssm, self._path = client("ssm"), names.teardown_parameters(lab)
        self._noted: dict[tuple[str, str], str] | None = None

    def remember(self, noun: str, name: str, value: str = "-") -> None:
        """Keep a name, from before what bears it is touched."""
        if (noun, name) in self._all():
            return
        with refusals.suppress(Refusal.DENIED):  # whoever may not write goes on with what is in memory
            self._ssm.put_parameter(Name=f"{self._path}/{noun}/{name}", Value=value, Type="String", Overwrite=True)
        self._all()[noun, name] = value

    def forget(self, receipt: Receipt) -> None:
        """Delete what keeps the names; what is in memory is known on, for logs that come late."""
        for noun, name in self._all():
            parameter = f"{self._path}/{noun}/{name}"
            try:
                self._ssm.delete_parameter(Name=parameter)
            except ClientError as error:
                if refusals.classify(error) is not Refusal.GONE:
                    receipt.keep(Resource("parameter", parameter), str(error))

    def of(self, noun: str) -> dict[str, str]:
        """Return the names of this type, each with its value."""
        return {name: value for (kind, name), value in self._all().items() if kind == noun}

    def _all(self) -> dict[tuple[str, str], str]:
        if self._noted is None:
            noted = {}
            with refusals.suppress(Refusal.DENIED):
                pages = self._ssm.get_paginator("get_parameters_by_path").paginate(Path=self._path, Recursive=True)
                for each in (each for page in pages for each in page["Parameters"]):
                    noun, _, name = each["Name"].removeprefix(f"{self._path}/").partition("/")
                    noted[noun, name] = each["Value"]
            self._noted = noted
        return self._noted
