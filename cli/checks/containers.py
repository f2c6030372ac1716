"""AWS's containers: whether the region has those that the lab trains and serves in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli.checks.result import Finding, State
from infra.containers import INFERENCE, TRAINING
from infra.regions import ACCEPTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.checks.result import Subject

_ABSENT = {"RepositoryNotFoundException", "RegistryNotFoundException"}
_AWAY = "take another region (`export AWS_REGION=us-east-1`, say)"


def check(subject: Subject) -> Iterator[Finding]:
    """Ask the region's registry for both images."""
    region = subject.session.region
    if region not in ACCEPTED:  # the check of the region says why, and there is no registry to ask
        return
    registry = ACCEPTED[region].registry
    ecr = subject.session.client("ecr")
    missing = [f"{name}:{tag}" for name, tag in (TRAINING, INFERENCE) if not _there(ecr, registry, name, tag)]
    if missing:
        text = f"the registry {registry} has no {' and no '.join(missing)} in {region}: {_AWAY}"
        yield Finding("containers", State.WRONG, text)
    else:
        yield Finding("containers", State.OK, " and ".join(f"{name}:{tag}" for name, tag in (TRAINING, INFERENCE)))


def _there(ecr: Any, registry: str, repository: str, tag: str) -> bool:
    try:
        answer = ecr.batch_get_image(registryId=registry, repositoryName=repository, imageIds=[{"imageTag": tag}])
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return False
        raise
    return bool(answer["images"])
