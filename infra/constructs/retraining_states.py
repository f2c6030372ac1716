"""The states of a retraining: its turn, a snapshot, a training, a comparison, a gate, a version, one sentence.

A run is an execution. Its turn is a parameter of Parameter Store, which PutParameter makes only if it is not there: one
that finds it taken leaves a note, for the one whose turn it is to be followed by another, and ends. Whoever holds it
and has ended without giving it back, for it was stopped, say, loses it to the next.
Whatever happens, a run ends in `Tell`, with `$sentence` and `$outcome`: a failed execution's cause is the sentence too.
That errors of Parameter Store end with Exception: a user's test of a real account (Ssm.ParameterNotFoundException).
Not compared with AWS: that the description of a job whose task has failed tells why at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.constructs.state_machine import catch, choice, expression, note, task, wait
from teardown import names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.constructs.state_machine import State
    from infra.settings import Settings

START = "Begin"
FAILED = "failed"
_GONE, _THERE = "Ssm.ParameterNotFoundException", "Ssm.ParameterAlreadyExistsException"
_DIGITS = 12  # of the hash of an execution in the names of its jobs
# Photos come many at a time: a run begins when the first has lain there for so long, and takes what came since.
_SETTLE_SECONDS = 20
_POLL_SECONDS = 15
_ME = expression("$states.context.Execution.Id")
_THROTTLED = [
    {"ErrorEquals": ["ThrottlingException"], "IntervalSeconds": 10, "MaxAttempts": 5, "BackoffRate": 2},
]


def states(
    settings: Settings,
    *,
    bucket: str,
    topic: str,
    machine: str,
    requests: Mapping[str, Any],
    version: Mapping[str, Any],
) -> dict[str, State]:
    """Return the states.

    `requests` are those of the jobs "snapshot", "training" and "comparison", without names; `version` is what
    CreateModelPackage is told beside what this run has come to.
    """
    lab = settings.name
    told = f"The retraining of the lab {lab}"
    return {
        **_turn(lab),
        **_what_serves(settings),
        **_snapshot(lab, bucket, requests["snapshot"], told),
        **_training(requests["training"], told),
        **_comparison(settings, bucket, requests["comparison"], told),
        **_registration(settings, version),
        **_end(lab, topic, machine, told),
    }


def snapshot_prefix(bucket: str) -> str:
    """Return where a run keeps its data, as an expression."""
    return expression(f"'s3://{bucket}/retraining/data/' & $run & '/'")


def comparison_prefix(bucket: str) -> str:
    """Return where a run leaves what its comparison has found, as an expression."""
    return expression(f"'s3://{bucket}/retraining/comparisons/' & $run & '/'")


def _turn(lab: str) -> dict[str, State]:
    turn, again = names.retraining_parameter(lab, "run"), names.retraining_parameter(lab, "again")
    mine = {"Name": turn, "Type": "String", "Value": _ME}
    prefix = names.retraining_prefix(lab)
    return {
        START: note(
            "TakeTurn",
            run=expression(f"'{prefix}' & $substring($hash($states.context.Execution.Id, 'SHA-256'), 0, {_DIGITS})"),
            asked=expression("$exists($states.input.by)"),
            package="",
        ),
        "TakeTurn": task(
            "aws-sdk:ssm:putParameter",
            {**mine, "Overwrite": False},
            "Settle",
            Catch=[catch("WhoseTurn", _THERE), catch("NoTurn")],
        ),
        "WhoseTurn": task(
            "aws-sdk:ssm:getParameter",
            {"Name": turn},
            "HolderRuns",
            Assign={"holder": expression("$states.result.Parameter.Value")},
            Catch=[catch("TakeTurn", _GONE), catch("NoTurn")],
        ),
        "HolderRuns": task(
            "aws-sdk:sfn:describeExecution",
            {"ExecutionArn": expression("$holder")},
            "OfWhom",
            Assign={"status": expression("$states.result.Status")},
            Catch=[catch("TakeOver")],
        ),
        "OfWhom": choice("TakeOver", AskForAnother="$status = 'RUNNING'"),
        "TakeOver": task("aws-sdk:ssm:putParameter", {**mine, "Overwrite": True}, "Settle", Catch=[catch("NoTurn")]),
        "AskForAnother": task(
            "aws-sdk:ssm:putParameter",
            {**mine, "Name": again, "Overwrite": True},
            "TakeFreedTurn",
            Catch=[catch("NoTurn")],
        ),
        # It may have been given back since, by one that had not seen the note.
        "TakeFreedTurn": task(
            "aws-sdk:ssm:putParameter",
            {**mine, "Overwrite": False},
            "Settle",
            Catch=[catch("Joined", _THERE), catch("NoTurn")],
        ),
        "Joined": {
            "Type": "Pass",
            "Output": {
                "outcome": "joined",
                "sentence": expression(
                    f"'The run ' & $split($holder, ':')[-1] & ' of the lab {lab} goes on: another follows it, and "
                    "takes what is new by then.'"
                ),
            },
            "End": True,
        },
        "Settle": wait("TakeNote", expression(f"$asked ? 0 : {_SETTLE_SECONDS}")),
        "TakeNote": task(
            "aws-sdk:ssm:deleteParameter",
            {"Name": again},
            "Serving",
            Catch=[catch("Serving", _GONE), catch("Unexpected")],
        ),
    }


def _what_serves(settings: Settings) -> dict[str, State]:
    lab = settings.name
    name = names.endpoint(lab, settings.hosting)
    paused = (
        f"The lab {lab} has no endpoint in service that a new model could be compared with: `./lab resume` brings it "
        "back if it is paused, then `./lab retrain`."
    )
    return {
        "Serving": task(
            "aws-sdk:ssm:getParameter",
            {"Name": names.model_artifact_parameter(lab)},
            "Endpoint",
            Assign={"serving": expression("$states.result.Parameter.Value")},
            Catch=[catch("Unexpected")],
        ),
        "Endpoint": task(
            "aws-sdk:sagemaker:describeEndpoint",
            {"EndpointName": name},
            "IsInService",
            Assign={"status": expression("$states.result.EndpointStatus")},
            Catch=[catch("NoEndpoint")],
        ),
        "IsInService": choice(
            "NoEndpoint",
            Snapshot="$status = 'InService'",
            WaitForEndpoint="$status in ['Creating', 'Updating', 'SystemUpdating', 'RollingBack']",
        ),
        "WaitForEndpoint": wait("Serving", _POLL_SECONDS),
        "NoEndpoint": note("Tell", outcome="paused", sentence=paused),
    }


def _snapshot(lab: str, bucket: str, request: Mapping[str, Any], told: str) -> dict[str, State]:
    return {
        "Snapshot": _job("Processing", "snapshot", request, "ReadSnapshot"),
        **_why("Processing", "snapshot", f"{told} has found no data that it could train with"),
        "ReadSnapshot": task(
            "aws-sdk:s3:getObject",
            {"Bucket": bucket, "Key": expression("'retraining/data/' & $run & '/snapshot.json'")},
            "LastTried",
            Assign={"snapshot": expression("$parse($states.result.Body)")},
            Catch=[catch("Unexpected")],
        ),
        "LastTried": task(
            "aws-sdk:ssm:getParameter",
            {"Name": names.retraining_parameter(lab, "data")},
            "IsNew",
            Assign={"tried": expression("$states.result.Parameter.Value")},
            Catch=[{"ErrorEquals": [_GONE], "Assign": {"tried": ""}, "Next": "IsNew"}, catch("Unexpected")],
        ),
        # Asked by somebody, it trains again with what has come to nothing: the gate may be another one now.
        "IsNew": choice(
            "Training",
            KnownData="$snapshot.data = $snapshot.known",
            TriedData="$snapshot.data = $tried and $not($asked)",
        ),
        "KnownData": note(
            "Tell",
            outcome="nothing-new",
            sentence=f"{told} has found nothing new: the model that serves has learnt from the same images.",
        ),
        "TriedData": note(
            "Tell",
            outcome="nothing-new",
            sentence=f"{told} has found nothing new since the last one, which trained with the same images.",
        ),
    }


def _training(request: Mapping[str, Any], told: str) -> dict[str, State]:
    return {
        "Training": _job(
            "Training",
            "training",
            request,
            "Remember",
            Assign={"candidate": expression("$states.result.ModelArtifacts.S3ModelArtifacts")},
        ),
        **_why("Training", "training", f"{told} has failed in its training job"),
    }


def _comparison(settings: Settings, bucket: str, request: Mapping[str, Any], told: str) -> dict[str, State]:
    lab, gate, per_class = settings.name, settings.gate, settings.gate_per_class
    accuracies = (
        "$formatNumber($comparison.candidate.accuracy * 100, '0.00') & ' % of ' & $string($comparison.images) & "
        "' held-out images right, and ' & $formatNumber($comparison.serving.accuracy * 100, '0.00') & "
        "' % by the model that serves'"
    )
    lost = (
        "$comparison.loss > 0 ? ', ' & $formatNumber($comparison.loss * 100, '0.00') & ' % fewer of ' & "
        "$comparison.lost_most : ''"
    )
    return {
        "Remember": task(
            "aws-sdk:ssm:putParameter",
            {
                "Name": names.retraining_parameter(lab, "data"),
                "Type": "String",
                "Value": expression("$snapshot.data"),
                "Overwrite": True,
            },
            "Comparison",
            Catch=[catch("Unexpected")],
        ),
        "Comparison": _job("Processing", "comparison", request, "ReadComparison"),
        **_why("Processing", "comparison", f"{told} could not compare its model with the one that serves"),
        "ReadComparison": task(
            "aws-sdk:s3:getObject",
            {"Bucket": bucket, "Key": expression("'retraining/comparisons/' & $run & '/comparison.json'")},
            "Weigh",
            Assign={"comparison": expression("$parse($states.result.Body)")},
            Catch=[catch("Unexpected")],
        ),
        "Weigh": note("Gate", found=expression(f"{accuracies} & ({lost})")),
        "Gate": choice(
            "Stopped",
            SameModel="$comparison.same",
            Register=f"$comparison.gain >= {gate} and $comparison.loss <= {per_class}",
        ),
        "SameModel": note(
            "Tell",
            outcome="nothing-new",
            sentence=f"{told} has trained the very model that serves: what is new has changed nothing.",
        ),
        "Stopped": note(
            "Tell",
            outcome="stopped",
            sentence=expression(
                f"'{told} has stopped its model at the gate, which lets in what is better by {100 * gate:g} % and not "
                f"worse by more than {100 * per_class:g} % on any class: ' & $found & '.'"
            ),
        ),
    }


def _registration(settings: Settings, version: Mapping[str, Any]) -> dict[str, State]:
    lab = settings.name
    known = {
        **version["CustomerMetadataProperties"],
        "TrainingJobName": expression("$run & '-training'"),
        "Data": expression("$snapshot.data"),
        "TestAccuracy": expression("$string($comparison.candidate.accuracy)"),
        "ServingAccuracy": expression("$string($comparison.serving.accuracy)"),
        "TestImages": expression("$string($comparison.images)"),
    }
    registered = {
        "Register": task(
            "aws-sdk:sagemaker:createModelPackage",
            {
                **version,
                "CustomerMetadataProperties": known,
                "ModelApprovalStatus": "PendingManualApproval",
                "ModelPackageDescription": expression("$found"),
            },
            "Approve" if settings.approval == "automatic" else "Pending",
            Assign={
                "package": expression("$states.result.ModelPackageArn"),
                "number": expression("$split($states.result.ModelPackageArn, '/')[-1]"),
            },
            Catch=[catch("Unexpected")],
        ),
        "Pending": note(
            "Tell",
            outcome="pending",
            sentence=expression(
                f"'Version ' & $number & ' of the lab {lab} waits for approval: ' & $found & "
                f"'; `./lab models approve ' & $number & '` has it serve.'"
            ),
        ),
        "Approve": task(
            "aws-sdk:sagemaker:updateModelPackage",
            {
                "ModelPackageArn": expression("$package"),
                "ModelApprovalStatus": "Approved",
                "ApprovalDescription": expression("'lab.approval is automatic: ' & $found"),
            },
            "Approved",
            Catch=[catch("Unexpected")],
        ),
        "Approved": note(
            "Tell",
            outcome="approved",
            sentence=expression(
                f"'Version ' & $number & ' of the lab {lab} is approved, and will serve: ' & $found & '.'"
            ),
        ),
    }
    left_out = {"Pending"} if settings.approval == "automatic" else {"Approve", "Approved"}
    return {name: state for name, state in registered.items() if name not in left_out}


def _end(lab: str, topic: str, machine: str, told: str) -> dict[str, State]:
    again = names.retraining_parameter(lab, "again")
    message = {"TopicArn": topic, "Subject": f"Lab {lab}: retraining", "Message": expression("$sentence")}
    return {
        "Unexpected": note(
            "Tell",
            outcome=FAILED,
            sentence=expression(f"'{told} has failed, for AWS has refused it a call: ' & $error.Cause"),
        ),
        "Tell": task("sns:publish", message, "GiveBack", Catch=[catch("GiveBack")]),
        # Its turn is another's: it gives nothing back.
        "NoTurn": note(
            "TellOfNoTurn",
            outcome=FAILED,
            sentence=expression(f"'{told} has not begun, for AWS has refused it a call: ' & $error.Cause"),
        ),
        "TellOfNoTurn": task("sns:publish", message, "Failed", Catch=[catch("Failed")]),
        "GiveBack": task(
            "aws-sdk:ssm:deleteParameter",
            {"Name": names.retraining_parameter(lab, "run")},
            "IsAnotherAskedFor",
            Catch=[catch("IsAnotherAskedFor")],
        ),
        "IsAnotherAskedFor": task(
            "aws-sdk:ssm:deleteParameter", {"Name": again}, "Another", Catch=[catch("HasFailed")]
        ),
        "Another": task(
            "aws-sdk:sfn:startExecution",
            {"StateMachineArn": machine, "Input": "{}"},
            "HasFailed",
            Catch=[catch("HasFailed")],
        ),
        "HasFailed": choice("Done", Failed=f"$outcome = '{FAILED}'"),
        "Failed": {"Type": "Fail", "Error": "Retraining", "Cause": expression("$sentence")},
        "Done": {
            "Type": "Pass",
            "Output": {
                "outcome": expression("$outcome"),
                "sentence": expression("$sentence"),
                "package": expression("$package"),
            },
            "End": True,
        },
    }


def _job(kind: str, name: str, request: Mapping[str, Any], to: str, **more: Any) -> State:
    """Return the state that runs a job, "Processing" or "Training", called after the run and `name`."""
    arguments = {f"{kind}JobName": expression(f"$run & '-{name}'"), **request}
    return task(
        f"sagemaker:create{kind}Job.sync",
        arguments,
        to,
        Retry=_THROTTLED,
        Catch=[catch(f"Why{name.capitalize()}")],
        **more,
    )


def _why(kind: str, name: str, begins: str) -> dict[str, State]:
    """Return the states that find out why a job has failed; of one that there is not, the refusal tells."""
    state = name.capitalize()
    said = "$states.result.FailureReason"
    if kind == "Processing":  # its own sentence; its FailureReason tells the exit code only
        said = f"$exists($states.result.ExitMessage) ? $states.result.ExitMessage : {said}"
    return {
        f"Why{state}": task(
            f"aws-sdk:sagemaker:describe{kind}Job",
            {f"{kind}JobName": expression(f"$run & '-{name}'")},
            f"{state}Failed",
            Assign={"reason": expression(f"$exists($states.result.FailureReason) ? ({said}) : 'it was stopped.'")},
            Catch=[
                {
                    "ErrorEquals": ["States.ALL"],
                    "Assign": {"reason": expression("$error.Cause")},
                    "Next": f"{state}Failed",
                }
            ],
        ),
        f"{state}Failed": note("Tell", outcome=FAILED, sentence=expression(f"'{begins}: ' & $reason")),
    }
