"""How much memory an instance has, which is its container's limit, and how many processors.

From DescribeInstanceTypes of EC2, as moto publishes its answer: an `ml.m5.large` is an m5.large. Of the older p2 and p3
it does not know. This machine sets a limit, too: no container takes so much that all else on it starves.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
from functools import cache
from pathlib import Path
from typing import Any

import psutil

# AWS's sentence for a container that had more, of any type of job: users' logs (comic/grand-challenge.org compares
# with it; datasets of transform and training jobs are "job data" in it too).
EXCEEDED = (
    "ClientError: Please use an instance type with more memory, "
    "or reduce the size of job data processed on an instance."
)
_TABLE = ("moto", "ec2/resources/instance_types.json.gz")
_SHARE = 0.9  # of this machine's memory


def limit(instance_type: str) -> int:
    """Return the bytes of memory that a container on an instance of this type may have here."""
    known = _table().get(instance_type.removeprefix("ml."))
    return at_most(known["MemoryInfo"]["SizeInMiB"] * 1024**2) if known else _most()


def processors(instance_type: str) -> int:
    """Return the processors of an instance of this type; 0: it is not known."""
    known = _table().get(instance_type.removeprefix("ml."))
    return int(known["VCpuInfo"]["DefaultVCpus"]) if known else 0


def at_most(asked: int) -> int:
    """Return the bytes of memory that a container may have here which asks for so many."""
    return min(asked, _most())


def _most() -> int:
    return int(psutil.virtual_memory().total * _SHARE)


@cache
def _table() -> dict[str, Any]:
    package, file = _TABLE
    spec = importlib.util.find_spec(package)
    assert spec  # noqa: S101 - the package embedded-aws depends on it
    assert spec.origin  # noqa: S101 - it is a package with an __init__.py
    with gzip.open(Path(spec.origin).parent / file) as content:
        described: dict[str, Any] = json.load(content)
    return {
        name: {member: each.get(member) for member in ("MemoryInfo", "VCpuInfo")} for name, each in described.items()
    }
