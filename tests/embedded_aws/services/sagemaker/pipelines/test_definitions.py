"""Definitions are checked when a pipeline is created or updated: what can't be carried out is refused in a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.embedded_aws.services.sagemaker import calls

PARSE = "Unable to parse pipeline definition. "
FAIL = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "enough"}}


def step(name: str = "Train", kind: str = "Training", **more: Any) -> dict[str, Any]:
    """A step with these arguments alone."""
    members = {key: more.pop(key) for key in [*more] if key[:1].isupper()}
    return {"Name": name, "Type": kind, "Arguments": more.pop("arguments", {}), **members}


def condition(*conditions: Any, **more: Any) -> dict[str, Any]:
    """A condition step."""
    return {"Name": "Decide", "Type": "Condition", "Arguments": {"Conditions": [*conditions], **more}}


def get(path: str) -> dict[str, str]:
    """A reference."""
    return {"Get": path}


def channel(uri: Any) -> list[dict[str, Any]]:
    """InputDataConfig."""
    return [{"ChannelName": "c", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}]


NUMBER = [{"Name": "Count", "Type": "Integer", "DefaultValue": 1}]
EQUAL = {"Type": "Equals", "LeftValue": 1, "RightValue": 1}
WRONG: dict[str, tuple[list[Any], str]] = {
    "an argument's unknown member": ([step(arguments={"Wrong": 1})], PARSE + "Unknown Argument member 'Wrong'."),
    "a list that is none": ([step(arguments={"InputDataConfig": {}})], PARSE + "Expecting start of Json Array."),
    "a structure that is none": ([step(arguments={"ResourceConfig": "x"})], PARSE + "Expecting start of Json Object."),
    "a value of another type": (
        [step(arguments={"RoleArn": 7})],
        PARSE + "NUMBER_VALUE can not be converted to a String",
    ),
    "a value that an enum has not": (
        [
            step(
                kind="Processing",
                arguments={"ProcessingInputs": [{"InputName": "a", "S3Input": {"S3InputMode": "FastFile"}}]},
            )
        ],
        PARSE
        + "Model Validation failed: Value 'FastFile' for 'ProcessingS3InputMode' failed to satisfy enum value set: "
        "[Pipe, File]",
    ),
    "what the embedded AWS has not": (
        [step(arguments={"VpcConfig": {"Subnets": ["s"], "SecurityGroupIds": ["g"]}})],
        "The step Train: The embedded AWS does not offer VpcConfig; do this on AWS.",
    ),
    "a type of step that it has not": (
        [step(kind="EMR")],
        "The embedded AWS does not offer the step type EMR (step Train); do this on AWS.",
    ),
    "a dependency's trigger": (
        [FAIL, step(DependsOn=[{"Step": "Stop", "Trigger": "Failed"}])],
        "The embedded AWS does not offer DependsOn with the trigger Failed (step Train); do this on AWS.",
    ),
    "a dependency that is not there": (
        [step(DependsOn=["Nothing"])],
        PARSE + "The step Train depends on Nothing, and there is no step of that name.",
    ),
    "a dependency on a Fail step": ([FAIL, step(DependsOn=["Stop"])], PARSE + "Train can not depends on Stop"),
    "a cycle": (
        [step("A", DependsOn=["B"]), step("B", DependsOn=["C"]), step("C", DependsOn=["A"])],
        PARSE + "Its steps depend on each other in a cycle, which the step A is in.",
    ),
    "a cycle through references": (
        [
            step("A", arguments={"InputDataConfig": channel(get("Steps.B.ModelArtifacts.S3ModelArtifacts"))}),
            step("B", arguments={"InputDataConfig": channel(get("Steps.A.ModelArtifacts.S3ModelArtifacts"))}),
        ],
        PARSE + "Its steps depend on each other in a cycle, which the step A is in.",
    ),
    "a parameter that is not there": (
        [step(arguments={"RoleArn": get("Parameters.Role")})],
        PARSE + "The step Train refers to Parameters.Role, and there is no parameter Role.",
    ),
    "a parameter of another type": (
        [step(arguments={"RoleArn": get("Parameters.Count")})],
        PARSE + "Cannot assign property reference [Parameters.Count] to argument of type [String]",
    ),
    "a step that is not there": (
        [step(arguments={"RoleArn": get("Steps.Nothing.RoleArn")})],
        PARSE + "The step Train refers to Steps.Nothing.RoleArn, and there is no step Nothing.",
    ),
    "a property that is not there": (
        [step("A"), step("B", arguments={"RoleArn": get("Steps.A.ModelArtifact")})],
        PARSE + "The step B refers to Steps.A.ModelArtifact: ModelArtifact is no property of a Training step.",
    ),
    "an execution variable that is not there": (
        [step(arguments={"RoleArn": get("Execution.Owner")})],
        PARSE + "The step Train refers to Execution.Owner, and there is no execution variable Owner.",
    ),
    "a reference to nothing known": (
        [step(arguments={"RoleArn": get("Secrets.Key")})],
        PARSE + "The reference Secrets.Key of the step Train must begin with Parameters., Steps. or Execution.",
    ),
    "a property file that is not there": (
        [
            step("Prepare", "Processing"),
            step(
                arguments={
                    "RoleArn": {"Std:JsonGet": {"PropertyFile": get("Steps.Prepare.PropertyFiles.R"), "Path": "a"}}
                }
            ),
        ],
        PARSE + "The step Train refers to Steps.Prepare.PropertyFiles.R: the step Prepare has no such property file.",
    ),
    "an output that is not there": (
        [step("F", "Lambda", FunctionArn="arn"), step(arguments={"RoleArn": get("Steps.F.OutputParameters['x']")})],
        PARSE + "The step Train refers to Steps.F.OutputParameters['x']: the step F has no such output parameter.",
    ),
    "a condition's unknown member": (
        [condition({"Type": "Not", "Expression": EQUAL})],
        PARSE + "Cannot parse object, unknown property 'Expression'.",
    ),
    "nested conditions": (
        [condition(EQUAL, IfSteps=[{**condition(EQUAL), "Name": "Inner"}])],
        PARSE
        + "The condition step Inner is in a branch of the condition step Decide. Condition steps can't be nested.",
    ),
    "a name given twice": (
        [step(), step()],
        PARSE + "The step name Train is given twice. Step names must be unique in a pipeline.",
    ),
    "a name that is none": ([step("a b")], PARSE + "The step name 'a b' must match [A-Za-z0-9_-]{1,64}."),
    "no duration": (
        [step(CacheConfig={"Enabled": True, "ExpireAfter": "soon"})],
        PARSE
        + "CacheConfig of the step Train has the ExpireAfter 'soon', which is no duration of ISO 8601, such as PT1H "
        "or 30d.",
    ),
    "two ends of a retry": (
        [step(RetryPolicies=[{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 2, "ExpireAfterMin": 2}])],
        PARSE + "MaxAttempts and ExpireAfterMin of a retry policy of the step Train are both given. Give one of them.",
    ),
    "a callback without a queue": (
        [step("Ask", "Callback")],
        PARSE + "The Callback step Ask needs the property 'SqsQueueUrl'.",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_definition_that_is_refused(sagemaker: Any, what: str) -> None:
    """The sentence says which step, what of it, and the rule; nothing is created."""
    steps, sentence = WRONG[what]
    refused = calls.refusal(lambda: calls.pipeline(sagemaker, steps=steps, parameters=NUMBER))
    assert refused == ("ValidationException", sentence)
    assert sagemaker.list_pipelines()["PipelineSummaries"] == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[]", "Expecting start of Json Object."),
        ('{"Steps": {}}', "Expecting start of Json Array."),
        ('{"Steps": []}', "It needs Steps, at least one."),
        ('{"Steps": [], "Color": 1}', "Cannot parse object, unknown property 'Color'."),
        ('{"Version": "2019-01-01", "Steps": []}', "Version '2019-01-01' is not supported. It must be 2020-12-01."),
        ("{", "It is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)."),
    ],
)
def test_a_text_that_is_no_definition(sagemaker: Any, text: str, sentence: str) -> None:
    """It is refused by what is wrong in it, at an update too, which changes nothing then."""
    refused = calls.refusal(lambda: calls.pipeline(sagemaker, PipelineDefinition=text))
    assert refused == ("ValidationException", PARSE + sentence)
    calls.pipeline(sagemaker)
    before = sagemaker.describe_pipeline(PipelineName="pipeline")
    refused = calls.refusal(sagemaker.update_pipeline, PipelineName="pipeline", PipelineDefinition=text)
    assert refused == ("ValidationException", PARSE + sentence)
    after = sagemaker.describe_pipeline(PipelineName="pipeline")
    assert {**after, "ResponseMetadata": {}} == {**before, "ResponseMetadata": {}}


@pytest.mark.parametrize(
    ("parameter", "sentence"),
    [
        (
            {"Name": "P", "Type": "Date"},
            "The parameter P has the type 'Date'. It is one of String, Integer, Float, Boolean.",
        ),
        (
            {"Name": "P", "Type": "Integer", "DefaultValue": "1"},
            "The DefaultValue of the parameter P is not of its type, Integer.",
        ),
        (
            {"Name": "P", "Type": "Integer", "DefaultValue": True},
            "The DefaultValue of the parameter P is not of its type, Integer.",
        ),
        ({"Name": "Count"}, "The parameter Count is given twice."),
    ],
)
def test_a_parameter_that_is_refused(sagemaker: Any, parameter: dict[str, Any], sentence: str) -> None:
    """A declaration names its type, and its default is of it."""
    refused = calls.refusal(lambda: calls.pipeline(sagemaker, parameters=[*NUMBER, parameter]))
    assert refused == ("ValidationException", PARSE + sentence)


def test_a_definition_is_given_once(sagemaker: Any) -> None:
    """In the request or in S3, in one of them."""
    place = {"Bucket": "bucket", "ObjectKey": "key"}
    both = calls.refusal(lambda: calls.pipeline(sagemaker, PipelineDefinitionS3Location=place))
    assert both[1] == "Both Pipeline Definition and Pipeline Definition S3 Location shouldn't be present"
    none = calls.refusal(sagemaker.create_pipeline, PipelineName="pipeline", RoleArn=calls.ROLE)
    assert none[1] == "Either Pipeline Definition or Pipeline Definition S3 location should be provided"


def test_a_pipeline_is_told_as_it_was_given(sagemaker: Any) -> None:
    """Its definition to the letter, its display name its name unless it has one; it is found by its ARN too."""
    request = {"PipelineDescription": "first", "ClientRequestToken": "t" * 32}
    arn = calls.pipeline(sagemaker, "Mine", **request)["PipelineArn"]
    assert calls.pipeline(sagemaker, "Mine", **request)["PipelineArn"] == arn  # a request that comes again
    told = sagemaker.describe_pipeline(PipelineName=arn)
    assert (told["PipelineName"], told["PipelineDisplayName"], told["PipelineStatus"]) == ("Mine", "Mine", "Active")
    assert json.loads(told["PipelineDefinition"])["Steps"] == [FAIL]
    sagemaker.update_pipeline(
        PipelineName="Mine", PipelineDisplayName="Ours", ParallelismConfiguration={"MaxParallelExecutionSteps": 3}
    )
    told = sagemaker.describe_pipeline(PipelineName="Mine")
    assert (told["PipelineDisplayName"], told["PipelineDescription"]) == ("Ours", "first")
    assert told["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 3}
    sagemaker.delete_pipeline(PipelineName="Mine")
    assert sagemaker.list_pipelines()["PipelineSummaries"] == []
