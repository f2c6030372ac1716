"""Checks of the account and region: who deploys, what the region lacks, the CDK's bootstrap, AWS's containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli.aws import owner
from cli.checks.result import CheckResult, State
from infra import region_check
from infra.algorithm_registries import REGISTRIES
from infra.algorithms import BUILT_IN
from infra.containers import INFERENCE, TRAINING
from infra.regions import ACCEPTED, BUDGET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.checks.result import Deployment


BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
# What each stack of the CDK's default synthesiser asks for ("requiresBootstrapStackVersion" in its manifest).
BOOTSTRAP_NEEDED = 6

_ABSENT = {"RepositoryNotFoundException", "RegistryNotFoundException"}
_AWAY = "take another region (`export AWS_REGION=us-east-1`, say)"


def check_account(deployment: Deployment) -> Iterator[CheckResult]:
    """Name account, region and caller: that they are the ones that were meant, only the reader knows."""
    identity = deployment.session.client("sts").get_caller_identity()
    who = owner.caller_name(identity["Arn"])
    yield CheckResult(
        "account", State.OK, f"account {identity['Account']}, region {deployment.session.region}, as {who}"
    )


def check_region(deployment: Deployment) -> Iterator[CheckResult]:
    """Look the region up among those that the lab accepts."""
    region = deployment.session.region
    refused = region_check.refusal(region, deployment.settings)
    if refused:
        yield CheckResult("region", State.WRONG, refused)
    elif deployment.settings.budget and BUDGET in ACCEPTED[region].lacks:
        text = (
            f"CloudFormation has no {BUDGET} in {region}, so the lab is deployed without its budget and nobody is told "
            f"of {deployment.settings.budget} USD a month: make one by hand at "
            "https://console.aws.amazon.com/billing/home#/budgets, or set lab.budget=0; the lease ends the lab all the "
            "same"
        )
        yield CheckResult("region", State.HINT, text)
    else:
        yield CheckResult("region", State.OK, f"{region} has all that the lab needs")


def check_bootstrap(deployment: Deployment) -> Iterator[CheckResult]:
    """Read the version that the bootstrap stack keeps in Parameter Store."""
    ssm = deployment.session.client("ssm")
    command = f"`cdk bootstrap aws://{deployment.session.account}/{deployment.session.region}`"
    try:
        version = int(ssm.get_parameter(Name=BOOTSTRAP_PARAMETER)["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound:
        yield CheckResult("bootstrap", State.OK, f"not bootstrapped for the CDK yet: `./lab up` does it, or {command}")
        return
    if version < BOOTSTRAP_NEEDED:
        text = f"the CDK's bootstrap stack is of version {version}, and {BOOTSTRAP_NEEDED} is needed: run {command}"
        yield CheckResult("bootstrap", State.WRONG, text)
    else:
        yield CheckResult("bootstrap", State.OK, f"bootstrapped for the CDK, version {version}")


def check_containers(deployment: Deployment) -> Iterator[CheckResult]:
    """Ask the region's registries for the images."""
    region = deployment.session.region
    if region not in ACCEPTED:  # the check of the region says why, and there is no registry to ask
        return
    ecr = deployment.session.client("ecr")
    wanted = dict.fromkeys((TRAINING, INFERENCE), ACCEPTED[region].registry)
    if algorithm := BUILT_IN.get(deployment.settings.algorithm):
        if region not in REGISTRIES:  # the check of the region says so
            return
        wanted[algorithm.image] = REGISTRIES[region].of(algorithm.image[0])
    missing = [
        f"the registry {registry} has no {name}:{tag} in {region}"
        for (name, tag), registry in wanted.items()
        if not _has_image(ecr, registry, name, tag)
    ]
    if missing:
        yield CheckResult("containers", State.WRONG, f"{' and '.join(missing)}: {_AWAY}")
    else:
        yield CheckResult("containers", State.OK, " and ".join(f"{name}:{tag}" for name, tag in wanted))


def _has_image(ecr: Any, registry: str, repository: str, tag: str) -> bool:
    try:
        answer = ecr.batch_get_image(registryId=registry, repositoryName=repository, imageIds=[{"imageTag": tag}])
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return False
        raise
    return bool(answer["images"])
