"""JSON schemas, and what is wrong with documents by them.

What checks them is imported with the first document: that takes a sixth of a gateway's start, and as long as all of it
where Jupyter has brought its checkers of formats.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jsonschema import Draft7Validator, ValidationError


class JsonSchema:
    """A schema of draft 7."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema

    @cached_property
    def _validator(self) -> Draft7Validator:
        from jsonschema import Draft7Validator

        return Draft7Validator(self._schema)

    def errors(self, document: Any) -> Iterator[ValidationError]:
        """Yield all that is wrong with a document."""
        yield from self._validator.iter_errors(document)

    def main_error(self, document: Any) -> ValidationError | None:
        """Return what tells best why a document is none; None if it is one."""
        from jsonschema.exceptions import best_match

        return best_match(self.errors(document))
