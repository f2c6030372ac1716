"""`./lab test`: every test, as CI runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli import embedded
from cli.programs import become

if TYPE_CHECKING:
    from collections.abc import Sequence


def test(arguments: Sequence[str]) -> None:
    """Run pytest with `arguments`; ends as it does."""
    embedded.install_images()
    become("pytest", arguments)
