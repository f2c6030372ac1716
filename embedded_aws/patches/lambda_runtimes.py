"""A function runs on the Python that its runtime names, where this machine has one, with the SDK that Lambda's has.

ministack 1.5.33 runs all of them on its own Python: a package with compiled code, which is made for one version, can't
be imported there. Sources: Lambda's guide, "Building Lambda functions with Python": the runtime has boto3, and what the
function brings is found before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ministack.core import lambda_runtime

from embedded_aws.patches.patching import Patches

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PYTHON = "python"


def apply(python: Callable[[str], Path | None], sdk: Path) -> None:
    """Ask `python` for the interpreter of a version such as "3.12"; it finds the modules of the folder `sdk` last."""
    patches = Patches()

    @patches.wraps(lambda_runtime._detect_runtime_binary)
    def _detect_runtime_binary(original: Callable[[str], tuple[str, str]], runtime: str) -> tuple[str, str]:
        program, script = original(runtime)
        found = python(runtime.removeprefix(_PYTHON)) if runtime.startswith(_PYTHON) else None
        if found is None:
            return program, script
        return str(found), f"import sys\nsys.path.append({str(sdk)!r})\n{script}"

    patches.apply()
