"""The states that have the endpoint serve a version which is approved: by an update of the endpoint's stack.

The parameter that the stack reads gets the version's artifact, then the stack is updated with the template and the
parameters that it has, as `./lab models serve` does it (cli/aws/model_serving.py has the source): so CloudFormation
knows what serves, and the update goes as lab.rollout says, under its alarms. If it is rolled back, the parameter is put
back and the version is rejected, with the reason. A stack that has a service role is updated with that, by whoever may
update it (CloudFormation's reference, UpdateStack, RoleARN): so this needs no right to anything in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.constructs.state_machine import catch, choice, expression, note, task, wait
from teardown import names

if TYPE_CHECKING:
    from infra.constructs.state_machine import State
    from infra.settings import Settings

START = "Begin"
_POLL_SECONDS = 10
_REASON_LENGTH = 900  # of the 1,024 characters of ApprovalDescription, botocore


def states(settings: Settings, *, topic: str, stack_endpoint: str) -> dict[str, State]:
    """Return the states; `stack_endpoint` is the endpoint's logical id in its stack."""
    lab = settings.name
    return {
        **_what_is_approved(),
        **_stack_at_rest(settings),
        **_update(settings, stack_endpoint),
        **_outcome(settings),
        **_end(lab, topic),
    }


def _what_is_approved() -> dict[str, State]:
    version = "$states.result"
    return {
        START: note("Version", package=expression("$states.input.detail.ModelPackageArn")),
        "Version": task(
            "aws-sdk:sagemaker:describeModelPackage",
            {"ModelPackageName": expression("$package")},
            "IsWanted",
            Assign={
                "number": expression(f"$string({version}.ModelPackageVersion)"),
                "artifact": expression(f"{version}.InferenceSpecification.Containers[-1].ModelDataUrl"),
                "wanted": expression(
                    f"{version}.ModelApprovalStatus = 'Approved' and "
                    f"{version}.CustomerMetadataProperties.RegisteredBy = '{names.REGISTERED_BY}'"
                ),
                "because": expression(
                    f"$exists({version}.ApprovalDescription) and {version}.ApprovalDescription != '' ? "
                    f"': ' & {version}.ApprovalDescription : ''"
                ),
            },
            Catch=[catch("Gone")],
        ),
        # What a deployment has trained, the deployment has the endpoint serve; what somebody has registered, somebody.
        "IsWanted": choice("Gone", Endpoint="$wanted"),
        "Gone": {"Type": "Pass", "Output": {"outcome": "not-wanted"}, "End": True},
    }


def _stack_at_rest(settings: Settings) -> dict[str, State]:
    lab = settings.name
    return {
        "Endpoint": task(
            "aws-sdk:sagemaker:describeEndpoint",
            {"EndpointName": names.endpoint(lab, settings.hosting)},
            "Stack",
            Catch=[catch("NoEndpoint")],
        ),
        "NoEndpoint": note(
            "Tell",
            outcome="paused",
            sentence=expression(
                f"'Version ' & $number & ' of the lab {lab} is approved, and there is no endpoint to serve it: "
                "`./lab resume`, then `./lab models serve ' & $number & '`.'"
            ),
        ),
        "Stack": task(
            "aws-sdk:cloudformation:describeStacks",
            {"StackName": names.endpoint_stack(lab)},
            "IsAtRest",
            Assign={
                "status": expression("$states.result.Stacks[0].StackStatus"),
                "parameters": expression(
                    "[$states.result.Stacks[0].Parameters.{'ParameterKey': ParameterKey, 'UsePreviousValue': true}]"
                ),
                "capabilities": expression("[$states.result.Stacks[0].Capabilities]"),
            },
            Catch=[catch("Refused")],
        ),
        "IsAtRest": choice("Serving", WaitForStack="$contains($status, '_IN_PROGRESS')"),
        "WaitForStack": wait("Endpoint", _POLL_SECONDS),
        "Serving": task(
            "aws-sdk:ssm:getParameter",
            {"Name": names.model_artifact_parameter(lab)},
            "ServesAlready",
            Assign={"kept": expression("$states.result.Parameter.Value")},
            Catch=[catch("Refused")],
        ),
        "ServesAlready": choice("Choose", Gone="$kept = $artifact"),
    }


def _parameter(lab: str, value: str) -> dict[str, Any]:
    return {
        "Name": names.model_artifact_parameter(lab),
        "Value": expression(value),
        "Overwrite": True,
    }


