"""Pipelines that the embedded AWS really carries out: jobs, functions, queues, and what references bring from each."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from tests import functions
from tests.embedded_aws.account import (
    BUCKET,
    CLUSTER,
    INFERENCE_IMAGE,
    TRAINING_IMAGE,
    Account,
    answering,
    archive,
    python,
    sinks,
    until,
)
from tests.embedded_aws.services.sagemaker import calls

if TYPE_CHECKING:
    from collections.abc import Callable

Steps = dict[str, dict[str, Any]]


def get(path: str) -> dict[str, str]:
    """A reference."""
    return {"Get": path}


def join(*values: Any, on: str = "") -> dict[str, Any]:
    """A Std:Join."""
    return {"Std:Join": {"On": on, "Values": list(values)}}


def processing(account: Account, name: str, code: str, **more: Any) -> dict[str, Any]:
    """A processing step that runs this code."""
    arguments = {
        "RoleArn": account.role,
        "AppSpecification": {"ImageUri": TRAINING_IMAGE, "ContainerEntrypoint": python(code)},
        "ProcessingResources": {"ClusterConfig": CLUSTER},
        **more.pop("arguments", {}),
    }
    return {"Name": name, "Type": "Processing", "Arguments": arguments, **more}


def training(account: Account, name: str, code: str, **more: Any) -> dict[str, Any]:
    """A training step that runs this code."""
    algorithm = {"TrainingImage": TRAINING_IMAGE, "TrainingInputMode": "File", "ContainerEntrypoint": python(code)}
    arguments = {
        "RoleArn": account.role,
        "AlgorithmSpecification": algorithm,
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/pipelines"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 120},
        **more.pop("arguments", {}),
    }
    return {"Name": name, "Type": "Training", "Arguments": arguments, **more}


def create(account: Account, *steps: dict[str, Any], parameters: Any = ()) -> str:
    """Create a pipeline of these steps; its name."""
    name = f"pipeline-{uuid.uuid4().hex[:8]}"
    definition = {"Version": "2020-12-01", "Parameters": list(parameters), "Steps": list(steps)}
    account.sagemaker.create_pipeline(
        PipelineName=name, PipelineDefinition=json.dumps(definition), RoleArn=account.role
    )
    return name


def ended(account: Account, arn: str) -> dict[str, Any]:
    """Wait for an execution's end; what DescribePipelineExecution answers then."""

    def look() -> dict[str, Any] | None:
        answer: dict[str, Any] = account.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        return None if answer["PipelineExecutionStatus"] in ("Executing", "Stopping") else answer

    return dict(until(look, 120))


def run(account: Account, name: str, **request: Any) -> tuple[dict[str, Any], Steps]:
    """Run a pipeline to its end; its execution and its steps by name."""
    arn = account.sagemaker.start_pipeline_execution(PipelineName=name, **request)["PipelineExecutionArn"]
    return ended(account, arn), steps_of(account, arn)


def steps_of(account: Account, arn: str) -> Steps:
    """The steps of an execution by name, in the order in which they started."""
    answer = account.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Ascending")
    return {each["StepName"]: each for each in answer["PipelineExecutionSteps"]}


