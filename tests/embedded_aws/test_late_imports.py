"""What few need is not imported by a gateway's start, and is there for who needs it."""

from __future__ import annotations

import subprocess
import sys

USES = """
import sys
from embedded_aws import late_imports
late_imports.postpone()
from ministack.services import athena, lambda_svc
assert athena._duckdb_available and lambda_svc._docker_available
assert not {"docker.client", "_duckdb", "paramiko"} & {*sys.modules}
import docker.types
from docker.errors import NotFound
assert lambda_svc.docker_lib.types.Mount is docker.types.Mount
assert lambda_svc.docker_lib.errors.NotFound is NotFound
import duckdb
print(duckdb.connect().execute("SELECT 6 * 7").fetchone())
"""
THREADS = """
from concurrent.futures import ThreadPoolExecutor
from embedded_aws import late_imports
late_imports.postpone()
import docker
with ThreadPoolExecutor(8) as pool:
    print({*pool.map(lambda _: docker.DockerClient.__name__, range(64))})
"""


SCHEMAS = """
import jsonschema, sys
print({"lark", "rfc3987_syntax"} & {*sys.modules})
"""


def printed(program: str) -> str:
    """Run a program in a Python that has imported nothing yet; what it prints."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_they_are_imported_when_they_are_used() -> None:
    """By an attribute, or by the import of a part; ministack takes them for installed."""
    assert printed(USES) == "(42,)"


def test_what_checks_schemas_builds_no_parsers() -> None:
    """Those of IRIs would take five times as long as the rest of its import: requirements.overrides."""
    assert printed(SCHEMAS) == "set()"


def test_of_many_at_once_all_have_the_whole() -> None:
    """Whoever asks meanwhile waits for the import."""
    assert printed(THREADS) == "{'DockerClient'}"