def _update(settings: Settings, stack_endpoint: str) -> dict[str, State]:
    lab = settings.name
    stack = {"StackName": names.endpoint_stack(lab)}
    return {
        "Choose": task("aws-sdk:ssm:putParameter", _parameter(lab, "$artifact"), "Update", Catch=[catch("Refused")]),
        "Update": task(
            "aws-sdk:cloudformation:updateStack",
            {
                **stack,
                "UsePreviousTemplate": True,
                "Capabilities": expression("$capabilities"),
                "Parameters": expression("$parameters"),
            },
            "Pause",
            Catch=[catch("PutBack")],
        ),
        # Of two that are approved at once, the second waits for the first one's update.
        "PutBack": task("aws-sdk:ssm:putParameter", _parameter(lab, "$kept"), "IsTooEarly", Catch=[catch("Refused")]),
        "IsTooEarly": choice("Refused", WaitForStack="$contains($error.Cause, '_IN_PROGRESS')"),
        "Pause": wait("Look", _POLL_SECONDS),
        "Look": task(
            "aws-sdk:cloudformation:describeStacks",
            stack,
            "IsOver",
            Assign={
                "status": expression("$states.result.Stacks[0].StackStatus"),
                "reason": expression(
                    "$exists($states.result.Stacks[0].StackStatusReason) ? "
                    "$states.result.Stacks[0].StackStatusReason : ''"
                ),
            },
            Catch=[catch("Refused")],
        ),
        "IsOver": {
            "Type": "Choice",
            "Choices": [
                {"Condition": expression("$substring($status, 0, 15) = 'UPDATE_COMPLETE'"), "Next": "Served"},
                {"Condition": expression("$contains($status, '_IN_PROGRESS')"), "Next": "Pause"},
                {"Condition": expression("$status = 'UPDATE_ROLLBACK_FAILED'"), "Next": "FinishRollback"},
            ],
            "Default": "RolledBack",
        },
        # SageMaker has rolled the endpoint back by itself, and refuses CloudFormation the config that serves: the
        # endpoint is as the stack's rollback wants it.
        "FinishRollback": task(
            "aws-sdk:cloudformation:continueUpdateRollback",
            {**stack, "ResourcesToSkip": [stack_endpoint]},
            "Pause",
            Catch=[catch("RolledBack")],
        ),
    }


def _outcome(settings: Settings) -> dict[str, State]:
    lab = settings.name
    said = f"$substring($why, 0, {_REASON_LENGTH})"
    return {
        "Served": note(
            "Tell",
            outcome="serves",
            sentence=expression(f"'Version ' & $number & ' of the lab {lab} serves' & $because & '.'"),
        ),
        "RolledBack": task("aws-sdk:ssm:putParameter", _parameter(lab, "$kept"), "Why", Catch=[catch("Refused")]),
        "Why": task(
            "aws-sdk:sagemaker:describeEndpoint",
            {"EndpointName": names.endpoint(lab, settings.hosting)},
            "Reject",
            Assign={
                "why": expression("$exists($states.result.FailureReason) ? $states.result.FailureReason : $reason")
            },
            Catch=[{"ErrorEquals": ["States.ALL"], "Assign": {"why": expression("$reason")}, "Next": "Reject"}],
        ),
        "Reject": task(
            "aws-sdk:sagemaker:updateModelPackage",
            {
                "ModelPackageArn": expression("$package"),
                "ModelApprovalStatus": "Rejected",
                "ApprovalDescription": expression(f"'The endpoint was rolled back: ' & {said}"),
            },
            "Rejected",
            Catch=[catch("Refused")],
        ),
        "Rejected": note(
            "Tell",
            outcome="rolled-back",
            sentence=expression(
                f"'Version ' & $number & ' of the lab {lab} does not serve, and is rejected; what served before serves "
                f"on. The update was rolled back: ' & {said}"
            ),
        ),
        "Refused": note(
            "Tell",
            outcome="failed",
            sentence=expression(
                f"'Version ' & $number & ' of the lab {lab} does not serve, for AWS has refused a call: ' & "
                "$error.Cause & ' `./lab models serve ' & $number & '` tries it again.'"
            ),
        ),
    }


def _end(lab: str, topic: str) -> dict[str, State]:
    return {
        "Tell": task(
            "sns:publish",
            {"TopicArn": topic, "Subject": f"Lab {lab}: model", "Message": expression("$sentence")},
            "HasFailed",
            Catch=[catch("HasFailed")],
        ),
        "HasFailed": choice("Done", Failed="$outcome in ['failed', 'rolled-back']"),
        "Failed": {"Type": "Fail", "Error": "ModelDeployment", "Cause": expression("$sentence")},
        "Done": {
            "Type": "Pass",
            "Output": {"outcome": expression("$outcome"), "sentence": expression("$sentence")},
            "End": True,
        },
    }