def test_a_pipeline_prepares_trains_and_decides(account: Account) -> None:
    """Each step's outputs reach the next; a property file decides; the branch that is taken runs, the other never."""
    prepare = processing(
        account,
        "Prepare",
        "import json, pathlib, sys; folder = pathlib.Path('/opt/ml/processing/report');"
        "(folder / 'report.json').write_text(json.dumps({'score': {'value': float(sys.argv[1])}}))",
        arguments={
            "AppSpecification": {
                "ImageUri": TRAINING_IMAGE,
                "ContainerEntrypoint": python(
                    "import json, pathlib, sys; folder = pathlib.Path('/opt/ml/processing/report');"
                    "(folder / 'report.json').write_text(json.dumps({'score': {'value': float(sys.argv[1])}}))"
                ),
                "ContainerArguments": [join(get("Parameters.Score"))],
            },
            "ProcessingOutputConfig": sinks(report=f"s3://{BUCKET}/reports"),
        },
        PropertyFiles=[{"PropertyFileName": "Report", "OutputName": "report", "FilePath": "report.json"}],
    )
    prepare["Arguments"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"] = join(
        f"s3://{BUCKET}/reports", get("Execution.PipelineExecutionId"), on="/"
    )
    channel = {
        "S3DataType": "S3Prefix",
        "S3Uri": get("Steps.Prepare.ProcessingOutputConfig.Outputs['report'].S3Output.S3Uri"),
    }
    train = training(
        account,
        "Train",
        "import pathlib; pathlib.Path('/opt/ml/model/m').write_bytes("
        "pathlib.Path('/opt/ml/input/data/training/report.json').read_bytes())",
        arguments={"InputDataConfig": [{"ChannelName": "training", "DataSource": {"S3DataSource": channel}}]},
    )
    score = {"Std:JsonGet": {"PropertyFile": get("Steps.Prepare.PropertyFiles.Report"), "Path": "score.value"}}
    decide = {
        "Name": "Decide",
        "Type": "Condition",
        "DependsOn": ["Train"],
        "Arguments": {
            "Conditions": [{"Type": "GreaterThanOrEqualTo", "LeftValue": score, "RightValue": 0.5}],
            "IfSteps": [processing(account, "Good", "print(1)")],
            "ElseSteps": [
                {
                    "Name": "Bad",
                    "Type": "Fail",
                    "Arguments": {
                        "ErrorMessage": join(
                            "no: ", get("Steps.Train.ModelArtifacts.S3ModelArtifacts"), " ", get("Steps.Decide.Outcome")
                        )
                    },
                }
            ],
        },
    }
    name = create(account, prepare, train, decide, parameters=[{"Name": "Score", "Type": "Float", "DefaultValue": 0.9}])
    good, steps = run(account, name)
    assert (good["PipelineExecutionStatus"], good.get("FailureReason")) == ("Succeeded", None)
    assert {step: each["StepStatus"] for step, each in steps.items()} == dict.fromkeys(
        ("Prepare", "Train", "Decide", "Good"), "Succeeded"
    )
    assert steps["Decide"]["Metadata"] == {"Condition": {"Outcome": "True"}}
    job = steps["Train"]["Metadata"]["TrainingJob"]["Arn"]
    trained = account.sagemaker.describe_training_job(TrainingJobName=job.rpartition("/")[2])
    execution = good["PipelineExecutionArn"].rpartition("/")[2]
    assert trained["TrainingJobName"].startswith(f"pipelines-{execution}-Train-")
    tags = account.sagemaker.list_tags(ResourceArn=job)["Tags"]
    assert tags == [{"Key": "sagemaker:pipeline-execution-arn", "Value": good["PipelineExecutionArn"]}]

    bad, steps = run(account, name, PipelineParameters=[{"Name": "Score", "Value": "0.25"}])
    assert bad["PipelineExecutionStatus"] == "Failed"
    assert bad["FailureReason"] == "Step failure: One or multiple steps failed."
    assert [*steps] == ["Prepare", "Train", "Decide", "Bad"]
    reason = steps["Bad"]["FailureReason"]
    assert reason.startswith(f"no: s3://{BUCKET}/pipelines/pipelines-")
    assert reason.endswith("/output/model.tar.gz false")
    assert steps["Bad"]["Metadata"] == {"Fail": {"ErrorMessage": reason}}


STEPS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["lambda:InvokeFunction", "sqs:SendMessage"], "Resource": "*"}],
}
FUNCTION = """
def handler(event, _context):
    if event["count"] == 0:
        raise ValueError("nothing to do")
    return {"total": event["count"] * 2, "uri": "s3://" + event["bucket"], "more": "unused"}
"""


