"""Another version of the model for the endpoint: its artifact into the parameter that the endpoint's stack reads.

The stack is updated with the template and the parameters that it has: of one of Systems Manager's types that means its
key, "not its value. CloudFormation always fetches the latest values" (CloudFormation's user guide, "Systems Manager
parameter types"). The training stack writes the parameter anew when it has trained another model, and not before: the
choice stands until then.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli.aws import pausing, stacks
from cli.aws.models import APPROVED
from cli.ui.errors import LabError
from infra.handlers.served_model.asynchronous import place_of
from teardown import names

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.aws.models import Models, ModelVersion


def before(models: Models) -> ModelVersion:
    """Return the newest approved version that is older than the one that serves, and can serve. Raises LabError."""
    now = models.serving()
    if now is None:
        raise LabError("What the endpoint serves is not registered: name a version, as in `./lab models serve 1`.")
    for each in models:
        older = each.number < now.number and each.artifact != now.artifact
        if older and each.approval == APPROVED and not _unlike(models, each):
            return each
    raise LabError(f"There is no approved version before {now.number}, which serves: `./lab models` lists them.")


def serve(models: Models, version: ModelVersion, notice: Callable[[str], None]) -> None:
    """Have the endpoint serve a version. Raises LabError, before anything is changed or after it was put back."""
    session, stack = models.session, names.endpoint_stack(models.lab.name)
    _check(models, version)
    stacks.wait_until_settled(session, models.lab.name, notice)
    parameter = names.model_artifact_parameter(models.lab.name)
    ssm, started = session.client("ssm"), time.time()
    kept = ssm.get_parameter(Name=parameter)["Parameter"]["Value"]
    ssm.put_parameter(Name=parameter, Value=version.artifact, Overwrite=True)
    try:
        _update(session.client("cloudformation"), stack)
        found = next(each for each in stacks.wait_until_settled(session, models.lab.name, notice) if each.name == stack)
    except BaseException:
        ssm.put_parameter(Name=parameter, Value=kept, Overwrite=True)
        raise
    if not found.complete:
        ssm.put_parameter(Name=parameter, Value=kept, Overwrite=True)
        stacks.finish_rollback(session, models.lab.name, notice)
        reasons = "\n".join(stacks.failures(session, [stack], since=started)) or found.reason
        raise LabError(f"{reasons}\nVersion {version.number} does not serve; what served before serves on.")


def _check(models: Models, version: ModelVersion) -> None:
    lab, number = models.lab.name, version.number
    if version.approval != APPROVED:
        raise LabError(f"Version {number} is {version.approval}: `./lab models approve {number}` lets it serve.")
    if not models.served:
        paused = pausing.find_paused(models.session, lab)
        raise LabError(
            f"The lab {lab} has no endpoint: `./lab {'resume' if paused else 'up'}` brings it back, then this works."
        )
    if models.serves(version):
        raise LabError(f"Version {number} serves already.")
    if unlike := _unlike(models, version):
        raise LabError(f"Version {number} can't serve here: {unlike}.")
    try:
        models.session.client("s3").head_object(**place_of(version.artifact))
    except ClientError as error:
        raise LabError(
            f"Version {number} can't serve: its artifact {version.artifact} can't be read ({error})."
        ) from None


def _unlike(models: Models, version: ModelVersion) -> str:
    """Say what of the endpoint's model is not the version's, of what a new artifact does not change; "" if nothing."""
    ours, theirs = models.served, version.containers
    if not version.artifact:
        return "it names no artifact"
    if [_repository(each) for each in ours] != [_repository(each) for each in theirs]:
        return "it is of another algorithm than the endpoint, so set lab.algorithm as it was and run `./lab up`"
    if [each.get("ModelDataUrl") for each in ours[:-1]] != [each.get("ModelDataUrl") for each in theirs[:-1]]:
        return "it takes other features than the endpoint makes, so set lab.features as they were and run `./lab up`"
    return ""


def _repository(container: Any) -> str:
    return str(container.get("Image", "")).rpartition(":")[0]


def _update(cloudformation: Any, stack: str) -> None:
    [described] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    cloudformation.update_stack(
        StackName=stack,
        UsePreviousTemplate=True,
        Capabilities=described.get("Capabilities", []),
        Parameters=[
            {"ParameterKey": each["ParameterKey"], "UsePreviousValue": True} for each in described.get("Parameters", ())
        ],
    )
