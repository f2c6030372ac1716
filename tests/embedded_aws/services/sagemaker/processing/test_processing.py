"""Processing jobs bring data from S3 to a program and what it makes back to S3, and end as they would on AWS."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.embedded_aws.account import BUCKET, Account, sinks, source, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

GROUP = "/aws/sagemaker/ProcessingJobs"
BELOW = "/opt/ml/processing/input/p"
QUERY = {"Catalog": "c", "Database": "d", "QueryString": "q", "OutputS3Uri": "s3://b/", "OutputFormat": "PARQUET"}
DATASET = {"InputName": "sales", "DatasetDefinition": {"AthenaDatasetDefinition": QUERY, "LocalPath": BELOW}}
FEATURES = {"OutputName": "sink", "AppManaged": True, "FeatureStoreOutput": {"FeatureGroupName": "f"}}
PROGRAM = b"""
import json, os, pathlib, sys
import boto3

print("arguments " + " ".join(sys.argv[1:]))
print("acts as " + boto3.client("sts", region_name=os.environ["AWS_REGION"]).get_caller_identity()["Arn"])
job = json.loads(pathlib.Path("/opt/ml/config/processingjobconfig.json").read_text())
print("job " + job["ProcessingJobName"] + " " + job["ProcessingJobArn"].rpartition(":")[2])
print("hosts " + pathlib.Path("/opt/ml/config/resourceconfig.json").read_text())
photos = pathlib.Path(os.environ["PHOTOS"])
for photo in photos.rglob("*.txt"):
    made = pathlib.Path("/opt/ml/processing/arrays") / photo.relative_to(photos)
    made.parent.mkdir(exist_ok=True)
    made.write_text(photo.read_text().upper())
pathlib.Path(job["ProcessingOutputConfig"]["Outputs"][1]["S3Output"]["LocalPath"], "count").write_text("2")
pathlib.Path("/opt/ml/output/message").write_text("two photos")
"""


def sinks_at(path: str) -> dict[str, Any]:
    """ProcessingOutputConfig with the output `made`, from this folder."""
    config = sinks(made=f"s3://{BUCKET}/elsewhere")
    config["Outputs"][0]["S3Output"]["LocalPath"] = path
    return config


@pytest.fixture(scope="module")
def processed(account: Account) -> dict[str, Any]:
    """A job that has completed."""
    account.put("photos/plate.txt", b"plate")
    account.put("photos/bricks/two.txt", b"two")
    return account.process(
        PROGRAM,
        program={"ContainerArguments": ["--size", "48", "--from", "/opt/ml/processing/input/photos"]},
        inputs=[source("photos", f"s3://{BUCKET}/photos/", "/opt/ml/processing/input/photos")],
        Environment={"PHOTOS": "/opt/ml/processing/input/photos"},
        ProcessingOutputConfig=sinks(arrays=f"s3://{BUCKET}/made/arrays", table=f"s3://{BUCKET}/made/table/"),
        Tags=[{"Key": "lab", "Value": "bricks"}],
    )


def test_completes(account: Account, processed: dict[str, Any]) -> None:
    """What the program leaves in its outputs' folders is in S3 under their prefixes; its message is ExitMessage."""
    assert processed["ProcessingJobStatus"] == "Completed", processed.get("FailureReason")
    assert processed["ExitMessage"] == "two photos"
    assert processed["CreationTime"] <= processed["ProcessingStartTime"] < processed["ProcessingEndTime"]
    made = {key: account.get(f"s3://{BUCKET}/{key}") for key in account.keys("made/")}
    assert made == {"made/arrays/plate.txt": b"PLATE", "made/arrays/bricks/two.txt": b"TWO", "made/table/count": b"2"}


