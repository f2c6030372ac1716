"""Lambda functions of one file, as tests need them."""

from __future__ import annotations

from typing import Any

from tests.zips import zipped


def make(functions: Any, name: str, *, role: str, source: str) -> str:
    """Make a function whose `handler` is in this source; its ARN. `functions` is a client of Lambda."""
    made = functions.create_function(
        FunctionName=name,
        Runtime="python3.14",
        Role=role,
        Handler="index.handler",
        Code={"ZipFile": zipped({"index.py": source})},
    )
    return str(made["FunctionArn"])