def test_a_function_and_a_queue(account: Account, client: Callable[[str], Any]) -> None:
    """A Lambda step's outputs reach a callback step's message, whose answer's outputs reach the next step."""
    lambdas, sqs = client("lambda"), client("sqs")
    arn = functions.make(lambdas, "pipeline-step", role=account.role, source=FUNCTION)
    account.iam.put_role_policy(RoleName="execution", PolicyName="steps", PolicyDocument=json.dumps(STEPS))
    url = sqs.create_queue(QueueName="pipeline-steps")["QueueUrl"]
    function = {
        "Name": "Count",
        "Type": "Lambda",
        "FunctionArn": arn,
        "Arguments": {"count": get("Parameters.Count"), "bucket": BUCKET},
        "OutputParameters": [
            {"OutputName": "total", "OutputType": "Integer"},
            {"OutputName": "uri", "OutputType": "String"},
        ],
    }
    ask = {
        "Name": "Ask",
        "Type": "Callback",
        "SqsQueueUrl": url,
        "Arguments": {"total": get("Steps.Count.OutputParameters['total']"), "plan": "a"},
        "OutputParameters": [{"OutputName": "answer", "OutputType": "Float"}],
    }
    decide = {
        "Name": "Decide",
        "Type": "Condition",
        "Arguments": {
            "Conditions": [
                {"Type": "LessThan", "LeftValue": get("Steps.Ask.OutputParameters['answer']"), "RightValue": 1}
            ]
        },
    }
    name = create(account, function, ask, decide, parameters=[{"Name": "Count", "Type": "Integer", "DefaultValue": 3}])
    sagemaker = account.sagemaker
    execution = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    message = _received(sqs, url)
    assert {**message, "token": ""} == {
        "token": "",
        "pipelineExecutionArn": execution,
        "arguments": {"total": 6, "plan": "a"},
        "status": "Executing",
    }
    told = steps_of(account, execution)
    assert told["Count"]["Metadata"]["Lambda"] == {
        "Arn": arn,
        "OutputParameters": [{"Name": "total", "Value": "6"}, {"Name": "uri", "Value": f"s3://{BUCKET}"}],
    }
    assert told["Ask"]["Metadata"]["Callback"] == {"CallbackToken": message["token"], "SqsQueueUrl": url}
    outputs = [{"Name": "answer", "Value": "0.5"}]
    answer = {"CallbackToken": message["token"], "OutputParameters": outputs}
    assert sagemaker.send_pipeline_execution_step_success(**answer)["PipelineExecutionArn"] == execution
    assert ended(account, execution)["PipelineExecutionStatus"] == "Succeeded"
    told = steps_of(account, execution)
    assert told["Ask"]["Metadata"]["Callback"]["OutputParameters"] == outputs
    assert told["Decide"]["Metadata"]["Condition"]["Outcome"] == "True"
    refused = calls.refusal(sagemaker.send_pipeline_execution_step_success, **answer)
    assert refused == ("ValidationException", "Step Ask is already in a terminal status, Succeeded.")

    # What the function raises fails the step.
    failed, told = run(account, name, PipelineParameters=[{"Name": "Count", "Value": "0"}])
    assert failed["PipelineExecutionStatus"] == "Failed"
    assert told["Count"]["FailureReason"] == f"ClientError: The Lambda function {arn} failed: nothing to do"

    # A stop asks the queue's reader, and waits for the answer.
    execution = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    token = _received(sqs, url)["token"]
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=execution)
    assert _received(sqs, url) == {**message, "token": token, "pipelineExecutionArn": execution, "status": "Stopping"}
    until(lambda: steps_of(account, execution)["Ask"]["StepStatus"] == "Stopping")  # after the message
    sagemaker.send_pipeline_execution_step_failure(CallbackToken=token, FailureReason="put away")
    assert ended(account, execution)["PipelineExecutionStatus"] == "Failed"
    assert steps_of(account, execution)["Ask"]["FailureReason"] == "put away"


def _received(sqs: Any, url: str) -> dict[str, Any]:
    """Wait for a message; its body."""

    def receive() -> Any:
        return sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages")

    [message] = until(receive)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return dict(json.loads(message["Body"]))


def test_what_is_missing_fails_its_step(account: Account) -> None:
    """A file that is not there, or has not what is asked of it, is told with its place."""
    uri = account.put("pipelines/values.json", b'{"a": [1]}')
    for path, where, sentence in (
        ("a[0]", uri, ""),
        ("b", uri, f"ClientError: {uri} has nothing at the path b."),
        (
            "a",
            f"s3://{BUCKET}/pipelines/nothing.json",
            f"ClientError: s3://{BUCKET}/pipelines/nothing.json can't be read:",
        ),
    ):
        value = {"Std:JsonGet": {"S3Uri": join(where), "Path": path}}
        decide = {
            "Name": "Decide",
            "Type": "Condition",
            "Arguments": {"Conditions": [{"Type": "In", "QueryValue": value, "Values": [1, 2]}]},
        }
        _, steps = run(account, create(account, decide))
        reason = steps["Decide"].get("FailureReason", "")
        assert reason.startswith(sentence)
        assert bool(reason) == bool(sentence)


def test_a_definition_in_s3(account: Account) -> None:
    """It is read from there when the pipeline is created; one that can't be read is refused."""
    definition = json.dumps({"Version": "2020-12-01", "Steps": [{"Name": "Stop", "Type": "Fail", "Arguments": {}}]})
    key = account.put("pipelines/definition.json", definition.encode()).partition(f"{BUCKET}/")[2]
    request = {"PipelineName": "from-s3", "RoleArn": account.role}
    place = {"Bucket": BUCKET, "ObjectKey": key}
    account.sagemaker.create_pipeline(**request, PipelineDefinitionS3Location=place)
    assert account.sagemaker.describe_pipeline(PipelineName="from-s3")["PipelineDefinition"] == definition
    nowhere = {"Bucket": BUCKET, "ObjectKey": "pipelines/nowhere.json"}
    refused = calls.refusal(account.sagemaker.update_pipeline, **request, PipelineDefinitionS3Location=nowhere)
    assert refused[0] == "ValidationException"
    assert refused[1].startswith(f"The pipeline definition s3://{BUCKET}/pipelines/nowhere.json can't be read: ")