def test_the_program_is_told_of_its_job(account: Account, processed: dict[str, Any]) -> None:
    """Arguments, the two files of configuration and the role reach it; the log stream <job>/algo-1-… is its own."""
    name = processed["ProcessingJobName"]
    lines = account.lines(GROUP, f"{name}/algo-1-")
    [arguments] = [line for line in lines if line.startswith("arguments ")]
    assert arguments.startswith("arguments --size 48 --from /")
    assert arguments.endswith("/processing/input/photos")
    assert f"job {name} processing-job/{name}" in lines
    assert 'hosts {"current_host": "algo-1", "hosts": ["algo-1"]}' in lines
    assert "acts as arn:aws:sts::000000000000:assumed-role/execution/SageMaker" in lines


def test_is_described_listed_and_tagged(account: Account, processed: dict[str, Any]) -> None:
    """Describe has the request's members and AWS's defaults, List finds it by its state, its tags are there."""
    name, arn = processed["ProcessingJobName"], processed["ProcessingJobArn"]
    assert arn == f"arn:aws:sagemaker:us-east-1:000000000000:processing-job/{name}"
    assert processed["StoppingCondition"] == {"MaxRuntimeInSeconds": 86_400}
    assert [each["InputName"] for each in processed["ProcessingInputs"]] == ["code", "photos"]
    pages = account.sagemaker.get_paginator("list_processing_jobs").paginate(StatusEquals="Completed")
    assert name in [each["ProcessingJobName"] for page in pages for each in page["ProcessingJobSummaries"]]
    assert account.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "lab", "Value": "bricks"}]


def test_hosts_share_the_data(account: Account) -> None:
    """Each host is a process that knows itself and reaches the others by name, with its shard of what is sharded."""
    for number in range(5):
        account.put(f"five/{number}.txt", b"brick")
    program = b"""
import json, os, pathlib, socket
hosts = json.loads(pathlib.Path("/opt/ml/config/resourceconfig.json").read_text())
me, parts = hosts["current_host"], pathlib.Path("/opt/ml/processing/parts")
(parts / f"{me}.txt").write_text(",".join(sorted(os.listdir("/opt/ml/processing/input/shard"))))
(parts / f"{me}-all.txt").write_text(str(len(os.listdir("/opt/ml/processing/input/all"))))
(parts / f"{me}-hosts.txt").write_text(str(len({socket.gethostbyname(name) for name in hosts["hosts"]})))
pathlib.Path("/opt/ml/output/message").write_text(me + ";")
"""
    prefix, below = f"s3://{BUCKET}/five/", "/opt/ml/processing/input"
    job = account.process(
        program,
        cluster={"InstanceCount": 2},
        inputs=[
            source("shard", prefix, f"{below}/shard", S3DataDistributionType="ShardedByS3Key"),
            source("all", prefix, f"{below}/all", S3DataDistributionType="FullyReplicated"),
        ],
        ProcessingOutputConfig=sinks(parts=f"s3://{BUCKET}/parts"),
    )
    assert (job["ProcessingJobStatus"], job["ExitMessage"]) == ("Completed", "algo-1;algo-2;")
    parts = {key: account.get(f"s3://{BUCKET}/{key}").decode() for key in account.keys("parts/")}
    shards = [parts[f"parts/algo-{number}.txt"].split(",") for number in (1, 2)]
    assert sorted(name for shard in shards for name in shard) == [f"{number}.txt" for number in range(5)]
    assert {len(shard) for shard in shards} == {2, 3}
    assert parts["parts/algo-1-all.txt"] == parts["parts/algo-2-all.txt"] == "5"
    if sys.platform == "linux":
        assert parts["parts/algo-1-hosts.txt"] == "2"


def test_a_host_that_fails_ends_the_job(account: Account) -> None:
    """The others are ended too, and the reason is the one that failed's."""
    program = b"""
import json, pathlib, sys, time
if json.loads(pathlib.Path("/opt/ml/config/resourceconfig.json").read_text())["current_host"] == "algo-2":
    pathlib.Path("/opt/ml/output/message").write_text("no bricks left")
    sys.exit(7)
time.sleep(60)
"""
    job = account.process(program, cluster={"InstanceCount": 2})
    assert (job["ProcessingJobStatus"], job["ExitMessage"]) == ("Failed", "no bricks left")
    assert job["FailureReason"] == "AlgorithmError: no bricks left, exit code: 7"


