"""Checks of what `lab.serve_also` asks for beside the endpoint: of this machine, and of the account."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

from cli import paths
from cli.aws.session import Target
from cli.checks.result import CheckResult, State
from embedded_aws.runtime import images, interpreters
from infra import function_package, web

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cli.checks.result import Deployment

_SUBJECT = "serving"
_FEW = 10  # functions at once, which a new account may have. Source: Lambda's guide, "Understanding concurrency"


def check_serving(deployment: Deployment) -> Iterator[CheckResult]:
    """Look at each way: whether the machine and the account have what it needs."""
    for way in deployment.settings.serve_also:
        yield from _CHECKS[way](deployment)


def _check_lambda(deployment: Deployment) -> Iterator[CheckResult]:
    if deployment.session.target is Target.EMBEDDED and (why := _unfit()):
        text = (
            "lab.serve_also has 'lambda', whose packages are for Linux on x86-64 with Python "
            f"{function_package.PYTHON}, and the embedded AWS runs functions on this machine, {why}: leave 'lambda' "
            "out here; AWS runs it"
        )
        yield CheckResult(_SUBJECT, State.WRONG, text)
    else:
        yield from _concurrency(deployment, "the function")


def _unfit() -> str:
    """Say why this machine can't run the function's packages, "" if it can."""
    libc, version = platform.libc_ver()
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return f"which is {platform.system()} on {platform.machine()}"
    if libc != "glibc" or tuple(map(int, version.split("."))) < function_package.GLIBC:
        return f"whose C library is not glibc {'.'.join(map(str, function_package.GLIBC))} or newer"
    found = interpreters.find(function_package.PYTHON, folder=paths.cache() / "images", uv=images.uv)
    return f"which has no Python {function_package.PYTHON}" if found.notice else ""


def _check_rest(deployment: Deployment) -> Iterator[CheckResult]:
    """Read which role writes access logs in this region: it is everybody's, and may be gone."""
    role = deployment.session.client("apigateway").get_account().get("cloudwatchRoleArn", "")
    if role and not _exists(deployment.session.client("iam"), role):
        text = (
            f"the account's role with which API Gateway writes logs, {role}, is gone from IAM, and the lab does not "
            "replace what others have set: its REST API answers without an access log; to have one take the role away "
            "(`aws apigateway update-account --patch-operations op=replace,path=/cloudwatchRoleArn`), then `./lab up`"
        )
        yield CheckResult(_SUBJECT, State.HINT, text)
    yield from _concurrency(deployment, "the REST API's function")


def _exists(iam: Any, role: str) -> bool:
    try:
        iam.get_role(RoleName=role.rpartition("/")[2])
    except iam.exceptions.NoSuchEntityException:
        return False
    return True


def _concurrency(deployment: Deployment, what: str) -> Iterator[CheckResult]:
    """Read how many functions run at once in this account, which all of them share."""
    limit = deployment.session.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    if limit <= _FEW:
        text = (
            f"{limit} functions may run at once in this account, {what} among them, and more callers are put off "
            "(429): ask Service Quotas for more, quota L-B99A9384 of Lambda, before a class calls at the same time"
        )
        yield CheckResult(_SUBJECT, State.HINT, text)
    else:
        yield CheckResult(_SUBJECT, State.OK, f"{limit} functions may run at once, {what} among them")


def _check_web(_deployment: Deployment) -> Iterator[CheckResult]:
    """Look for the page's files, TensorFlow.js's among them."""
    if missing := [file.name for file in web.files() if not file.is_file()]:
        text = f"the page's {', '.join(missing)} is not in node_modules: `npm ci` brings it, with the CDK's own command"
        yield CheckResult(_SUBJECT, State.WRONG, text)
    else:
        yield CheckResult(_SUBJECT, State.OK, "the page has all of its files")


def _check_edge(_deployment: Deployment) -> Iterator[CheckResult]:
    """Tell whether `./lab edge` can run the component here: it is for devices with Linux."""
    if platform.system() == "Linux":
        yield CheckResult(_SUBJECT, State.OK, "the component is for Linux, and `./lab edge` runs it on this machine")
    else:
        text = f"the component is for Linux: `./lab edge` can't run it on this machine, which is {platform.system()}"
        yield CheckResult(_SUBJECT, State.HINT, text)


_CHECKS: dict[str, Callable[[Deployment], Iterator[CheckResult]]] = {
    "lambda": _check_lambda,
    "rest": _check_rest,
    "web": _check_web,
    "edge": _check_edge,
}
