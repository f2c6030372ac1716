"""`./lab check`: run the checkers of the code and of every profile's templates; show what is accepted, and why."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import asdict
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from cli import paths
from cli.programs import tool_environment
from cli.security import advisories, exceptions, licences
from cli.security.audit import Audit
from cli.security.findings import stale, uncovered
from cli.security.locks import locks
from cli.ui import screen
from cli.ui.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cli.security.findings import Finding

_AT_A_TIME = 4  # locks, each of which waits for a service on the internet
_PYTHON = (sys.executable, "-m")
_TYPED = (
    "infra",
    "teardown",
    "embedded_aws",
    "cli",
    "datasets",
    "labelling",
    "pages",
    "bench",
    "tests",
    "app.py",
    "lab",
)
_CODE = {
    "mypy --strict": (*_PYTHON, "mypy", *_TYPED),
    "mypy --strict: model_code": (*_PYTHON, "mypy", "--explicit-package-bases", "model_code"),
    "ruff: lint": (*_PYTHON, "ruff", "check", "--quiet", "."),
    "ruff: format": (*_PYTHON, "ruff", "format", "--check", "--quiet", "."),
}


def check() -> None:
    """Run every checker to its end, as many at a time as there are processors.

    Raises LabError naming those that found something.
    """
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        audit = pool.submit(Audit, Path(folder))  # the first, for the templates' checkers wait for it
        found: set[Finding] = set()
        checks: dict[str, Callable[[], Iterable[object]]] = {
            **{name: partial(_program, command) for name, command in _CODE.items()},
            **{
                name: partial(_templates, audit, checker, found)
                for name, checker in {
                    "checkov": Audit.checkov,
                    "cfn-lint, in every region": Audit.cfn_lint,
                    "IAM's reference": Audit.iam,
                    "cdk-nag: AwsSolutions": Audit.nag,
                }.items()
            },
        }
        failed = _run_checks(pool, checks)
        last: dict[str, Callable[[], Iterable[object]]] = {
            "acknowledgments: each is for something that is found": lambda: stale(audit.result().acknowledged, found),
            "docs/security.md: the exceptions": partial(_documented, audit),
            "docs/licences.md: every package of every lock": _licences,
        }
        failed += _run_checks(pool, last)
    if failed:
        raise LabError(f"{len(failed)} of {len(checks) + len(last)} checks found something: {', '.join(failed)}.")


def audit() -> None:
    """Ask the advisory services about every lock. Raises LabError naming the locks with holes, or not asked about."""
    found: set[Finding] = set()
    checks: dict[str, Callable[[], Iterable[object]]] = {
        lock.as_posix(): partial(_holes, lock, found) for lock in locks()
    }
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        failed = _run_checks(pool, checks)
        if not failed:
            failed = _run_checks(
                pool, {"vulnerabilities that are accepted": lambda: stale(set(advisories.ACCEPTED), found)}
            )
    if failed:
        raise LabError(f"{len(failed)} of {len(checks)} locks have known holes, or could not be asked about.")


def show_exceptions(*, as_json: bool, write: bool) -> None:
    """Show all that the checkers find and the lab lives with: on the screen, as JSON, or in docs/security.md."""
    with tempfile.TemporaryDirectory() as folder, screen.step("templates of every profile", quiet=as_json):
        rows = _exceptions(Audit(Path(folder)))
    if write:
        exceptions.write(rows)
    if as_json:
        print(json.dumps(exceptions.as_json(rows), indent=2))
    else:
        exceptions.as_rows(rows).show()


def show_licences(*, as_json: bool, write: bool) -> None:
    """Show the licence of every package of every lock: on the screen, as JSON, or in docs/licences.md."""
    with screen.step("packages of the lab, the images and the checkers", quiet=as_json):
        rows = licences.table()
    if write:
        licences.write(rows)
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        licences.as_rows(rows).show()


def _run_checks(pool: ThreadPoolExecutor, checks: dict[str, Callable[[], Iterable[object]]]) -> list[str]:
    """Return the names of the checks that find something, each shown as soon as it does."""
    running = {pool.submit(_timed, work): name for name, work in checks.items()}
    failed = []
    with screen.console.status("checking …"):
        for done in as_completed(running):
            lines, seconds = done.result()
            if not lines:
                screen.done(running[done], seconds)
                continue
            failed.append(running[done])
            screen.console.print(f"[red]✗[/] {running[done]}", soft_wrap=True)
            screen.console.print("\n".join(lines), markup=False, soft_wrap=True)
    return failed


def _timed(work: Callable[[], Iterable[object]]) -> tuple[list[str], float]:
    """Return what a check has to say, and the seconds it took; a checker that fails says why."""
    started = time.monotonic()
    try:
        lines = sorted(map(str, work()))
    except LabError as error:
        lines = [str(error)]
    return lines, time.monotonic() - started


def _program(command: Sequence[str]) -> list[str]:
    result = subprocess.run(
        command,
        cwd=paths.ROOT,
        env=tool_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return [result.stdout] if result.returncode else []


def _templates(
    audit: Future[Audit], checker: Callable[[Audit], set[Finding]], everything: set[Finding]
) -> list[Finding]:
    findings = checker(audit.result())
    everything |= findings
    return uncovered(findings, audit.result().acknowledged)


def _holes(lock: Path, everything: set[Finding]) -> list[Finding]:
    found = advisories.holes(lock)
    everything |= found
    return uncovered(found, set(advisories.ACCEPTED))


def _exceptions(audit: Audit) -> list[exceptions.AcceptedRisk]:
    return exceptions.table({*audit.acknowledged, *advisories.ACCEPTED})


def _documented(audit: Future[Audit]) -> list[str]:
    if exceptions.is_written(_exceptions(audit.result())):
        return []
    return ["They are others than the code's: run `./lab check --exceptions --write`."]


def _licences() -> list[str]:
    lines = licences.problems(metadata.distributions())
    return [*lines, "Run `./lab check --licences --write`."] if lines else []