def test_outputs_go_to_s3_while_it_runs(account: Account) -> None:
    """What goes continuously is in S3 before the end and stays after a stop; what goes at the end never goes then."""
    program = b"""
import pathlib, time
for name in ("now", "later"):
    pathlib.Path("/opt/ml/processing", name, "count").write_text("1")
time.sleep(60)
"""
    outputs = sinks("Continuous", now=f"s3://{BUCKET}/now")["Outputs"] + sinks(later=f"s3://{BUCKET}/later")["Outputs"]
    job = account.start_processing(program, ProcessingOutputConfig={"Outputs": outputs})
    until(lambda: account.keys("now/"))
    account.sagemaker.stop_processing_job(ProcessingJobName=job)
    assert account.processed(job)["ProcessingJobStatus"] == "Stopped"
    assert (account.keys("now/"), account.keys("later/")) == (["now/count"], [])


def test_outputs_are_encrypted_with_the_key(account: Account, client: Callable[[str], Any]) -> None:
    """The key of ProcessingOutputConfig is the objects' key."""
    key = client("kms").create_key()["KeyMetadata"]["KeyId"]
    program = b"open('/opt/ml/processing/secret/count', 'w').write('1')"
    outputs = {**sinks(secret=f"s3://{BUCKET}/secret"), "KmsKeyId": key}
    assert account.process(program, ProcessingOutputConfig=outputs)["ProcessingJobStatus"] == "Completed"
    assert account.s3.head_object(Bucket=BUCKET, Key="secret/count")["SSEKMSKeyId"].endswith(key)


def test_an_output_may_lie_anywhere(account: Account) -> None:
    """A folder outside of /opt/ml is one that the program finds, too."""
    program = b"open('/srv/made/count', 'w').write('1')"
    assert account.process(program, ProcessingOutputConfig=sinks_at("/srv/made"))["ProcessingJobStatus"] == "Completed"
    assert account.keys("elsewhere/") == ["elsewhere/count"]


def test_a_manifest_names_the_input(account: Account) -> None:
    """Of a prefix only what a manifest lists is brought."""
    for name in ("plate", "slope", "stud"):
        account.put(f"many/{name}.txt", name.encode())
    manifest = json.dumps([{"prefix": f"s3://{BUCKET}/many/"}, "plate.txt", "stud.txt"])
    listed = source("few", account.put("few.json", manifest.encode()), "/opt/ml/processing/input/few")
    listed["S3Input"]["S3DataType"] = "ManifestFile"
    program = (
        b"import os; open('/opt/ml/output/message', 'w').write(' '.join(sorted(os.listdir('processing/input/few'))))"
    )
    assert account.process(program, inputs=[listed])["ExitMessage"] == "plate.txt stud.txt"


def test_isolation_leaves_it_no_credentials(account: Account) -> None:
    """A job in network isolation has no way to AWS; its data are there all the same."""
    program = (
        b"import os; open('/opt/ml/output/message', 'w').write(str(any('AWS_CONTAINER' in n for n in os.environ)))"
    )
    job = account.process(program, NetworkConfig={"EnableNetworkIsolation": True})
    assert (job["ProcessingJobStatus"], job["ExitMessage"]) == ("Completed", "False")


def test_what_manages_its_own_data(account: Account) -> None:
    """Inputs and outputs that are AppManaged are told to the program and left to it."""
    app = {"InputName": "own", "AppManaged": True, "S3Input": {"S3Uri": "s3://nobodys/", "S3DataType": "S3Prefix"}}
    program = b"""
import json
inputs = json.load(open("/opt/ml/config/processingjobconfig.json"))["ProcessingInputs"]
open("/opt/ml/output/message", "w").write(inputs[1]["S3Input"]["S3Uri"])
"""
    assert account.process(program, inputs=[app])["ExitMessage"] == "s3://nobodys/"


