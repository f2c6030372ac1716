"""`./lab env`: the exports that point any AWS tool at the embedded AWS."""

from __future__ import annotations

import shlex

from cli.place import Target, find


def env() -> None:
    """Print them, for `eval "$(./lab env)"`."""
    for name, value in find(Target.EMBEDDED).variables.items():
        print(f"export {name}={shlex.quote(value)}")
