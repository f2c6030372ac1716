"""Transform jobs send what lies in S3 through the model and write its answers where AWS writes them."""

from __future__ import annotations

import functools
import gzip
import json
import uuid
from typing import TYPE_CHECKING

import boto3
import botocore.exceptions
import pytest

from embedded_aws.services.sagemaker.transform.association import Association
from embedded_aws.services.sagemaker.transform.invocations import TransformError
from tests.embedded_aws.account import BUCKET, Account, answering, until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from embedded_aws.gateway import Gateway

    SavedModel = Callable[[float], dict[str, bytes]]

GROUP = "/aws/sagemaker/TransformJobs"
RESOURCES = {"InstanceType": "ml.m5.large", "InstanceCount": 1}
HANDLER = b"""
import os, time

def handler(data, context):
    text = data.read().decode()
    if "sleep" in text:
        time.sleep(60)
    print("payload", repr(text), context.accept_header, os.environ["UNIT"], os.environ["SAGEMAKER_BATCH_STRATEGY"])
    sums = [str(sum(map(float, line.split(",")))) for line in text.splitlines()]
    return "\\n".join(sums) + "\\n", "text/csv"
"""


@pytest.fixture(scope="module")
def plain(account: Account) -> str:
    """Return a model that sums rows of three numbers up."""
    return account.model(answering())


@pytest.fixture(scope="module")
def handled(account: Account) -> str:
    """Return a model whose handler sums each row of a CSV up, and sleeps when it is asked to."""
    return account.model({"1/saved_model.pb": b"", "code/inference.py": HANDLER}, environment={"UNIT": "none"})


def start(
    account: Account,
    model: str,
    uri: str,
    *,
    source: Mapping[str, Any] | None = None,
    output: Mapping[str, Any] | None = None,
    kind: str = "S3Prefix",
    client: Any = None,
    name: str = "",
    **request: Any,
) -> str:
    """Start a transform job and return its name. Its output goes below a prefix of that name."""
    name = name or f"transform-{uuid.uuid4().hex[:8]}"
    (client or account.sagemaker).create_transform_job(
        **{
            "TransformJobName": name,
            "ModelName": model,
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": kind, "S3Uri": uri}},
                "ContentType": "application/json",
                **(source or {}),
            },
            "TransformOutput": {"S3OutputPath": f"s3://{BUCKET}/{name}/", **(output or {})},
            "TransformResources": RESOURCES,
            **request,
        }
    )
    return name


def end_of(account: Account, job: str) -> dict[str, Any]:
    """Wait for a job's end and return what DescribeTransformJob answers then."""

    def ended() -> dict[str, Any] | None:
        answer: dict[str, Any] = account.sagemaker.describe_transform_job(TransformJobName=job)
        return answer if answer["TransformJobStatus"] in ("Completed", "Failed", "Stopped") else None

    return dict(until(ended, 120))


def outputs(account: Account, job: str) -> dict[str, bytes]:
    """Return a job's outputs by their key below its prefix."""
    keys = account.keys(f"{job}/")
    return {key.removeprefix(f"{job}/"): account.get(f"s3://{BUCKET}/{key}") for key in keys}


