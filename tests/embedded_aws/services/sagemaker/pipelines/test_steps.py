"""Executions over jobs that a test ends as it likes: order, branches, limits, retries, caching, selection, stops."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from embedded_aws.services.sagemaker import authorization
from tests.embedded_aws.account import until
from tests.embedded_aws.services.sagemaker import calls

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.service import SageMaker
    from embedded_aws.services.sagemaker.store import Record

FAILED = "Step failure: One or multiple steps failed."
LOST = "InternalServerError: We encountered an internal error. Please try again."


class Played:
    """A pipeline's executions, whose training jobs run until they are told to end."""

    def __init__(self, client: Any, service: SageMaker) -> None:
        self.client, self.service = client, service
        self.arn = ""

    def create(self, *steps: dict[str, Any], **more: Any) -> None:
        """Create the pipeline."""
        calls.pipeline(self.client, steps=steps, **more)

    def start(self, **request: Any) -> str:
        """Start an execution; its ARN."""
        answer = self.client.start_pipeline_execution(**{"PipelineName": "pipeline", **request})
        self.arn = str(answer["PipelineExecutionArn"])
        return self.arn

    def jobs(self, step: str) -> list[Record]:
        """The training jobs that a step of the last execution has made."""
        begins = f"pipelines-{self.arn.rpartition('/')[2]}-{step}-"
        every = self.service.context.store.every()
        return [each for each in every if each.resource_type.name == "TrainingJob" and each.name.startswith(begins)]

    def job(self, step: str, number: int = 0) -> Record:
        """Wait for a step's job."""
        found: list[Record] = until(lambda: self.jobs(step)[number:], 10)
        return found[0]

    def finish(self, *steps: str, number: int = 0, status: str = "Completed", reason: str | None = None) -> None:
        """Let the jobs of these steps end so."""
        for step in steps:
            job = self.job(step, number)
            self.service.context.store.update(
                job, TrainingJobStatus=status, SecondaryStatus=status, FailureReason=reason
            )

    def steps(self) -> dict[str, dict[str, Any]]:
        """The steps by name, in the order of their start."""
        answer = self.client.list_pipeline_execution_steps(
            PipelineExecutionArn=self.arn, SortOrder="Ascending", MaxResults=100
        )
        return {each["StepName"]: each for each in answer["PipelineExecutionSteps"]}

    def statuses(self) -> dict[str, str]:
        """Their statuses."""
        return {name: each["StepStatus"] for name, each in self.steps().items()}

    def execution(self) -> dict[str, Any]:
        """What DescribePipelineExecution answers."""
        return dict(self.client.describe_pipeline_execution(PipelineExecutionArn=self.arn))

    def ended(self) -> str:
        """Wait for the end; the status."""
        running = ("Executing", "Stopping")
        until(lambda: self.execution()["PipelineExecutionStatus"] not in running, 10)
        return str(self.execution()["PipelineExecutionStatus"])


@pytest.fixture
def played(sagemaker: Any, service: SageMaker) -> Played:
    """Return one without a pipeline yet."""
    return Played(sagemaker, service)


def equal(left: Any, right: Any, **branches: Any) -> dict[str, Any]:
    """A condition step."""
    conditions = [{"Type": "Equals", "LeftValue": left, "RightValue": right}]
    return {"Name": "Decide", "Type": "Condition", "Arguments": {"Conditions": conditions, **branches}}


def test_steps_wait_for_what_they_need(played: Played) -> None:
    """What depends on nothing starts at once, the others when what they name has succeeded."""
    uri = {"Get": "Steps.A.ModelArtifacts.S3ModelArtifacts"}
    source = {"S3DataType": "S3Prefix", "S3Uri": uri}
    needs_a = {"InputDataConfig": [{"ChannelName": "c", "DataSource": {"S3DataSource": source}}]}
    played.create(
        calls.endless("A"),
        calls.endless("B", DependsOn=["A"]),
        calls.endless("C", arguments=needs_a),
        calls.endless("D"),
    )
    played.start()
    played.job("D")
    assert [*played.statuses()] == ["A", "D"]
    played.finish("A")
    channel = played.job("C").members["InputDataConfig"][0]
    assert (
        channel["DataSource"]["S3DataSource"]["S3Uri"] == played.job("A").members["ModelArtifacts"]["S3ModelArtifacts"]
    )
    played.finish("B", "C", "D")
    assert played.ended() == "Succeeded"
    assert played.statuses() == dict.fromkeys("ADBC", "Succeeded")


