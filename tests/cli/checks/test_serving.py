"""What preflight says of `lab.serve_also`, on machines and in accounts that lack something."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any, ClassVar

import boto3
import pytest

from cli.aws.session import Session, Target
from cli.checks.result import CheckResult, Deployment, State
from cli.checks.serving import check_serving
from embedded_aws.runtime import interpreters
from embedded_aws.runtime.interpreters import Interpreter
from infra import settings, web

if TYPE_CHECKING:
    from pathlib import Path

ROLE = "arn:aws:iam::000000000000:role/logs"


class Account:
    """Answers as Lambda, API Gateway and IAM do, of an account with so much in it."""

    exceptions = boto3.client("iam", region_name="us-east-1").exceptions

    def __init__(self, *, functions: int = 1000, role: str = "", roles: tuple[str, ...] = ()) -> None:
        self._functions, self._role, self._roles = functions, role, roles

    def get_account_settings(self) -> dict[str, Any]:
        """How many functions may run at once."""
        return {"AccountLimit": {"ConcurrentExecutions": self._functions}}

    def get_account(self) -> dict[str, Any]:
        """Which role writes logs."""
        return {"cloudwatchRoleArn": self._role} if self._role else {}

    def get_role(self, *, RoleName: str) -> None:  # noqa: N803 boto3's name
        """Know a role, or not."""
        if RoleName not in self._roles:
            raise self.exceptions.NoSuchEntityException({"Error": {"Code": "NoSuchEntity"}}, "GetRole")


class Answering(Session):
    """A session whose services are such an account's."""

    answers: ClassVar[dict[str, Any]] = {}

    def client(self, service: str, *, timeout: float = 0, attempts: int | None = None) -> Any:
        """Return the same for each service."""
        del service, timeout, attempts
        return Account(**self.answers)


def found(way: str, *, target: Target = Target.EMBEDDED, **account: Any) -> list[CheckResult]:
    """What the check says."""
    session = Answering(target, {}, "000000000000", "us-east-1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Answering, "answers", account)
        return [*check_serving(Deployment(session, settings.read({"lab": {"serve_also": way}}), []))]


@pytest.fixture
def linux(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that runs what Lambda runs."""
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.36"))
    monkeypatch.setattr(interpreters, "find", lambda *_, **__: Interpreter("/usr/bin/python3.12", "3.12.1", "/usr"))


@pytest.mark.usefixtures("linux")
@pytest.mark.parametrize("way", ["lambda", "rest", "edge", "web", "lambda,rest,edge,web"])
def test_where_all_is_there_nothing_is_in_the_way(way: str) -> None:
    """A result for each way."""
    results = found(way)
    assert len(results) == len(way.split(","))
    assert {each.state for each in results} == {State.OK}


@pytest.mark.usefixtures("linux")
@pytest.mark.parametrize(
    ("module", "name", "value", "says"),
    [
        (platform, "machine", lambda: "arm64", "which is Linux on arm64"),
        (platform, "system", lambda: "Darwin", "which is Darwin on x86_64"),
        (platform, "libc_ver", lambda: ("", ""), "whose C library is not glibc 2.28 or newer"),
        (platform, "libc_ver", lambda: ("glibc", "2.17"), "whose C library is not glibc 2.28 or newer"),
        (
            interpreters,
            "find",
            lambda *_, **__: Interpreter("/usr/bin/python3", "3.11.2", "/usr", "Python 3.11 stands in."),
            "which has no Python 3.12",
        ),
    ],
)
def test_a_machine_that_can_not_run_the_function_is_named(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, value: Any, says: str
) -> None:
    """With what to do; AWS, which can, is not asked for it."""
    monkeypatch.setattr(module, name, value)
    [result] = found("lambda")
    assert result.state is State.WRONG
    assert says in result.text
    assert result.text.endswith("leave 'lambda' out here; AWS runs it")
    assert [each.state for each in found("lambda", target=Target.AWS)] == [State.OK]


@pytest.mark.usefixtures("linux")
def test_an_account_whose_role_for_logs_is_gone_is_told_so() -> None:
    """It is not the lab's to replace; one that is there is well."""
    gone, _ = found("rest", role=ROLE)
    assert (gone.state, ROLE in gone.text) == (State.HINT, True)
    assert [each.state for each in found("rest", role=ROLE, roles=("logs",))] == [State.OK]


@pytest.mark.usefixtures("linux")
@pytest.mark.parametrize("way", ["lambda", "rest"])
def test_a_new_account_runs_few_functions_at_once(way: str) -> None:
    """Nothing is stopped by it, and the quota is named."""
    [result] = found(way, functions=10)
    assert (result.state, "L-B99A9384" in result.text) == (State.HINT, True)


def test_a_page_without_its_files_is_no_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """TensorFlow.js comes with the CDK's own command."""
    monkeypatch.setattr(web, "files", lambda: [tmp_path / "tf-core.min.js"])
    [result] = found("web")
    assert (result.state, "tf-core.min.js is not in node_modules: `npm ci`" in result.text) == (State.WRONG, True)


def test_a_machine_that_can_not_be_a_device_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others can."""
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    [result] = found("edge")
    assert (result.state, "which is Darwin" in result.text) == (State.HINT, True)