def refusal(call: Callable[[], Any]) -> tuple[str, str]:
    """Return the code and the message with which a call is refused."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture(scope="module")
def jobs(account: Account, plain: str, handled: str, saved_model: SavedModel) -> dict[str, str]:
    """Jobs that run beside each other, by what they are there for."""
    account.put("batch/folder/a.json", b"[1, 2, 3]")
    account.put("batch/folder/deep/b.json", b'{"instances": [[1, 1, 1], [2, 2, 2]]}')
    records = [{"id": 7, "row": [1, 2, 3]}, {"id": 8, "row": [0, 0, 0.5]}]
    account.put("batch/records.jsonl", "".join(json.dumps(record) + "\n" for record in records).encode())
    account.put("batch/table/rows.csv.gz", gzip.compress(b'ann,1,2,3\n"bob, jr",4,5,6\ncy,7,8,9\n'))
    account.put("batch/mixed/good.json", b"[4, 4, 4]")
    account.put("batch/mixed/words.json", b'["a", "b", "c"]')
    account.put("batch/mixed/last.json", b"[5, 5, 5]")
    manifest = [{"prefix": f"s3://{BUCKET}/batch/mixed/"}, "good.json", "words.json", "last.json"]
    account.put("batch/slow.csv", b"sleep\n")
    return {
        "folder": start(
            account,
            plain,
            f"https://s3.us-east-1.amazonaws.com/{BUCKET}/batch/folder",
            name="by-other-addresses",
            output={"S3OutputPath": f"https://{BUCKET}.s3.dualstack.us-east-1.amazonaws.com/by-other-addresses/"},
            Tags=[{"Key": "course", "Value": "one"}],
        ),
        "lines": start(
            account,
            plain,
            f"s3://{BUCKET}/batch/rec",
            source={"ContentType": "application/jsonlines", "SplitType": "Line"},
            output={"AssembleWith": "Line", "Accept": "application/jsonlines"},
            BatchStrategy="SingleRecord",
            DataProcessing={
                "InputFilter": "$.row",
                "JoinSource": "Input",
                "OutputFilter": "$['id','SageMakerOutput']",
            },
        ),
        "table": start(
            account,
            handled,
            f"s3://{BUCKET}/batch/table/",
            source={"ContentType": "text/csv", "SplitType": "Line", "CompressionType": "Gzip"},
            output={"AssembleWith": "Line", "Accept": "text/csv"},
            DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"},
            Environment={"UNIT": "studs"},
        ),
        "no table": start(
            account,
            plain,
            account.put("batch/three.csv", b"1,2,3\n4,5,6\n"),
            source={"ContentType": "text/csv"},
            DataProcessing={"JoinSource": "Input"},
        ),
        "mixed": start(
            account,
            account.model(saved_model(1.0)),
            account.put("batch/manifest", json.dumps(manifest).encode()),
            kind="ManifestFile",
            MaxConcurrentTransforms=2,
        ),
        "slow": start(
            account,
            handled,
            f"s3://{BUCKET}/batch/slow.csv",
            source={"ContentType": "text/csv"},
            ModelClientConfig={"InvocationsTimeoutInSeconds": 1, "InvocationsMaxRetries": 0},
        ),
    }


def test_every_object_has_its_output(account: Account, jobs: dict[str, str]) -> None:
    """A whole object is one request; its answer lies under the object's name below the prefix, with .out behind it."""
    name = jobs["folder"]
    account.sagemaker.get_waiter("transform_job_completed_or_stopped").wait(
        TransformJobName=name, WaiterConfig={"Delay": 1}
    )
    job = account.sagemaker.describe_transform_job(TransformJobName=name)
    assert job["TransformJobStatus"] == "Completed"
    assert job["CreationTime"] <= job["TransformStartTime"] <= job["TransformEndTime"]
    assert (job["TransformInput"]["SplitType"], job["DataProcessing"]["JoinSource"]) == ("None", "None")
    answers = {key: json.loads(content) for key, content in outputs(account, name).items()}
    assert answers == {
        "a.json.out": {"predictions": [[6.0]]},
        "deep/b.json.out": {"predictions": [[3.0], [6.0]]},
    }
    listed = account.sagemaker.list_transform_jobs(NameContains=name)["TransformJobSummaries"]
    assert [(each["TransformJobName"], each["TransformJobStatus"]) for each in listed] == [(name, "Completed")]
    tags = account.sagemaker.list_tags(ResourceArn=job["TransformJobArn"])["Tags"]
    assert tags == [{"Key": "course", "Value": "one"}]


def test_answers_are_joined_to_their_lines(account: Account, jobs: dict[str, str]) -> None:
    """Of JSON lines the model sees what InputFilter leaves, and what OutputFilter leaves of both is written."""
    assert end_of(account, jobs["lines"])["TransformJobStatus"] == "Completed"
    (content,) = outputs(account, jobs["lines"]).values()
    assert [json.loads(line) for line in content.splitlines()] == [
        {"id": 7, "SageMakerOutput": {"predictions": [[6.0]]}},
        {"id": 8, "SageMakerOutput": {"predictions": [[0.5]]}},
    ]


def test_rows_go_in_batches(account: Account, jobs: dict[str, str]) -> None:
    """As many lines as fit are one request, out of gzip; the first and the last column of the joined rows are written.

    The container has the job's environment, and its log and the job's own are two streams.
    """
    name = jobs["table"]
    assert end_of(account, name)["TransformJobStatus"] == "Completed"
    assert outputs(account, name) == {"rows.csv.gz.out": b'ann,6.0\n"bob, jr",15.0\ncy,24.0\n'}
    lines = account.lines(GROUP, f"{name}/i-")
    assert "payload '1,2,3\\n4,5,6\\n7,8,9' text/csv studs MULTI_RECORD" in lines
    assert any(
        line.endswith("MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD") for line in lines
    )
    streams = account.logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{name}/")["logStreams"]
    assert [each["logStreamName"].endswith("/data-log") for each in streams] == [False, True]