def test_newest_steps_come_first(played: Played) -> None:
    """Unless the request says otherwise; pages hold each once."""
    played.create(calls.endless("A"), calls.endless("B", DependsOn=["A"]))
    played.start()
    played.finish("A", "B")
    assert played.ended() == "Succeeded"
    paginator = played.client.get_paginator("list_pipeline_execution_steps")
    pages = paginator.paginate(PipelineExecutionArn=played.arn, PaginationConfig={"PageSize": 1})
    assert [[each["StepName"] for each in page["PipelineExecutionSteps"]] for page in pages] == [["B"], ["A"]]


@pytest.mark.parametrize(("right", "taken"), [(1, "Yes"), (2, "No")])
def test_a_branch_is_taken(played: Played, right: int, taken: str) -> None:
    """Only its steps run; what waits for one of the other never does, and is not listed."""
    played.create(
        equal(1, right, IfSteps=[calls.endless("Yes")], ElseSteps=[calls.endless("No")]),
        calls.endless("AfterYes", DependsOn=["Yes"]),
    )
    played.start()
    played.finish(taken)
    after = ["AfterYes"] if taken == "Yes" else []
    played.finish(*after)
    assert played.ended() == "Succeeded"
    assert [*played.statuses()] == ["Decide", taken, *after]
    assert played.steps()["Decide"]["Metadata"]["Condition"]["Outcome"] == str(right == 1)


def test_no_more_run_at_once_than_may(played: Played) -> None:
    """The execution's own limit comes before the pipeline's, and can be raised while it runs."""
    played.create(*map(calls.endless, "ABC"), ParallelismConfiguration={"MaxParallelExecutionSteps": 3})
    played.start(ParallelismConfiguration={"MaxParallelExecutionSteps": 1})
    played.job("A")
    assert [*played.statuses()] == ["A"]
    played.client.update_pipeline_execution(
        PipelineExecutionArn=played.arn,
        PipelineExecutionDisplayName="wide",
        ParallelismConfiguration={"MaxParallelExecutionSteps": 2},
    )
    played.job("B")
    assert not played.jobs("C")
    played.finish("A", "B", "C")
    assert played.ended() == "Succeeded"
    assert played.execution()["PipelineExecutionDisplayName"] == "wide"


def test_a_failure_lets_what_runs_end(played: Played) -> None:
    """Nothing new starts, and both say why; a retry repeats what did not succeed, under the same ARN."""
    played.create(calls.endless("A"), calls.endless("B"), calls.endless("C", DependsOn=["B"]))
    arn = played.start()
    played.finish("A", status="Failed", reason="AlgorithmError: bad, exit code: 1")
    until(lambda: played.statuses()["A"] == "Failed")
    assert played.execution()["PipelineExecutionStatus"] == "Executing"
    played.finish("B")
    assert played.ended() == "Failed"
    assert played.statuses() == {"A": "Failed", "B": "Succeeded"}
    assert played.steps()["A"]["FailureReason"] == "ClientError: AlgorithmError: bad, exit code: 1"
    [summary] = played.client.list_pipeline_executions(PipelineName="pipeline")["PipelineExecutionSummaries"]
    assert summary["PipelineExecutionFailureReason"] == played.execution()["FailureReason"] == FAILED
    assert played.client.retry_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionArn"] == arn
    played.finish("A", number=1)
    played.finish("C")
    assert played.ended() == "Succeeded"
    assert len(played.jobs("B")) == 1
    assert "FailureReason" not in played.execution()
    refused = calls.refusal(played.client.retry_pipeline_execution, PipelineExecutionArn=arn)
    assert refused[0] == "ValidationException"


def test_a_step_is_retried_as_its_policy_says(played: Played) -> None:
    """An internal error is tried again, three times in all; any other failure is not."""
    policy = {
        "ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"],
        "MaxAttempts": 2,
        "IntervalSeconds": 1,
        "BackoffRate": 1,
    }
    played.create(calls.endless("A", RetryPolicies=[policy]), calls.endless("B"))
    played.start()
    for number in range(3):
        played.finish("A", number=number, status="Failed", reason=LOST)
    played.finish("B")
    assert played.ended() == "Failed"
    assert played.steps()["A"]["AttemptCount"] == len(played.jobs("A")) == 3
    assert played.steps()["A"]["FailureReason"] == f"ClientError: {LOST}"


def test_a_failure_without_a_policy_says_so(played: Played) -> None:
    """AWS's words are kept, to the line end in them."""
    played.create(calls.endless("A"))
    arn = played.start()
    played.finish("A", status="Failed", reason=LOST)
    assert played.ended() == "Failed"
    assert played.steps()["A"]["FailureReason"] == (
        f"ClientError: {LOST}\nRetry not appropriate on execution of step with PipelineExecutionArn {arn} and StepId "
        "A. No retry policy configured for the exception type SAGEMAKER_JOB_INTERNAL_ERROR."
    )


