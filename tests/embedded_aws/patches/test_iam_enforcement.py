"""An embedded AWS that enforces policies, as roles meet it: each may what its policy says, over TLS, and no more.

The last test ends it.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import boto3
import psutil
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, SSLError, WaiterError

from cli import paths
from cli.aws.endpoint import NoAnswerError
from cli.aws.function_url import FunctionUrl
from cli.aws.session import Session, Target, start_embedded
from cli.programs import tool_environment
from cli.ui.errors import LabError
from embedded_aws import gateway
from infra.containers import TRAINING
from infra.regions import ACCEPTED
from tests import functions
from tests.embedded_aws.account import INFERENCE_IMAGE, answering, archive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANYWHERE = {"Effect": "Allow", "Resource": "*"}
IMAGE = f"{ACCEPTED[gateway.REGION].registry}.dkr.ecr.{gateway.REGION}.amazonaws.com/{':'.join(TRAINING)}"
HANDLER = "import boto3\ndef handler(event, context):\n    return boto3.client('sts').get_caller_identity()['Arn']\n"


class Account:
    """An embedded AWS that enforces policies, and roles in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.running = gateway.start(
            home, cache=paths.cache(), environment=tool_environment(), pace=0.1, port=0, enforce=True
        )
        self._session = boto3.Session(region_name=gateway.REGION)
        self._clients: dict[tuple[str, ...], Any] = {}

    def client(self, service: str, *credentials: str) -> Any:
        """A client of root's, or with these credentials."""
        key, secret, token = credentials or ("test", "test", None)
        if (service, key) not in self._clients:
            self._clients[service, key] = self._session.client(
                service,  # type: ignore[call-overload]  # any service's name
                aws_access_key_id=key,
                aws_secret_access_key=secret,
                aws_session_token=token,
                endpoint_url=self.running.url,
                verify=self.running.environment()["AWS_CA_BUNDLE"],
            )
        return self._clients[service, key]

    def role(self, name: str, *statements: dict[str, Any], service: str = "lambda", **trust: Any) -> str:
        """Make a role that a service may assume, and anybody of the account; its ARN."""
        iam = self.client("iam")
        principal = {"Service": f"{service}.amazonaws.com", "AWS": gateway.ACCOUNT}
        trusted = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **trust}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trusted))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=policy(*statements))
        return str(arn)

    def acting(self, service: str, name: str, *statements: dict[str, Any]) -> Any:
        """A client that acts as a new role."""
        role = self.role(name, *statements)
        given = self.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        return self.client(service, given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    def function(self, name: str, role: str) -> str:
        """Make a function that answers who it is; its ARN."""
        return functions.make(self.client("lambda"), name, role=role, source=HANDLER)


def policy(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """One for this module."""
    home = tmp_path_factory.mktemp("enforcing")
    yield Account(home)
    gateway.stop(home)


def test_it_listens_on_no_port_but_its_own(account: Account) -> None:
    """TLS opens no further one for all of HTTPS, and none that the network could reach."""
    connections = psutil.Process(account.running.pid).net_connections("tcp")
    listening = [one.laddr for one in connections if one.status == psutil.CONN_LISTEN]
    assert account.running.port in {one.port for one in listening}
    assert 443 not in {one.port for one in listening}
    assert {one.ip for one in listening} == {"127.0.0.1"}


def test_nobody_trusts_it_without_its_authority(account: Account) -> None:
    """Its certificate is nobody else's: a client that was not told of it refuses to speak."""
    stranger = boto3.client(
        "s3",
        "us-east-1",
        config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}),
        endpoint_url=account.running.url,
    )
    with pytest.raises(SSLError):
        stranger.list_buckets()


def test_who_may_ask_an_asynchronous_endpoint(account: Account) -> None:
    """InvokeEndpointAsync is an action of its own; an answer in parts needs InvokeEndpoint."""
    may = {**ANYWHERE, "Action": "sagemaker:InvokeEndpointAsync"}
    runtime = account.acting("sagemaker-runtime", "asks-later", may)
    asked = {"EndpointName": "nobody", "InputLocation": "s3://bucket/key"}
    with pytest.raises(ClientError, match="Endpoint nobody of account 000000000000 not found"):
        runtime.invoke_endpoint_async(**asked)
    for ask in (runtime.invoke_endpoint, runtime.invoke_endpoint_with_response_stream):
        with pytest.raises(ClientError, match="not authorized to perform: sagemaker:InvokeEndpoint "):
            ask(EndpointName="nobody", Body=b"brick")


