"""How commands show themselves, where Click's own way loses something."""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperCommand, TyperGroup

from cli.errors import LabError

_WHOLE = 1000  # characters of a command's sentence, which Click cuts to what a line holds


class Commands(TyperGroup):
    """A group whose help has every command's whole sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, each with what it does."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, command.get_short_help_str(_WHOLE)) for name, command in found if command]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class Prolonging(TyperCommand):
    """A command whose argument is a term: -2h is a mistake about terms, and no option that there is not."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words. Raises LabError for a term below nothing."""
        for word in args:
            if re.match(r"-\d", word):
                raise LabError(
                    f"{word!r}: a lease is prolonged, never shortened: `./lab extend {word[1:]}` adds to it, "
                    "`./lab down` ends the lab now."
                )
        return super().parse_args(ctx, args)