def test_a_job_that_is_refused_fails_its_step(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the operation, and what it said; there is no job then."""
    monkeypatch.setattr(played.service, "_quota", lambda name, **_place: 0.0 if name.startswith("ml.") else None)
    played.create(calls.endless("A"))
    played.start()
    assert played.ended() == "Failed"
    step = played.steps()["A"]
    assert step["FailureReason"].startswith(
        "ClientError: Failed to invoke sagemaker:CreateTrainingJob. Error Details: The account-level service limit"
    )
    assert step["FailureReason"].endswith("exception type SAGEMAKER_RESOURCE_LIMIT.")
    assert step["Metadata"] == {}


def test_so_many_executions_run_at_once(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account's quota counts those of all pipelines that have not ended, and a retry as one more."""
    limits = {"Maximum number of concurrent pipeline executions allowed per account": 1.0}
    monkeypatch.setattr(played.service, "_quota", lambda name, **_place: limits.get(name))
    played.create(calls.endless("A"))
    calls.pipeline(played.client, "other")
    played.start()
    code, message = calls.refusal(played.client.start_pipeline_execution, PipelineName="other")
    assert code == "ResourceLimitExceeded"
    assert message.startswith(
        "The account-level service limit 'Maximum number of concurrent pipeline executions allowed per account' is 1 "
        "PipelineExecutions, with current utilization of 1 PipelineExecutions and a request delta of 1 "
        "PipelineExecutions."
    )
    played.finish("A")
    assert played.ended() == "Succeeded"
    failing = played.start(PipelineName="other")
    assert played.ended() == "Failed"
    played.start()
    refused = calls.refusal(played.client.retry_pipeline_execution, PipelineExecutionArn=failing)
    assert refused[0] == "ResourceLimitExceeded"


def test_so_many_pipelines_there_may_be(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is taken is told before that."""
    limits = {"Maximum number of pipelines allowed per account": 1.0}
    monkeypatch.setattr(played.service, "_quota", lambda name, **_place: limits.get(name))
    played.create()
    code, message = calls.refusal(lambda: calls.pipeline(played.client, "other"))
    assert code == "ResourceLimitExceeded"
    assert "is 1 Pipelines, with current utilization of 1 Pipelines and a request delta of 1 Pipelines" in message
    assert calls.refusal(played.create)[0] == "ValidationException"


def test_an_earlier_run_serves_again(played: Played) -> None:
    """While what its type looks at is the same, and no longer than ExpireAfter."""
    cached = {"CacheConfig": {"Enabled": True, "ExpireAfter": "PT1H"}}
    quality = {"HyperParameters": {"quality": {"Get": "Parameters.Quality"}}}
    played.create(
        calls.endless("A", arguments=quality, **cached), parameters=[{"Name": "Quality", "DefaultValue": "1"}]
    )
    first = played.start()
    played.finish("A")
    assert played.ended() == "Succeeded"
    told = played.steps()["A"]["Metadata"]
    played.start()
    assert played.ended() == "Succeeded"
    again = played.steps()["A"]
    assert again["CacheHitResult"] == {"SourcePipelineExecutionArn": first}
    assert again["Metadata"] == told
    assert not played.jobs("A")
    played.start(PipelineParameters=[{"Name": "Quality", "Value": "2"}])
    played.finish("A")
    assert played.ended() == "Succeeded"
    record = played.service.context.store.find(
        "PipelineExecution", first.partition(":pipeline/")[2], account="000000000000", region="us-east-1"
    )
    assert record
    old = {**record.members["Steps"]["A"], "EndTime": datetime(2020, 1, 1, tzinfo=UTC)}
    played.service.context.store.update(record, Steps={"A": old})
    played.start()
    played.finish("A")
    assert played.ended() == "Succeeded"
    assert "CacheHitResult" not in played.steps()["A"]


def test_selected_steps_run_on_what_another_execution_has(played: Played) -> None:
    """What they need is taken over, and listed so; what is not selected does not run."""
    played.create(
        calls.endless("A"), calls.endless("B", DependsOn=["A"]), calls.endless("C", DependsOn=["B"]), calls.endless("D")
    )
    first = played.start()
    played.finish("A", "D", "B", "C")
    assert played.ended() == "Succeeded"

    def select(*names: str, **source: str) -> dict[str, Any]:
        return {"SelectiveExecutionConfig": {"SelectedSteps": [{"StepName": name} for name in names], **source}}

    source = {"SourcePipelineExecutionArn": first}
    played.start(**select("B", **source))
    played.finish("B")
    assert played.ended() == "Succeeded"
    assert {name: each.get("SelectiveExecutionResult") for name, each in played.steps().items()} == {
        "A": source,
        "B": None,
    }
    assert played.execution()["SelectiveExecutionConfig"] == select("B", **source)["SelectiveExecutionConfig"]
    for names, arn, sentence in (
        (
            ["B"],
            {},
            "Invalid SourcePipelineExecutionArn: null. The selected steps [B] have dependencies on [A]",
        ),
        (["A", "C"], source, "The steps [B] are between selected steps and must be selected too."),
        (["X"], source, "The selected step X is not in the pipeline's definition."),
        (["B"], {"SourcePipelineExecutionArn": first[:-1] + "/"}, "has no such execution."),
    ):
        refused = calls.refusal(
            played.client.start_pipeline_execution, PipelineName="pipeline", **select(*names, **arn)
        )
        assert refused[0] == "ValidationException"
        assert refused[1].endswith(sentence)


def test_a_stop_ends_what_runs(played: Played) -> None:
    """Its jobs are stopped; it has stopped then, and can't be stopped again."""
    played.create(calls.endless("A"), calls.endless("B", DependsOn=["A"]))
    arn = played.start()
    job = played.job("A")
    played.client.stop_pipeline_execution(PipelineExecutionArn=arn)
    assert played.ended() == "Stopped"
    assert (played.statuses(), job.status) == ({"A": "Stopped"}, "Stopped")
    assert calls.refusal(played.client.stop_pipeline_execution, PipelineExecutionArn=arn)[0] == "ValidationException"
    played.client.delete_pipeline(PipelineName="pipeline")
    gone = calls.refusal(played.client.describe_pipeline_execution, PipelineExecutionArn=arn)
    assert gone == ("ResourceNotFound", f"Pipeline execution '{arn}' does not exist.")


def test_a_fail_step_stops_the_others(played: Played) -> None:
    """What runs beside it ends with the execution."""
    played.create(calls.endless("A"), {"Name": "Stop", "Type": "Fail", "Arguments": {}})
    played.start()
    assert played.ended() == "Failed"
    assert played.statuses() == {"A": "Stopped", "Stop": "Failed"}
    assert "FailureReason" not in played.steps()["Stop"]
    assert played.steps()["Stop"]["Metadata"] == {"Fail": {"ErrorMessage": ""}}


def test_one_token_starts_one_execution(played: Played) -> None:
    """The same request again answers with the same ARN; another one with the token is refused."""
    played.create()
    token = {"ClientRequestToken": "t" * 32}
    assert played.start(**token) == played.start(**token)
    refused = calls.refusal(
        played.client.start_pipeline_execution, PipelineName="pipeline", PipelineExecutionDisplayName="x", **token
    )
    assert refused[0] == "ConflictException"
    assert len(played.client.list_pipeline_executions(PipelineName="pipeline")["PipelineExecutionSummaries"]) == 1


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("Nothing", "1", "Unknown parameter 'Nothing'. The pipeline has: Text, Count, Share, Truth, Color."),
        ("Count", "two", "Unexpected type for parameter 'Count'. Expected Integer but found \"two\"."),
        ("Share", "half", "Unexpected type for parameter 'Share'. Expected Float but found \"half\"."),
        ("Truth", "yes", "Unexpected type for parameter 'Truth'. Expected Boolean but found \"yes\"."),
        ("Color", "green", "The parameter Color is \"green\". It must be one of ['red', 'blue']."),
        ("Text", "", '[string "" is too short (length: 0, required minimum: 1)]'),
    ],
)
def test_a_value_that_is_refused(played: Played, name: str, value: str, sentence: str) -> None:
    """It is told before anything starts."""
    played.create(
        parameters=[
            {"Name": "Text", "DefaultValue": "a"},
            {"Name": "Count", "Type": "Integer", "DefaultValue": 1},
            {"Name": "Share", "Type": "Float", "DefaultValue": 0.5},
            {"Name": "Truth", "Type": "Boolean", "DefaultValue": True},
            {"Name": "Color", "EnumValues": ["red", "blue"], "DefaultValue": "red"},
        ]
    )
    given = [{"Name": name, "Value": value}]
    refused = calls.refusal(played.client.start_pipeline_execution, PipelineName="pipeline", PipelineParameters=given)
    assert refused == ("ValidationException", sentence)
    assert played.client.list_pipeline_executions(PipelineName="pipeline")["PipelineExecutionSummaries"] == []


