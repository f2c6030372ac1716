"""Load: so many callers of a port at once, each with one request, again and again, and how long its answers took."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from array import array
from dataclasses import dataclass
from pathlib import Path

_PROGRAM = Path(__file__).parents[1] / "scripts" / "callers.py"
_PROCESSES = 8  # at most: of fewer, one that waits for a core makes many callers wait for it
_LEAD_SECONDS = 1.0  # for starting, and for the host to warm up


@dataclass(frozen=True, kw_only=True)
class Load:
    """Answers of a while: how many a second, how long they took, in milliseconds, and how many failed."""

    per_second: float
    median_ms: float
    p99_ms: float
    failed: int


def load(port: int, request: bytes, *, callers: int, seconds: float) -> Load:
    """Call 127.0.0.1:`port` for so many seconds. `request` is a whole HTTP request."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "request").write_bytes(request)
        start = str(time.time() + _LEAD_SECONDS)
        processes = [
            subprocess.Popen(
                [
                    *(sys.executable, "-S", str(_PROGRAM), str(port), str(folder / "request"), str(share)),
                    *(start, str(seconds), str(folder / f"answers-{number}")),
                ],
                stdout=subprocess.PIPE,
                text=True,
            )
            for number, share in enumerate(_shares(callers))
        ]
        outputs = [process.communicate()[0] for process in processes]
        if any(process.returncode for process in processes):
            sys.exit(f"The callers of port {port} broke off.")
        taken = array("d")
        for file in folder.glob("answers-*"):
            taken.frombytes(file.read_bytes())
    if not taken:
        sys.exit(f"Port {port} answered nothing in {seconds} s.")
    ordered = sorted(taken)
    return Load(
        per_second=len(ordered) / seconds,
        median_ms=ordered[len(ordered) // 2] * 1000,
        p99_ms=ordered[len(ordered) * 99 // 100] * 1000,
        failed=sum(map(int, outputs)),
    )


def _shares(callers: int) -> list[int]:
    """Return how many callers each process has."""
    processes = min(_PROCESSES, callers)
    return [callers // processes + (number < callers % processes) for number in range(processes)]
