"""API Gateway's REST APIs, called by AWS's names through the gateway's proxy, as any program of a lab's shell does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from cli.aws.http_client import Answer, HttpClient
from cli.aws.session import Session, Target
from embedded_aws import gateway
from tests import functions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.embedded_aws.account import Account

ECHO = """
import json
def handler(event, context):
    sent = {"body": event["body"], "base64": event["isBase64Encoded"], "id": event["requestContext"]["requestId"]}
    return {"statusCode": 200, "body": json.dumps({**sent, "body": sent["body"] and sent["body"][:20]})}
"""
SCHEMA = json.dumps({"type": "object", "required": ["name"]})
LOG_FORMAT = json.dumps({"id": "$context.requestId", "status": "$context.status", "path": "$context.path",
                         "key": "$context.identity.apiKeyId", "error": "$context.error.responseType"})  # fmt: skip
GROUP, ROLE_NEEDED = "rest-access", "CloudWatch Logs role ARN must be set in account settings to enable logging"


@pytest.fixture(scope="module")
def http(embedded: gateway.Gateway) -> HttpClient:
    """A client as in a lab's shell."""
    return HttpClient(Session(Target.EMBEDDED, embedded.environment(), gateway.ACCOUNT, gateway.REGION))


class Api:
    """POST /echo, with a key, behind a function that says what it got."""

    def __init__(self, client: Callable[[str], Any], http: HttpClient, role: str) -> None:
        self.rest, self._http = client("apigateway"), http
        function = functions.make(client("lambda"), "echo", role=role, source=ECHO)
        self.id = self.rest.create_rest_api(name="echoes", binaryMediaTypes=["image/png"])["id"]
        root = self.rest.get_resources(restApiId=self.id)["items"][0]["id"]
        place: dict[str, Any] = {"restApiId": self.id, "resourceId": self._resource(root), "httpMethod": "POST"}
        validator = self.rest.create_request_validator(restApiId=self.id, validateRequestBody=True)["id"]
        self.rest.create_model(restApiId=self.id, name="Named", contentType="application/json", schema=SCHEMA)
        self.rest.put_method(
            **place,
            authorizationType="NONE",
            apiKeyRequired=True,
            requestValidatorId=validator,
            requestModels={"application/json": "Named"},
        )
        uri = f"arn:aws:apigateway:{gateway.REGION}:lambda:path/2015-03-31/functions/{function}/invocations"
        self.rest.put_integration(**place, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
        self.rest.create_deployment(restApiId=self.id, stageName="v1")
        self.key = self.rest.create_api_key(name="echoes", enabled=True)
        plan = self.rest.create_usage_plan(name="echoes", apiStages=[{"apiId": self.id, "stage": "v1"}])["id"]
        self.rest.create_usage_plan_key(usagePlanId=plan, keyId=self.key["id"], keyType="API_KEY")
        self.plan = plan

    def _resource(self, root: str) -> str:
        made = self.rest.create_resource(restApiId=self.id, parentId=root, pathPart="echo")
        return str(made["id"])

    def __call__(self, body: bytes, content_type: str = "application/json", *, key: str | None = None) -> Answer:
        """Call the method by AWS's name for it."""
        url = f"https://{self.id}.execute-api.{gateway.REGION}.amazonaws.com/v1/echo"
        headers = {"Content-Type": content_type, "x-api-key": self.key["value"] if key is None else key}
        return self._http.send("POST", url, headers=headers, body=body)


@pytest.fixture(scope="module")
def api(client: Callable[[str], Any], http: HttpClient, account: Account) -> Iterator[Api]:
    """The API, which is gone afterwards."""
    made = Api(client, http, account.role)
    yield made
    made.rest.delete_rest_api(restApiId=made.id)


def test_it_answers_by_awss_own_name_and_to_its_key_alone(api: Api) -> None:
    """A wrong key is answered 403, in API Gateway's words."""
    assert json.loads(api(b'{"name": 1}').content)["body"] == '{"name": 1}'
    refused = api(b'{"name": 1}', key="wrong")
    assert (refused.status, json.loads(refused.content)) == (403, {"message": "Forbidden"})


def test_a_body_is_validated_by_the_model_of_its_own_type(api: Api) -> None:
    """JSON by JSON's model; a picture, of whose type there is none, not at all, and it comes in base64."""
    refused = api(b"[]")
    assert (refused.status, json.loads(refused.content)["message"]) == (400, "Invalid request body")
    picture = api(b"\x89PNG", "image/png")
    assert json.loads(picture.content) | {"id": ""} == {"body": "iVBORw==", "base64": True, "id": ""}


def test_a_templates_method_is_validated_by_its_validator(api: Api, client: Callable[[str], Any]) -> None:
    """And no longer, once the template says so; with the stack the validator goes."""
    stacks = client("cloudformation")
    place = {"RestApiId": api.id, "ResourceId": {"Ref": "Place"}, "HttpMethod": "POST"}
    [root] = [each["id"] for each in api.rest.get_resources(restApiId=api.id)["items"] if each["path"] == "/"]
    integration = {"Type": "MOCK", "RequestTemplates": {"application/json": '{"statusCode": 200}'}}

    def template(*, validates: bool) -> str:
        properties = {
            "Place": {"RestApiId": api.id, "ParentId": root, "PathPart": "made"},
            "Validator": {"RestApiId": api.id, "ValidateRequestBody": validates},
            "Method": {
                **place,
                "AuthorizationType": "NONE",
                "RequestValidatorId": {"Ref": "Validator"},
                "RequestModels": {"application/json": "Named"},
                "Integration": integration,
            },
        }
        kinds = {"Place": "Resource", "Validator": "RequestValidator", "Method": "Method"}
        made = {
            name: {"Type": f"AWS::ApiGateway::{kinds[name]}", "Properties": each} for name, each in properties.items()
        }
        return json.dumps({"Resources": made})

    def status() -> int:
        url = f"https://{api.id}.execute-api.{gateway.REGION}.amazonaws.com/v1/made"
        return api._http.send("POST", url, headers={"Content-Type": "application/json"}, body=b"[1]").status

    before = api.rest.get_request_validators(restApiId=api.id)["items"]
    stacks.create_stack(StackName="validated", TemplateBody=template(validates=True))
    stacks.get_waiter("stack_create_complete").wait(StackName="validated", WaiterConfig={"Delay": 1})
    assert status() == 400
    stacks.update_stack(StackName="validated", TemplateBody=template(validates=False))
    stacks.get_waiter("stack_update_complete").wait(StackName="validated", WaiterConfig={"Delay": 1})
    assert status() == 200
    stacks.delete_stack(StackName="validated")
    stacks.get_waiter("stack_delete_complete").wait(StackName="validated", WaiterConfig={"Delay": 1})
    assert api.rest.get_request_validators(restApiId=api.id)["items"] == before


def test_what_is_too_large_is_refused_where_it_is(api: Api) -> None:
    """From 10 MB on by API Gateway, in a text; before that by Lambda, whose event has a picture in base64."""
    large = api(bytes(4_750_000), "image/png")
    assert (large.status, json.loads(large.content)) == (413, {"message": "Request Too Long"})
    larger = api(bytes(10_485_761), "image/png")
    assert (larger.status, larger.content) == (413, b"HTTP content length exceeded 10485760 bytes.")
    assert api(bytes(4_500_000), "image/png").status == 200


def test_a_plan_bounds_the_rate(api: Api) -> None:
    """Two at once are too many for one a second."""
    for path, value in (("/throttle/rateLimit", "0.001"), ("/throttle/burstLimit", "1")):
        operation = {"op": "replace", "path": path, "value": value}
        api.rest.update_usage_plan(usagePlanId=api.plan, patchOperations=[operation])
    answers = [api(b'{"name": 1}') for _ in range(2)]
    for path in ("/throttle/rateLimit", "/throttle/burstLimit"):
        operation = {"op": "replace", "path": path, "value": "1000"}
        api.rest.update_usage_plan(usagePlanId=api.plan, patchOperations=[operation])
    assert [each.status for each in answers] == [200, 429]
    assert json.loads(answers[1].content) == {"message": "Too Many Requests"}


def test_each_request_is_in_the_access_log_of_a_template(
    api: Api, client: Callable[[str], Any], account: Account
) -> None:
    """With the id that its answer has; only once the account has a role to write it with, which is refused before."""
    stacks, logs = client("cloudformation"), client("logs")
    logs.create_log_group(logGroupName=GROUP)
    deployment = api.rest.get_deployments(restApiId=api.id)["items"][0]["id"]
    group = f"arn:aws:logs:{gateway.REGION}:{gateway.ACCOUNT}:log-group:{GROUP}"
    stage = {
        "RestApiId": api.id,
        "DeploymentId": deployment,
        "StageName": "logged",
        "AccessLogSetting": {"DestinationArn": group, "Format": LOG_FORMAT},
    }
    template = json.dumps({"Resources": {"Stage": {"Type": "AWS::ApiGateway::Stage", "Properties": stage}}})
    stacks.create_stack(StackName="logged", TemplateBody=template)
    with pytest.raises(Exception, match="Waiter StackCreateComplete failed"):
        stacks.get_waiter("stack_create_complete").wait(StackName="logged", WaiterConfig={"Delay": 1})
    reasons = [
        each.get("ResourceStatusReason", "") for each in stacks.describe_stack_events(StackName="logged")["StackEvents"]
    ]
    assert any(ROLE_NEEDED in each for each in reasons)

    role = {"op": "replace", "path": "/cloudwatchRoleArn", "value": account.role}
    api.rest.update_account(patchOperations=[role])
    stacks.create_stack(StackName="logged-2", TemplateBody=template)
    stacks.get_waiter("stack_create_complete").wait(StackName="logged-2", WaiterConfig={"Delay": 1})
    url = f"https://{api.id}.execute-api.{gateway.REGION}.amazonaws.com/logged/echo"
    answer = api._http.send("POST", url, headers={"Content-Type": "application/json"}, body=b"{}")
    [event] = logs.filter_log_events(logGroupName=GROUP)["events"]
    assert json.loads(event["message"]) == {
        "id": dict(answer.headers)["x-amzn-requestid"],
        "status": "403",
        "path": "/logged/echo",
        "key": "-",
        "error": "INVALID_API_KEY",
    }
    for name in ("logged", "logged-2"):
        stacks.delete_stack(StackName=name)
    with pytest.raises(ClientError, match="The role ARN is not well formed"):
        api.rest.update_account(patchOperations=[{**role, "value": ""}])
    api.rest.update_account(patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn"}])
    assert not api.rest.get_account().get("cloudwatchRoleArn")
    logs.delete_log_group(logGroupName=GROUP)
