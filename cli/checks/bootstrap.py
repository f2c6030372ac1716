"""The CDK's bootstrap stack: whether the account and region have one that is new enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.checks.result import Finding, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.checks.result import Subject

VERSION = "/cdk-bootstrap/hnb659fds/version"
# What each stack of the CDK's default synthesiser asks for ("requiresBootstrapStackVersion" in its manifest).
NEEDED = 6


def check(subject: Subject) -> Iterator[Finding]:
    """Read the version that the bootstrap stack keeps in Parameter Store."""
    ssm = subject.session.client("ssm")
    command = f"`cdk bootstrap aws://{subject.session.account}/{subject.session.region}`"
    try:
        version = int(ssm.get_parameter(Name=VERSION)["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound:
        yield Finding("bootstrap", State.OK, f"not bootstrapped for the CDK yet: `./lab up` does it, or {command}")
        return
    if version < NEEDED:
        text = f"the CDK's bootstrap stack is of version {version}, and {NEEDED} is needed: run {command}"
        yield Finding("bootstrap", State.WRONG, text)
    else:
        yield Finding("bootstrap", State.OK, f"bootstrapped for the CDK, version {version}")