def test_an_answer_that_is_no_csv_is_not_joined(account: Account, jobs: dict[str, str]) -> None:
    """JSON behind rows of CSV would be a mangled table: the job fails, in AWS's words, and nothing is written."""
    ended = end_of(account, jobs["no table"])
    assert ended["TransformJobStatus"] == "Failed"
    assert ended["FailureReason"].startswith("AlgorithmError")
    assert outputs(account, jobs["no table"]) == {}
    said = "\n".join(account.lines(GROUP, jobs["no table"]))
    assert 'Failed to parse output from the algorithm as CSV: bare " in non quoted field found near: ' in said


@pytest.mark.parametrize("text", [b'a,"b" c\n', b'a b"c,d\n', b"1,2\n3\n", b'"a"b,c\n', b'a,"b\n'])
def test_a_table_is_read_strictly(text: bytes) -> None:
    """Quotes within a cell, rows of several lengths and quotes that do not end are no CSV."""
    association = Association(
        {
            "TransformInput": {"ContentType": "text/csv"},
            "TransformOutput": {},
            "DataProcessing": {"JoinSource": "Input"},
        }
    )
    with pytest.raises(TransformError, match="Failed to parse input as CSV"):
        association.filter_output(text, b"1\n")
    with pytest.raises(TransformError, match="Failed to parse output from the algorithm as CSV"):
        association.filter_output(b"1\n", text)


def test_a_refused_object_fails_the_job_and_no_other_object(account: Account, jobs: dict[str, str]) -> None:
    """The job's log names object and status, its reason points there, and what the model took has its output."""
    job = end_of(account, jobs["mixed"])
    assert (job["TransformJobStatus"], job["FailureReason"]) == (
        "Failed",
        "ClientError: See job logs for more information",
    )
    assert {*outputs(account, jobs["mixed"])} == {"good.json.out", "last.json.out"}
    lines = account.lines(GROUP, f"{jobs['mixed']}/")
    assert any(line.endswith(f"[sagemaker logs]: {BUCKET}/batch/mixed/words.json: ClientError: 400") for line in lines)
    with pytest.raises(botocore.exceptions.WaiterError, match="terminal failure"):
        account.sagemaker.get_waiter("transform_job_completed_or_stopped").wait(TransformJobName=jobs["mixed"])


def test_a_prefix_without_objects(account: Account, plain: str) -> None:
    """It is refused at once, with the prefix in the sentence."""
    code, message = refusal(lambda: start(account, plain, f"s3://{BUCKET}/batch/nothing/"))
    assert code == "ValidationException"
    assert message.startswith(f'No S3 objects found under S3 URL "s3://{BUCKET}/batch/nothing/" given in input data')


def test_a_model_that_does_not_answer(account: Account, jobs: dict[str, str]) -> None:
    """After InvocationsTimeoutInSeconds the algorithm is to blame."""
    job = end_of(account, jobs["slow"])
    assert job["FailureReason"] == "AlgorithmError: See job logs for more information"
    lines = account.lines(GROUP, f"{jobs['slow']}/")
    assert any(line.endswith("batch/slow.csv: Unable to get response from algorithm") for line in lines)
    assert outputs(account, jobs["slow"]) == {}


def test_stops(account: Account, handled: str) -> None:
    """A job that waits for its model ends as Stopped, without output; one that has ended is not stopped."""
    account.put("batch/stop/a.csv", b"1,2\n")
    account.put("batch/stop/b.csv", b"sleep\n")
    name = start(account, handled, f"s3://{BUCKET}/batch/stop/", source={"ContentType": "text/csv"})
    until(lambda: any("payload" in line for line in _lines(account, name)))
    account.sagemaker.stop_transform_job(TransformJobName=name)
    assert account.sagemaker.describe_transform_job(TransformJobName=name)["TransformJobStatus"] == "Stopping"
    account.sagemaker.stop_transform_job(TransformJobName=name)
    job = end_of(account, name)
    assert (job["TransformJobStatus"], job.get("FailureReason")) == ("Stopped", None)
    assert outputs(account, name) == {}
    code, message = refusal(lambda: account.sagemaker.stop_transform_job(TransformJobName=name))
    assert code == "ValidationException"
    assert message == "The request was rejected because the transform job is in status Stopped."


def test_stops_before_its_model_serves(account: Account, plain: str) -> None:
    """A job that was stopped at once is Stopped, too."""
    name = start(account, plain, f"s3://{BUCKET}/batch/folder")
    account.sagemaker.stop_transform_job(TransformJobName=name)
    assert end_of(account, name)["TransformJobStatus"] == "Stopped"