def test_stops_at_work(account: Account) -> None:
    """StopProcessingJob sends SIGTERM; the job goes through Stopping and ends Stopped with the message it left."""
    program = b"""
import signal, sys, time
def leave(*_):
    open("/opt/ml/output/message", "w").write("left in order")
    sys.exit(3)
signal.signal(signal.SIGTERM, leave)
open("/opt/ml/processing/state/ready", "w").close()
time.sleep(60)
"""
    job = account.start_processing(program, ProcessingOutputConfig=sinks("Continuous", state=f"s3://{BUCKET}/state"))
    until(lambda: account.keys("state/"))
    name = {"ProcessingJobName": job}
    with pytest.raises(ClientError, match="is in status InProgress; only jobs in a terminal status"):
        account.sagemaker.delete_processing_job(**name)
    account.sagemaker.stop_processing_job(**name)
    assert account.sagemaker.describe_processing_job(**name)["ProcessingJobStatus"] in ("Stopping", "Stopped")
    ended = account.processed(job)
    assert (ended["ProcessingJobStatus"], ended["ExitMessage"]) == ("Stopped", "left in order")
    assert "FailureReason" not in ended
    with pytest.raises(ClientError, match="the processing job is in status Stopped"):
        account.sagemaker.stop_processing_job(**name)
    account.sagemaker.delete_processing_job(**name)
    with pytest.raises(ClientError, match=f"Could not find requested job with name: {job}"):
        account.sagemaker.describe_processing_job(**name)