def test_an_asynchronous_endpoint_reads_and_writes_as_its_role(account: Account) -> None:
    """A request that its execution role may not read fails, with S3's words where failures go."""
    s3, sagemaker = account.client("s3"), account.client("sagemaker")
    s3.create_bucket(Bucket="modes")
    s3.put_object(Bucket="modes", Key="model.tar.gz", Body=archive(answering()))
    s3.put_object(Bucket="modes", Key="input/one", Body=b"1,2,3")
    role = account.role(
        "asynchronous",
        {**ANYWHERE, "Action": ["ecr:*", "logs:*"]},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::modes/model.tar.gz"},
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::modes/failures/*"},
        service="sagemaker",
    )
    container = {"Image": INFERENCE_IMAGE, "ModelDataUrl": "s3://modes/model.tar.gz"}
    sagemaker.create_model(ModelName="modes", PrimaryContainer=container, ExecutionRoleArn=role)
    variant = {"VariantName": "v0", "ModelName": "modes", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    output = {"S3OutputPath": "s3://modes/answers", "S3FailurePath": "s3://modes/failures"}
    sagemaker.create_endpoint_config(
        EndpointConfigName="modes", ProductionVariants=[variant], AsyncInferenceConfig={"OutputConfig": output}
    )
    sagemaker.create_endpoint(EndpointName="modes", EndpointConfigName="modes")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="modes", WaiterConfig={"Delay": 0.2})
    told = account.client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName="modes", InputLocation="s3://modes/input/one"
    )
    s3.get_waiter("object_exists").wait(
        Bucket="modes", Key=told["FailureLocation"].removeprefix("s3://modes/"), WaiterConfig={"Delay": 0.2}
    )
    failure = s3.get_object(Bucket="modes", Key=told["FailureLocation"].removeprefix("s3://modes/"))["Body"].read()
    assert b"Failed to download the request from s3://modes/input/one" in failure
    assert b"AccessDenied" in failure


def test_it_is_remembered_that_policies_are_enforced(account: Account) -> None:
    """Whoever finds it by its note knows how to reach it."""
    found = gateway.running(account.home)
    assert found == account.running
    assert found.enforcing
    assert found.url.startswith("https://")


def test_a_rule_fires_where_it_is_let_in(account: Account) -> None:
    """A queue and a function hear of a rule only once their own policies let EventBridge in for it."""
    sqs, events, functions_, logs = (account.client(name) for name in ("sqs", "events", "lambda", "logs"))
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    role = account.role("told", {**ANYWHERE, "Action": "logs:*"})
    function = account.function("told", role)
    rule = events.put_rule(Name="told", EventPattern=json.dumps({"source": ["lab"]}))["RuleArn"]
    events.put_targets(Rule="told", Targets=[{"Id": "queue", "Arn": queue}, {"Id": "function", "Arn": function}])
    events.put_events(Entries=[{"Source": "lab", "DetailType": "early", "Detail": "{}"}])
    condition = {"ArnEquals": {"aws:SourceArn": rule}}
    service = {"Principal": {"Service": "events.amazonaws.com"}, "Condition": condition}
    let_in = policy({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue, **service})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": let_in})
    functions_.add_permission(
        FunctionName="told",
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    events.put_events(Entries=[{"Source": "lab", "DetailType": "let-in", "Detail": "{}"}])
    heard = [json.loads(one["Body"])["detail-type"] for one in sqs.receive_message(QueueUrl=url)["Messages"]]
    assert heard == ["let-in"]
    group = {"logGroupName": "/aws/lambda/told"}
    deadline = time.monotonic() + 30
    while not logs.describe_log_groups(logGroupNamePrefix=group["logGroupName"])["logGroups"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    started = [line for line in logs.filter_log_events(**group)["events"] if line["message"].startswith("START")]
    assert len(started) == 1
    logs.delete_log_group(**group)


def test_one_that_enforces_nothing_is_not_taken_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--enforce-iam` on a lab that runs without is refused with the way to it."""
    note = {"pid": os.getpid(), "created": psutil.Process().create_time(), "port": 1}
    (tmp_path / "gateway.json").write_text(json.dumps(note))
    monkeypatch.setattr(paths, "GATEWAY", tmp_path)
    with pytest.raises(LabError, match=r"`\./lab down`, then `\./lab up --enforce-iam`"):
        start_embedded(enforce=True)


def test_an_object_under_a_key_needs_the_key(account: Account) -> None:
    """Who may put and get objects, but not use their key, may neither; and each needs its own action of the key."""
    key = account.client("kms").create_key()["KeyMetadata"]["Arn"]
    account.client("s3").create_bucket(Bucket="locked")
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    account.client("s3").put_bucket_encryption(
        Bucket="locked",
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )
    objects = {**ANYWHERE, "Action": "s3:*"}
    writer = account.acting("s3", "writer", objects, {**ANYWHERE, "Action": "kms:GenerateDataKey"})
    neither = account.acting("s3", "neither", objects)
    reader = account.acting("s3", "reader", objects, {**ANYWHERE, "Action": "kms:Decrypt"})
    with pytest.raises(ClientError, match="kms:GenerateDataKey"):
        neither.put_object(Bucket="locked", Key="brick", Body=b"2x4")
    writer.put_object(Bucket="locked", Key="brick", Body=b"2x4")
    with pytest.raises(ClientError, match="kms:Decrypt"):
        writer.get_object(Bucket="locked", Key="brick")
    with pytest.raises(ClientError, match="kms:Decrypt"):
        writer.copy_object(Bucket="locked", Key="copy", CopySource="locked/brick")
    assert reader.get_object(Bucket="locked", Key="brick")["Body"].read() == b"2x4"
    for encryption in ("AES256", "aws:kms"):  # S3's own keys are for everybody who may use S3
        neither.put_object(Bucket="locked", Key="brick", Body=b"2x4", ServerSideEncryption=encryption)
        assert neither.get_object(Bucket="locked", Key="brick")["Body"].read() == b"2x4"


def test_logs_are_judged_by_stream(account: Account) -> None:
    """A role that may write streams of one beginning may write no other of the same group."""
    account.client("logs").create_log_group(logGroupName="shared")
    streams = f"arn:aws:logs:{gateway.REGION}:{gateway.ACCOUNT}:log-group:shared:log-stream:mine-*"
    logs = account.acting("logs", "logger", {"Effect": "Allow", "Action": "logs:CreateLogStream", "Resource": streams})
    logs.create_log_stream(logGroupName="shared", logStreamName="mine-1")
    with pytest.raises(ClientError, match="log-stream:theirs-1 because no identity-based policy"):
        logs.create_log_stream(logGroupName="shared", logStreamName="theirs-1")


def test_metrics_are_judged_by_namespace(account: Account) -> None:
    """A condition on cloudwatch:namespace holds a role to it."""
    condition = {"StringEquals": {"cloudwatch:namespace": "mine"}}
    metrics = account.acting(
        "cloudwatch", "measurer", {**ANYWHERE, "Action": "cloudwatch:PutMetricData", "Condition": condition}
    )
    metrics.put_metric_data(Namespace="mine", MetricData=[{"MetricName": "bricks", "Value": 1}])
    with pytest.raises(ClientError, match="cloudwatch:PutMetricData"):
        metrics.put_metric_data(Namespace="theirs", MetricData=[{"MetricName": "bricks", "Value": 1}])


def test_who_scales_an_endpoint_needs_what_scaling_does(account: Account) -> None:
    """Describing has no resource; registering needs the target, by its namespace, and what SageMaker is asked then."""
    variant = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/none/variant/all",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    register = "application-autoscaling:RegisterScalableTarget"
    of = {"StringEquals": {"application-autoscaling:service-namespace": "sagemaker"}}
    looks = {**ANYWHERE, "Action": "application-autoscaling:Describe*"}
    looking = account.acting("application-autoscaling", "looks", looks)
    assert looking.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []
    registers = {**ANYWHERE, "Action": register, "Condition": of}
    registering = account.acting("application-autoscaling", "registers", registers)
    everything = {**ANYWHERE, "Action": ["application-autoscaling:*", "sagemaker:*"]}
    allowed = account.acting("application-autoscaling", "scales", everything)
    for client, said in (
        (looking, f"not authorized to perform: {register} on resource: arn:aws:application-autoscaling:"),
        (registering, "not authorized to perform: sagemaker:DescribeEndpoint on resource: arn:aws:sagemaker:"),
        (allowed, "Could not find endpoint"),
    ):
        with pytest.raises(ClientError, match=said):
            client.register_scalable_target(**variant, MinCapacity=1, MaxCapacity=2)


def test_a_table_needs_its_catalog_and_database(account: Account) -> None:
    """Who may read all tables of one database, reads none of another."""
    glue = account.client("glue")
    for database in ("ours", "others"):
        glue.create_database(DatabaseInput={"Name": database})
        glue.create_table(DatabaseName=database, TableInput={"Name": "photos"})
    there = f"arn:aws:glue:{gateway.REGION}:{gateway.ACCOUNT}"
    resources = [f"{there}:catalog", f"{there}:database/ours", f"{there}:table/ours/*"]
    reader = account.acting("glue", "asker", {"Effect": "Allow", "Action": "glue:GetTable", "Resource": resources})
    assert reader.get_table(DatabaseName="ours", Name="photos")["Table"]["Name"] == "photos"
    with pytest.raises(ClientError, match="glue:GetTable"):
        reader.get_table(DatabaseName="others", Name="photos")


def test_a_query_reads_and_writes_as_who_asks(account: Account) -> None:
    """Who may ask Athena, but not write the answer's place or read the catalog, gets no answer, and is told which."""
    account.client("s3").create_bucket(Bucket="answers")
    asking, storing = {**ANYWHERE, "Action": "athena:*"}, {**ANYWHERE, "Action": "s3:*"}
    there = f"arn:aws:glue:{gateway.REGION}:{gateway.ACCOUNT}"
    own = [f"{there}:catalog", f"{there}:database/unread"]
    reading = {"Effect": "Allow", "Action": "glue:GetDatabase", "Resource": own}
    query = {
        "QueryString": "SELECT 1",
        "QueryExecutionContext": {"Database": "unread"},
        "ResultConfiguration": {"OutputLocation": "s3://answers/"},
    }
    for name, may, refused in (
        ("only-asks", [asking], "Unable to verify/create output bucket answers"),
        ("only-stores", [asking, storing], "is not authorized to perform: glue:GetDatabase"),
        ("not-default", [asking, storing, reading], "glue:GetDatabase on resource: .*:database/default"),
    ):
        with pytest.raises(ClientError, match=refused):
            account.acting("athena", name, *may).start_query_execution(**query)


def test_a_function_acts_and_logs_as_its_role(account: Account) -> None:
    """It has its role's credentials; a role that may write no log leaves none, and the function runs all the same."""
    function = account.function("silent", account.role("silent"))
    answer = account.client("lambda").invoke(FunctionName=function)["Payload"].read()
    assert ":assumed-role/silent/" in json.loads(answer)
    assert account.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"] == []


def test_a_functions_url_asks_for_two_permissions(account: Account) -> None:
    """To invoke by a URL, and to invoke: with one of them a caller is refused, and invokes by nothing but the URL."""
    arn = account.function("by-url", account.role("by-url", {**ANYWHERE, "Action": "logs:*"}))
    client = account.client("lambda")
    url = client.create_function_url_config(FunctionName="by-url", AuthType="AWS_IAM")["FunctionUrl"]
    by_url = {"Effect": "Allow", "Action": "lambda:InvokeFunctionUrl", "Resource": arn}
    condition = {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}
    invoke = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": arn, "Condition": condition}

    def ask(name: str, *statements: dict[str, Any]) -> bytes:
        role = account.role(name, *statements)
        given = account.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        keys = {
            "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
            "AWS_SESSION_TOKEN": given["SessionToken"],
        }
        variables = {**account.running.environment(), **keys}
        session = Session(Target.EMBEDDED, variables, gateway.ACCOUNT, gateway.REGION)
        return FunctionUrl(session, {"FunctionUrl": url}).ask(b"{}", "application/json", notice=print)

    for name, statement in (("url-only", by_url), ("invoke-only", invoke)):
        with pytest.raises(NoAnswerError, match=r"Forbidden\. For troubleshooting Function URL authorization"):
            ask(name, statement)
    assert b"assumed-role/by-url" in ask("url-and-invoke", by_url, invoke)
    with pytest.raises(ClientError, match="not authorized to perform: lambda:InvokeFunction"):
        account.acting("lambda", "invokes", by_url, invoke).invoke(FunctionName="by-url")


def test_a_state_machine_invokes_what_its_role_may(account: Account) -> None:
    """Without lambda:InvokeFunction the execution fails, with AWS's sentence for the cause."""
    function = account.function("asked", account.role("asked"))
    steps = {"StartAt": "Ask", "States": {"Ask": {"Type": "Task", "Resource": function, "End": True}}}
    machine = account.client("stepfunctions").create_state_machine(
        name="asks", definition=json.dumps(steps), roleArn=account.role("asks", service="states")
    )
    steps_of = account.client("stepfunctions")
    execution = steps_of.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    while (ended := steps_of.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(0.05)
    assert ended["status"] == "FAILED"
    assert "assumed-role/asks/" in ended["cause"]
    assert "is not authorized to perform: lambda:InvokeFunction" in ended["cause"]


def test_a_state_machine_trains_what_its_role_may(account: Account) -> None:
    """To wait for a job it needs Step Functions' rule for its events, and the right to tag the job that it makes."""
    execution_role = account.role("trains", service="sagemaker")
    parameters = {
        "TrainingJobName": "of-states",
        "RoleArn": execution_role,
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://nowhere/states"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    task = {"Type": "Task", "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync", "End": True}
    definition = json.dumps({"StartAt": "Train", "States": {"Train": {**task, "Parameters": parameters}}})
    states = account.client("stepfunctions")
    passing = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": execution_role}
    creating = {**ANYWHERE, "Action": "sagemaker:CreateTrainingJob"}
    with pytest.raises(ClientError, match="is not authorized to create managed-rule") as refused:
        states.create_state_machine(
            name="no-rule", definition=definition, roleArn=account.role("no-rule", creating, passing, service="states")
        )
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    properties = {"RoleArn": f"arn:aws:iam::{gateway.ACCOUNT}:role/no-rule", "DefinitionString": definition}
    machine_type = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    stacks = account.client("cloudformation")
    stacks.create_stack(StackName="no-rule", TemplateBody=json.dumps({"Resources": {"Machine": machine_type}}))
    with pytest.raises(WaiterError, match="ROLLBACK_COMPLETE"):
        stacks.get_waiter("stack_create_complete").wait(StackName="no-rule", WaiterConfig={"Delay": 0.1})
    events_of = stacks.describe_stack_events(StackName="no-rule")["StackEvents"]
    [told] = [each for each in events_of if each["ResourceStatus"] == "CREATE_FAILED"]
    assert "is not authorized to create managed-rule. (Service: AWSStepFunctions;" in told["ResourceStatusReason"]
    rule = f"arn:aws:events:{gateway.REGION}:{gateway.ACCOUNT}:rule/StepFunctionsGetEventsForSageMakerTrainingJobsRule"
    events = {"Effect": "Allow", "Action": ["events:PutTargets", "events:PutRule", "events:DescribeRule"]}
    role = account.role("no-tags", creating, passing, {**events, "Resource": rule}, service="states")
    machine = states.create_state_machine(name="no-tags", definition=definition, roleArn=role)
    execution = states.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    while (ended := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(0.05)
    assert ended["error"] == "SageMaker.AmazonSageMakerException"
    assert "assumed-role/no-tags/" in ended["cause"]
    assert "is not authorized to perform: sagemaker:AddTags" in ended["cause"]


CREATING = {**ANYWHERE, "Action": "sagemaker:CreateTrainingJob"}
TAGGING = {**ANYWHERE, "Action": "sagemaker:AddTags"}
PASSING = {**ANYWHERE, "Action": "iam:PassRole"}


@pytest.mark.parametrize(
    ("name", "statements", "operation", "lacking"),
    [
        ("pipes-nothing", [TAGGING, PASSING], "sagemaker:CreateTrainingJob", "sagemaker:CreateTrainingJob"),
        ("pipes-untagged", [CREATING, PASSING], "sagemaker:CreateTrainingJob", "sagemaker:AddTags"),
        ("pipes-unpassed", [CREATING, TAGGING], "sagemaker:CreateTrainingJob", "iam:PassRole"),
        ("pipes-uninvoked", [], "lambda:Invoke", "lambda:InvokeFunction"),
    ],
)
def test_a_pipeline_does_what_its_role_may(
    account: Account, name: str, statements: list[dict[str, Any]], operation: str, lacking: str
) -> None:
    """A step that needs more fails, with what it wanted to call and IAM's sentence; nothing is made then."""
    arguments = {
        "RoleArn": f"arn:aws:iam::{gateway.ACCOUNT}:role/{name}",
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://nowhere/pipes"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    step = {"Name": "Step", "Type": "Training", "Arguments": arguments}
    if operation.startswith("lambda:"):
        function = f"arn:aws:lambda:{gateway.REGION}:{gateway.ACCOUNT}:function:nothing"
        step = {"Name": "Step", "Type": "Lambda", "FunctionArn": function, "Arguments": {}}
    sagemaker = account.client("sagemaker")
    role = account.role(name, *statements, service="sagemaker")
    definition = json.dumps({"Version": "2020-12-01", "Steps": [step]})
    sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=definition, RoleArn=role)
    execution = {"PipelineExecutionArn": sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]}
    while (ended := sagemaker.describe_pipeline_execution(**execution))["PipelineExecutionStatus"] == "Executing":
        time.sleep(0.05)
    assert (ended["PipelineExecutionStatus"], ended["FailureReason"]) == (
        "Failed",
        "Step failure: One or multiple steps failed.",
    )
    [told] = sagemaker.list_pipeline_execution_steps(**execution)["PipelineExecutionSteps"]
    assert told["StepStatus"] == "Failed"
    assert told["FailureReason"].startswith(f"ClientError: Failed to invoke {operation}. Error Details: ")
    assert f"assumed-role/{name}/" in told["FailureReason"]
    assert f"is not authorized to perform: {lacking} " in told["FailureReason"]
    assert not sagemaker.list_training_jobs(NameContains="pipelines-")["TrainingJobSummaries"]


def test_a_pipeline_is_given_a_role_only_by_who_may_pass_it(account: Account) -> None:
    """Who makes one needs iam:PassRole on its role; who starts it does not."""
    role = account.role("pipes", service="sagemaker")
    failing = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "enough"}}
    definition = json.dumps({"Version": "2020-12-01", "Steps": [failing]})
    pipeline = {"PipelineName": "passed", "PipelineDefinition": definition, "RoleArn": role}
    may = [f"sagemaker:{each}" for each in ("CreatePipeline", "DescribePipelineExecution", "StartPipelineExecution")]
    student = account.acting("sagemaker", "pipes-student", {**ANYWHERE, "Action": may})
    with pytest.raises(ClientError, match=f"is not authorized to perform: iam:PassRole on resource: {role}") as refused:
        student.create_pipeline(**pipeline)
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    account.client("sagemaker").create_pipeline(**pipeline)
    started = student.start_pipeline_execution(PipelineName="passed")
    assert student.describe_pipeline_execution(PipelineExecutionArn=started["PipelineExecutionArn"])


def test_a_schedule_is_given_a_role_only_by_who_may_pass_it(account: Account) -> None:
    """iam:PassRole is asked for the schedule's target."""
    scheduler = account.acting("scheduler", "planner", {**ANYWHERE, "Action": "scheduler:*"})
    target = {"Arn": f"arn:aws:sqs:{gateway.REGION}:{gateway.ACCOUNT}:none", "RoleArn": account.role("fires")}
    with pytest.raises(ClientError, match="iam:PassRole"):
        scheduler.create_schedule(
            Name="end", ScheduleExpression="rate(1 day)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
        )


@pytest.mark.parametrize(
    ("name", "trust", "reason"),
    [
        ("puller", {}, "ecr:GetAuthorizationToken"),
        ("stranger", {"Condition": {"StringEquals": {"aws:SourceAccount": "1" * 12}}}, "sts:AssumeRole"),
    ],
)
def test_a_job_does_what_its_role_may(account: Account, name: str, trust: dict[str, Any], reason: str) -> None:
    """A role that may not pull the image, or trusts SageMaker for another account only, fails its job by that name."""
    may = [] if not trust else [{**ANYWHERE, "Action": "*"}]
    account.client("s3").create_bucket(Bucket=name)
    role = account.role(name, *may, service="sagemaker", **trust)
    sagemaker = account.client("sagemaker")
    sagemaker.create_training_job(
        TrainingJobName=name,
        RoleArn=role,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File", "ContainerEntrypoint": ["true"]},
        InputDataConfig=[
            {
                "ChannelName": "train",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{name}/data/"}},
            }
        ],
        OutputDataConfig={"S3OutputPath": f"s3://{name}/"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )
    while (job := sagemaker.describe_training_job(TrainingJobName=name))["TrainingJobStatus"] == "InProgress":
        time.sleep(0.05)
    assert job["TrainingJobStatus"] == "Failed"
    assert f"is not authorized to perform: {reason}" in job["FailureReason"]


def test_a_model_does_what_its_role_may(account: Account) -> None:
    """A role that may not read the model data has no model, one that may not pull the image no endpoint."""
    s3, sagemaker = account.client("s3"), account.client("sagemaker")
    s3.create_bucket(Bucket="served")
    s3.put_object(Bucket="served", Key="model.tar.gz", Body=b"model")
    role = account.role("server", service="sagemaker")
    model = {
        "ModelName": "served",
        "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": "s3://served/model.tar.gz"},
        "ExecutionRoleArn": role,
    }
    with pytest.raises(ClientError, match=f'Could not access model data at .*the role "{role}"') as refused:
        sagemaker.create_model(**model)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    account.client("iam").put_role_policy(
        RoleName="server", PolicyName="all", PolicyDocument=policy({**ANYWHERE, "Action": "s3:*"})
    )
    sagemaker.create_model(**model)
    variant = {"VariantName": "v", "ModelName": "served", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="served", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="served", EndpointConfigName="served")
    while (endpoint := sagemaker.describe_endpoint(EndpointName="served"))["EndpointStatus"] == "Creating":
        time.sleep(0.05)
    sentence = f"The role '{role}' does not have BatchGetImage permission for the image: '{IMAGE}'."
    assert (endpoint["EndpointStatus"], endpoint["FailureReason"]) == ("Failed", sentence)


def test_it_tells_at_its_end_which_statements_were_needed(account: Account) -> None:
    """Of two statements that allow a request neither is needed; one that alone allowed one is; one may be unused."""
    sometimes, always = {**ANYWHERE, "Action": "sqs:ListQueues"}, {**ANYWHERE, "Action": "s3:ListAllMyBuckets"}
    role = account.role("listener", always, {**always, "Action": "s3:List*"}, {**always, "Action": "sns:*"}, sometimes)
    given = account.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    credentials = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    account.client("s3", *credentials).list_buckets()
    account.client("sns", *credentials).list_topics()
    gateway.stop(account.home)
    told = [each for each in json.loads((account.home / "statements.json").read_text()) if each["role"] == "listener"]
    uses = {each["statement"]["Action"][0]: (each["decided"] > 0, each["alone"] > 0) for each in told}
    assert uses == {
        "s3:ListAllMyBuckets": (True, False),
        "s3:List*": (True, False),
        "sns:*": (True, True),
        "sqs:ListQueues": (False, False),
    }