def test_parameters_and_definition_of_an_execution(played: Played) -> None:
    """The parameters that were given are told; a value is needed where there is no default; the definition stays."""
    played.create(parameters=[{"Name": "Text"}, {"Name": "Count", "Type": "Integer", "DefaultValue": 1}])
    refused = calls.refusal(played.client.start_pipeline_execution, PipelineName="pipeline")
    assert refused[1] == "Parameter 'Text' is undefined. It has no default: give it a value."
    arn = played.start(PipelineParameters=[{"Name": "Text", "Value": "a"}], PipelineExecutionDescription="mine")
    assert played.ended() == "Failed"
    listed = played.client.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)
    assert listed["PipelineParameters"] == [{"Name": "Text", "Value": "a"}]
    definition = played.client.describe_pipeline(PipelineName="pipeline")["PipelineDefinition"]
    other = definition.replace("enough", "too much")
    played.client.update_pipeline(PipelineName="pipeline", PipelineDefinition=other)
    told = played.client.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)
    assert told["PipelineDefinition"] == definition
    told = played.execution()
    assert told["PipelineExecutionDescription"] == "mine"
    assert told["PipelineExecutionDisplayName"].startswith("execution-")


class Denied:
    """A role that may do nothing but this."""

    def __init__(self, *allowed: str) -> None:
        self.allowed = allowed

    def refusal(self, action: str, resource: str, context: Any, resource_policy: str | None = None) -> str | None:
        """Return the sentence of what is not allowed."""
        del context, resource_policy
        return None if action in self.allowed else f"User: role is not authorized to perform: {action} on {resource}"