def test_a_model_is_made_transforms_and_is_registered(account: Account) -> None:
    """A transform step has the model's name by reference; a group of model packages that is not there is made."""
    model = account.put("pipelines/model.tar.gz", archive(answering(2.0)))
    rows = account.put("pipelines/rows/one.csv", b"1,2,3\n")
    container = {"Image": INFERENCE_IMAGE, "ModelDataUrl": get("Parameters.Model")}
    steps = [
        {
            "Name": "Create",
            "Type": "Model",
            "Arguments": {"PrimaryContainer": container, "ExecutionRoleArn": account.role},
        },
        {
            "Name": "Transform",
            "Type": "Transform",
            "Arguments": {
                "ModelName": get("Steps.Create.ModelName"),
                "TransformInput": {
                    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": rows}},
                    "ContentType": "text/csv",
                },
                "TransformOutput": {"S3OutputPath": f"s3://{BUCKET}/pipelines/scores"},
                "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
            },
        },
        {
            "Name": "Register",
            "Type": "RegisterModel",
            "Arguments": {
                "ModelPackageGroupName": "pipelines-own",
                "InferenceSpecification": {
                    "Containers": [{**container, "ModelDataUrl": get("Steps.Create.PrimaryContainer.ModelDataUrl")}],
                    "SupportedContentTypes": ["text/csv"],
                    "SupportedResponseMIMETypes": ["application/json"],
                },
                "ModelApprovalStatus": "PendingManualApproval",
                "ModelPackageDescription": join("of", get("Steps.Create.ModelName"), on=" "),
            },
        },
    ]
    execution, told = run(account, create(account, *steps, parameters=[{"Name": "Model", "DefaultValue": model}]))
    assert execution["PipelineExecutionStatus"] == "Succeeded", told
    name = told["Create"]["Metadata"]["Model"]["Arn"].rpartition("/")[2]
    assert account.sagemaker.describe_model(ModelName=name)["PrimaryContainer"]["ModelDataUrl"] == model
    assert told["Transform"]["Metadata"]["TransformJob"]["Arn"].rpartition("/")[2].startswith("pipelines-")
    assert json.loads(account.get(f"s3://{BUCKET}/pipelines/scores/one.csv.out")) == {"predictions": [[12.0]]}
    arn = told["Register"]["Metadata"]["RegisterModel"]["Arn"]
    version = account.sagemaker.describe_model_package(ModelPackageName=arn)
    assert (version["ModelPackageVersion"], version["ModelPackageDescription"].lower()) == (1, f"of {name}")
    assert version["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] == model
    assert version["ModelApprovalStatus"] == "PendingManualApproval"


def test_a_tuning_step_tells_its_best(account: Account) -> None:
    """The jobs' names are there by reference, the best first; its own name has AWS's other form."""
    metrics = [{"Name": "score", "Regex": "score=(.*)"}]
    code = (
        "import json; given = json.load(open('/opt/ml/input/config/hyperparameters.json'));"
        "print('score=' + given['quality'], flush=True)"
    )
    arguments = {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Grid",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": {"MaxParallelTrainingJobs": get("Parameters.Parallel")},
            "ParameterRanges": {"CategoricalParameterRanges": [{"Name": "quality", "Values": ["1", "2"]}]},
        },
        "TrainingJobDefinition": training(account, "", code)["Arguments"],
    }
    arguments["TrainingJobDefinition"]["AlgorithmSpecification"]["MetricDefinitions"] = metrics
    del arguments["TrainingJobDefinition"]["AlgorithmSpecification"]["ContainerEntrypoint"]
    arguments["TrainingJobDefinition"]["StaticHyperParameters"] = account.source({"train.py": code.encode()})
    tune = {"Name": "HPTuning-long", "Type": "Tuning", "Arguments": arguments}
    say = {
        "Name": "Say",
        "Type": "Fail",
        "Arguments": {
            "ErrorMessage": join(
                get("Steps.HPTuning-long.BestTrainingJob.TrainingJobName"),
                get("Steps.HPTuning-long.TrainingJobSummaries[0].TrainingJobName"),
                get("Steps.HPTuning-long.TrainingJobSummaries[1].TrainingJobName"),
                on=" ",
            )
        },
    }
    name = create(account, tune, say, parameters=[{"Name": "Parallel", "Type": "Integer", "DefaultValue": 2}])
    execution, told = run(account, name)
    job = told["HPTuning-long"]["Metadata"]["TuningJob"]["Arn"].rpartition("/")[2]
    identifier = execution["PipelineExecutionArn"].rpartition("/")[2]
    assert job.startswith(f"{identifier}-hptuning-")
    best, first, second = told["Say"]["FailureReason"].split()
    assert best == first != second
    assert account.sagemaker.describe_training_job(TrainingJobName=first)["HyperParameters"]["quality"] == "2"