def test_a_model_whose_artifact_is_gone(account: Account) -> None:
    """What is missing is named in the job's reason."""
    model = account.model(answering())
    account.s3.delete_object(Bucket=BUCKET, Key=f"models/{model}/model.tar.gz")
    account.put("batch/hollow.json", b"[1, 2, 3]")
    job = end_of(account, start(account, model, f"s3://{BUCKET}/batch/hollow.json"))
    assert job["FailureReason"].startswith(
        f'ClientError: Failed to download model data for container "container_1" from URL: "s3://{BUCKET}/models/{model}'
    )


@pytest.mark.parametrize(
    ("request_part", "sentence"),
    [
        ({"source": {"SplitType": "TFRecord"}}, "does not offer TransformInput.SplitType TFRecord"),
        ({"kind": "AugmentedManifestFile"}, "S3DataSource.S3DataType AugmentedManifestFile"),
        (
            {"TransformResources": {**RESOURCES, "InstanceCount": 2}},
            "does not offer TransformResources.InstanceCount 2",
        ),
        ({"DataCaptureConfig": {"DestinationS3Uri": "s3://b/"}}, "does not offer DataCaptureConfig"),
        ({"MaxPayloadInMB": 101}, "MaxPayloadInMB is 101, but can't be greater than 100"),
        ({"MaxPayloadInMB": 50, "MaxConcurrentTransforms": 3}, "is 3 [*] 50, but must not exceed 100"),
        ({"DataProcessing": {"InputFilter": "$..row"}}, "'[$]..row' has at '..row' something else"),
        ({"DataProcessing": {"InputFilter": "row"}}, "must begin with [$]"),
        ({"DataProcessing": {"JoinSource": "Input"}, "source": {"ContentType": "image/png"}}, "not image/png"),
        ({"DataProcessing": {"JoinSource": "Input"}, "output": {"Accept": "text/csv"}}, "and Accept text/csv"),
        ({"DataProcessing": {"JoinSource": "Input"}, "source": {"SplitType": "Line"}}, "needs AssembleWith Line"),
    ],
)
def test_refuses_what_it_does_not_do(account: Account, plain: str, request_part: dict[str, Any], sentence: str) -> None:
    """What only AWS can do, and what AWS refuses, is refused before anything runs."""
    with pytest.raises(botocore.exceptions.ClientError, match=sentence):
        start(account, plain, f"s3://{BUCKET}/batch/folder", **request_part)


def test_a_name_is_taken_for_ever(account: Account, jobs: dict[str, str], plain: str) -> None:
    """A second job of the name is refused, however the first one ended."""
    end_of(account, jobs["slow"])
    taken: dict[str, Any] = {"TransformJobName": jobs["slow"]}
    code, message = refusal(lambda: start(account, plain, f"s3://{BUCKET}/batch/folder", **taken))
    assert code == "ResourceInUse"
    assert message.startswith("Job name must be unique within an AWS account and region")


def test_a_model_that_is_not_there(account: Account) -> None:
    """The job is refused, in the words of DescribeModel."""
    code, message = refusal(lambda: start(account, "nobodys", f"s3://{BUCKET}/batch/folder"))
    assert code == "ValidationException"
    assert message.startswith('Could not find model "arn:')


def test_iam_is_asked(account: Account, embedded: Gateway, plain: str) -> None:
    """Who may transform on one instance type, under one prefix, is refused anything else."""
    account.iam.create_user(UserName="ada")
    allowed = {
        "Effect": "Allow",
        "Action": "sagemaker:CreateTransformJob",
        "Resource": "arn:aws:sagemaker:*:*:transform-job/ada-*",
        "Condition": {"ForAllValues:StringEquals": {"sagemaker:InstanceTypes": ["ml.m5.large"]}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    account.iam.put_user_policy(UserName="ada", PolicyName="transform", PolicyDocument=policy)
    key = account.iam.create_access_key(UserName="ada")["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
    sagemaker = session.client("sagemaker", endpoint_url=embedded.url)
    large = {**RESOURCES, "InstanceType": "ml.m5.4xlarge"}
    for name, resources, expected in (
        ("ben-batch", RESOURCES, "AccessDeniedException"),
        ("ada-batch", large, "AccessDeniedException"),
        # What IAM lets through is refused for another reason, so that nothing has to run.
        ("ada-batch", {**RESOURCES, "InstanceCount": 2}, "ValidationException"),
    ):
        request: dict[str, Any] = {"TransformJobName": name, "TransformResources": resources}
        call = functools.partial(start, account, plain, f"s3://{BUCKET}/batch/folder", client=sagemaker, **request)
        assert refusal(call)[0] == expected
    sagemaker.close()


def _lines(account: Account, job: str) -> list[str]:
    """Return a job's lines, or none while there is no log group."""
    try:
        return account.lines(GROUP, f"{job}/")
    except account.logs.exceptions.ResourceNotFoundException:
        return []