def _always(role: Denied, _arn: str) -> Denied:
    return role


def test_steps_act_as_the_pipelines_role(played: Played) -> None:
    """What the role may not do fails the step, with AWS's words; AddTags and PassRole are needed too."""
    provider = played.service._providers["PipelineExecution"]
    allowed = ("sagemaker:CreateTrainingJob", "sagemaker:AddTags", "iam:PassRole")
    played.create(calls.endless("A"))
    for number, missing in enumerate((*allowed, None)):
        role = Denied(*(action for action in allowed if action != missing))
        provider.context = dataclasses.replace(provider.context, principal_of=partial(_always, role))
        played.start()
        if missing is None:
            played.finish("A")
            assert played.ended() == "Succeeded"
        else:
            assert played.ended() == "Failed", number
            reason = "ClientError: Failed to invoke sagemaker:CreateTrainingJob. Error Details: User: role is not "
            assert played.steps()["A"]["FailureReason"].startswith(f"{reason}authorized to perform: {missing} on arn:")


PIPELINE = f"{calls.ARN}:pipeline/Mine"
EXECUTION = f"{PIPELINE}/execution/abcdefghijkl"


@pytest.mark.parametrize(
    ("operation", "request_", "resources"),
    [
        ("CreatePipeline", {"PipelineName": "Mine", "RoleArn": calls.ROLE}, [PIPELINE, calls.ROLE]),
        ("DescribePipeline", {"PipelineName": PIPELINE}, [PIPELINE]),
        ("ListPipelineVersions", {"PipelineName": "Mine"}, [PIPELINE]),
        ("UpdatePipelineVersion", {"PipelineArn": PIPELINE, "PipelineVersionId": 2}, [PIPELINE]),
        ("ListPipelines", {}, ["*"]),
        ("StartPipelineExecution", {"PipelineName": "Mine"}, [PIPELINE]),
        ("ListPipelineExecutions", {"PipelineName": "Mine"}, [PIPELINE]),
        ("StopPipelineExecution", {"PipelineExecutionArn": EXECUTION}, [EXECUTION]),
        ("ListPipelineParametersForExecution", {"PipelineExecutionArn": EXECUTION}, [EXECUTION]),
        ("SendPipelineExecutionStepSuccess", {"CallbackToken": "abcdefghij"}, ["*"]),
    ],
)
def test_what_a_request_needs(
    service: SageMaker, operation: str, request_: dict[str, Any], resources: list[str]
) -> None:
    """Its own action on the pipeline or the execution, and PassRole for the pipeline's role."""
    needed = [
        *authorization.required_permissions(
            operation, request_, service.context.store, account="000000000000", region="us-east-1"
        )
    ]
    assert [each.resource for each in needed] == resources
    assert [each.action for each in needed] == [f"sagemaker:{operation}", "iam:PassRole"][: len(needed)]