def test_stops_before_it_begins(account: Account) -> None:
    """A job that is stopped at once is Stopped, and its program never runs; the waiter takes that for an end."""
    output = sinks("Continuous", never=f"s3://{BUCKET}/never")
    job = account.start_processing(b"open('/opt/ml/processing/never/ran', 'w').close()", ProcessingOutputConfig=output)
    account.sagemaker.stop_processing_job(ProcessingJobName=job)
    waiter = account.sagemaker.get_waiter("processing_job_completed_or_stopped")
    waiter.wait(ProcessingJobName=job, WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
    assert account.processed(job)["ProcessingJobStatus"] == "Stopped"
    assert account.keys("never/") == []


def test_stops_after_its_longest_time(account: Account) -> None:
    """MaxRuntimeInSeconds ends a job as Stopped, on the real clock."""
    job = account.process(b"import time; time.sleep(60)", StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert job["ProcessingJobStatus"] == "Stopped"


def test_fails_without_data(account: Account) -> None:
    """A prefix with no object fails the job before it runs, naming the URL, the role and the bucket."""
    nothing = source("photos", f"s3://{BUCKET}/nowhere/", "/opt/ml/processing/input/photos")
    job = account.process(b"", inputs=[nothing])
    assert job["ProcessingJobStatus"] == "Failed"
    begin = f'ClientError: Failed to download data. No S3 objects found under S3 URL "s3://{BUCKET}/nowhere/" given in'
    assert job["FailureReason"].startswith(begin)
    assert account.role in job["FailureReason"]


def test_fails_without_its_program(account: Account) -> None:
    """A program that is not where the entrypoint looks fails the job with Python's exit code, and its log says why."""
    path = "/opt/ml/processing/input/code/perpare.py"
    job = account.process(b"", entrypoint=["python3", path])
    assert job["FailureReason"] == "AlgorithmError: , exit code: 2"
    [line] = account.lines(GROUP, job["ProcessingJobName"])
    assert "code/perpare.py': [Errno 2] No such file or directory" in line


def test_fails_when_its_role_may_not_write(account: Account) -> None:
    """An output that S3 refuses fails the job, naming the output and S3's reason."""
    reads = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [reads]})
    trust = account.iam.get_role(RoleName="execution")["Role"]["AssumeRolePolicyDocument"]
    role = account.iam.create_role(RoleName="reads-only", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    account.iam.put_role_policy(RoleName="reads-only", PolicyName="reads", PolicyDocument=policy)
    program = b"open('/opt/ml/processing/arrays/count', 'w').write('1')"
    output = sinks(arrays=f"s3://{BUCKET}/refused")
    job = account.process(program, ProcessingOutputConfig=output, RoleArn=role["Arn"])
    assert job["FailureReason"].startswith("ClientError: Failed to upload output arrays.")
    assert "AccessDenied" in job["FailureReason"]


def test_fails_with_a_message_that_is_no_text(account: Account) -> None:
    """What a program leaves as its message must be UTF-8."""
    job = account.process(b"open('/opt/ml/output/message', 'wb').write(bytes([255, 254]))")
    assert (job["ProcessingJobStatus"], job.get("ExitMessage")) == ("Failed", None)
    assert job["FailureReason"] == "ClientError: /opt/ml/output/message is not encoded in UTF-8."


def test_cuts_a_long_message(account: Account) -> None:
    """ExitMessage and FailureReason have at most 1,024 characters, the exit code among them."""
    job = account.process(b"open('/opt/ml/output/message', 'w').write('x' * 5000); raise SystemExit(3)")
    assert (len(job["ExitMessage"]), len(job["FailureReason"])) == (1024, 1024)
    assert job["FailureReason"].endswith("x, exit code: 3")


def test_a_name_is_taken(account: Account, processed: dict[str, Any]) -> None:
    """A second job of the name is refused, however the first one ended."""
    with pytest.raises(ClientError, match="Job name must be unique within an AWS account and region") as refused:
        account.start_processing(b"", ProcessingJobName=processed["ProcessingJobName"])
    assert refused.value.response["Error"]["Code"] == "ResourceInUse"


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ({"ExperimentConfig": {"ExperimentName": "e"}}, "does not offer ExperimentConfig"),
        ({"inputs": [DATASET]}, r"does not offer ProcessingInputs\[sales\].DatasetDefinition"),
        ({"inputs": [source("p", "s3://b/p", BELOW, S3InputMode="Pipe")]}, r"\[p\].S3Input.S3InputMode Pipe"),
        ({"inputs": [source("p", "s3://b/p", BELOW, S3CompressionType="Gzip")]}, "S3Input.S3CompressionType Gzip"),
        ({"ProcessingOutputConfig": {"Outputs": [FEATURES]}}, r"Outputs\[sink\].FeatureStoreOutput"),
        ({"NetworkConfig": {"VpcConfig": {"Subnets": ["s"], "SecurityGroupIds": ["g"]}}}, "NetworkConfig.VpcConfig"),
        ({"inputs": [source("p", "s3://b/p", "/data/p")]}, "LocalPath of the input p is /data/p, but must begin with"),
        ({"inputs": [source("p", "s3://b/p", f"{BELOW}/../..")]}, "but must begin with /opt/ml/processing/"),
        ({"ProcessingOutputConfig": sinks_at("made")}, "LocalPath of the output made is made, but must begin with /"),
        ({"inputs": [source("code", "s3://b/p", BELOW)]}, "InputName code is given more than once"),
        ({"inputs": [{"InputName": "none"}]}, "The input none has no S3Input"),
    ],
)
def test_refuses_what_it_does_not_do(account: Account, part: dict[str, Any], sentence: str) -> None:
    """What only AWS can do, and what AWS refuses, is refused before anything runs."""
    with pytest.raises(ClientError, match=sentence) as refused:
        account.start_processing(b"", **part)
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_refuses_a_role_it_cannot_assume(account: Account) -> None:
    """A role that is missing is refused at once, in AWS's words, and no job is left."""
    arn = "arn:aws:iam::000000000000:role/nobody"
    with pytest.raises(ClientError, match=f"Could not assume role {arn}"):
        account.start_processing(b"", RoleArn=arn)
