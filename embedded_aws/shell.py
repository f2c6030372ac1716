"""Point a shell at an embedded AWS, and back.

The variables come with a note of what they were before. A program that heeds the note acts as if they had never been
set: the embedded AWS that they name may be gone by now, and its proxy with it. Only the standard library here: `./lab`
reads this before anything is installed.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping

_NOTE = "EMBEDDED_AWS_SHELL_BEFORE"


def exports(variables: Mapping[str, str], environment: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines that set the variables in a shell whose environment is this one."""
    note = json.dumps({name: environment.get(name) for name in variables})
    for name, value in {**variables, _NOTE: note}.items():
        yield f"export {name}={shlex.quote(value)}"


def undo(environment: MutableMapping[str, str]) -> list[str]:
    """Make an environment what it was before, in place; return the lines that do the same to the shell itself."""
    note = environment.get(_NOTE)
    before: dict[str, str | None] = {**json.loads(note), _NOTE: None} if note else {}
    for name, value in before.items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    return [
        f"unset {name}" if value is None else f"export {name}={shlex.quote(value)}" for name, value in before.items()
    ]


def quoted(value: object) -> str:
    """Return a value as one word of a command line."""
    return shlex.quote(str(value))
