"""Workforces, work teams and worker task templates: made, told of, changed and deleted as on AWS."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded_aws.account import until
from tests.embedded_aws.services.sagemaker import calls
from tests.embedded_aws.services.sagemaker.calls import ARN, POOL
from tests.embedded_aws.services.sagemaker.test_cloudformation import Stack

if TYPE_CHECKING:
    from embedded_aws.services.sagemaker.service import SageMaker

PEOPLE = {"WorkforceName": "people"}
MEMBER = {"CognitoMemberDefinition": {**POOL, "UserGroup": "labelers"}}


def active(sagemaker: Any) -> dict[str, Any]:
    """Wait until the workforce is; what Describe answers then."""
    until(lambda: sagemaker.describe_workforce(**PEOPLE)["Workforce"]["Status"] == "Active", 10)
    return dict(sagemaker.describe_workforce(**PEOPLE)["Workforce"])


def test_the_life_of_a_workforce(sagemaker: Any) -> None:
    """Initializing, Active, updated, gone; there is one in a region, and it goes after its teams."""
    arn = calls.workforce(sagemaker)["WorkforceArn"]
    assert arn == f"{ARN}:workforce/people"
    made = active(sagemaker)
    assert re.fullmatch(r"[a-z0-9]{10}\.labeling\.us-east-1\.sagemaker\.aws", made["SubDomain"])
    code, message = calls.refusal(lambda: calls.workforce(sagemaker, "others"))
    assert (code, message.partition(".")[0]) == (
        "ValidationException",
        "Cannot create more than one workforce for account 000000000000",
    )
    addresses = {"Cidrs": ["10.0.0.0/16"]}
    sagemaker.update_workforce(**PEOPLE, SourceIpConfig=addresses, IpAddressType="dualstack")
    changed = active(sagemaker)
    assert (changed["SourceIpConfig"], changed["IpAddressType"]) == (addresses, "dualstack")
    assert [each["WorkforceName"] for each in sagemaker.list_workforces(NameContains="eop")["Workforces"]] == ["people"]
    calls.workteam(sagemaker)
    assert calls.refusal(sagemaker.delete_workforce, **PEOPLE)[0] == "ResourceInUse"
    sagemaker.delete_workteam(WorkteamName="team")
    sagemaker.delete_workforce(**PEOPLE)
    until(lambda: not sagemaker.list_workforces()["Workforces"], 10)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"SourceIpConfig": {"Cidrs": ["10.0.0.0/16"] * 11}}, "10 is the most"),
        ({"OidcConfig": {}, "CognitoConfig": POOL}, "does not offer OidcConfig"),
    ],
)
def test_a_workforce_that_is_refused(unchecked: Any, request_: dict[str, Any], said: str) -> None:
    """The sentence names what is wrong, and none is made."""
    if "OidcConfig" in request_:
        members = ("ClientId", "ClientSecret", "Issuer", "AuthorizationEndpoint", "TokenEndpoint")
        given = dict.fromkeys((*members, "UserInfoEndpoint", "LogoutEndpoint", "JwksUri"), "https://example.com")
        request_ = {**request_, "OidcConfig": given}
    assert said in calls.refusal(lambda: calls.workforce(unchecked, **request_))[1]
    assert unchecked.list_workforces()["Workforces"] == []


def test_the_life_of_a_team(sagemaker: Any) -> None:
    """It has its workforce's portal, is listed in any order, changed, and gone."""
    calls.workforce(sagemaker)
    portal = active(sagemaker)["SubDomain"]
    for name in ("beta", "Alpha"):
        calls.workteam(sagemaker, name, WorkforceName="people")
    team = sagemaker.describe_workteam(WorkteamName="alpha")["Workteam"]
    assert team["WorkteamArn"] == f"{ARN}:workteam/private-crowd/alpha"
    assert (team["SubDomain"], team["WorkforceArn"]) == (portal, f"{ARN}:workforce/people")
    listed = sagemaker.list_workteams(SortBy="Name", SortOrder="Ascending")["Workteams"]
    assert [each["WorkteamName"] for each in listed] == ["Alpha", "beta"]
    topic = {"NotificationTopicArn": "arn:aws:sns:us-east-1:000000000000:told"}
    changed = sagemaker.update_workteam(WorkteamName="alpha", Description="they", NotificationConfiguration=topic)
    assert changed["Workteam"]["Description"] == "they"
    assert changed["Workteam"]["NotificationConfiguration"] == topic
    assert sagemaker.delete_workteam(WorkteamName="alpha")["Success"] is True
    assert [each["WorkteamName"] for each in sagemaker.list_workteams()["Workteams"]] == ["beta"]


def test_a_team_without_a_workforce_gets_one(sagemaker: Any) -> None:
    """It is named default; a second team is of the same."""
    for name in ("one", "two"):
        calls.workteam(sagemaker, name)
    assert [each["WorkforceName"] for each in sagemaker.list_workforces()["Workforces"]] == ["default"]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([MEMBER, {"CognitoMemberDefinition": {**POOL, "ClientId": "other", "UserGroup": "a"}}], "the same UserPool"),
        ([{"CognitoMemberDefinition": {**POOL, "ClientId": "other", "UserGroup": "a"}}], "of its workforce people"),
        ([{}], "must have a CognitoMemberDefinition"),
    ],
)
def test_members_that_are_refused(sagemaker: Any, members: list[Any], said: str) -> None:
    """A team's members are of one pool and client, its workforce's."""
    calls.workforce(sagemaker)
    assert said in calls.refusal(lambda: calls.workteam(sagemaker, MemberDefinitions=members))[1]
    assert sagemaker.list_workteams()["Workteams"] == []


def test_the_life_of_a_template(sagemaker: Any) -> None:
    """Describe tells its digest and not its text; it is listed, rendered, and gone."""
    content = "<crowd-form>{{ task.input.text }} {{ task.input.labels | to_json | escape }}</crowd-form>"
    arn = calls.human_task_ui(sagemaker, content=content)["HumanTaskUiArn"]
    described = sagemaker.describe_human_task_ui(HumanTaskUiName="template")
    assert described["UiTemplate"] == {"ContentSha256": hashlib.sha256(content.encode()).hexdigest()}
    assert described["HumanTaskUiStatus"] == "Active"
    [listed] = sagemaker.list_human_task_uis(SortOrder="Ascending")["HumanTaskUiSummaries"]
    assert listed["HumanTaskUiArn"] == arn
    task = {"Input": '{"text": "a < b", "labels": ["x", "y"]}'}
    rendered = sagemaker.render_ui_template(HumanTaskUiArn=arn, Task=task, RoleArn=calls.ROLE)
    assert rendered["RenderedContent"] == "<crowd-form>a &lt; b [&#34;x&#34;, &#34;y&#34;]</crowd-form>"
    assert rendered["Errors"] == []
    sagemaker.delete_human_task_ui(HumanTaskUiName="template")
    assert calls.refusal(sagemaker.describe_human_task_ui, HumanTaskUiName="template")[0] == "ResourceNotFound"


@pytest.mark.parametrize(
    ("content", "task_input", "said"),
    [
        ("{% if %}", "{}", ""),
        ("{{ task.input.a }}", "{ ", "not valid JSON"),
        ("{{ task.input.a }}", "[]", "not a JSON object"),
    ],
)
def test_a_template_that_can_not_be_rendered(sagemaker: Any, content: str, task_input: str, said: str) -> None:
    """RenderUiTemplate answers why among its errors."""
    answer = sagemaker.render_ui_template(
        UiTemplate={"Content": content}, Task={"Input": task_input}, RoleArn=calls.ROLE
    )
    assert said in answer["Errors"][0]["Message"]
    assert answer["RenderedContent"] == ""


def test_filters_of_templates(sagemaker: Any) -> None:
    """The guide's own: escaped at once or not at all, and a link to an object that is not public."""
    content = "{{ task.input.html }}|{{ task.input.html | skip_autoescape }}|{{ task.input.photo | grant_read_access }}"
    task = {"Input": '{"html": "<b>", "photo": "https://example.com/a.png"}'}
    answer = sagemaker.render_ui_template(UiTemplate={"Content": content}, Task=task, RoleArn=calls.ROLE)
    assert answer["RenderedContent"] == "&lt;b&gt;|<b>|https://example.com/a.png"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"LabelAttributeName": "brick-metadata"}, 'must not end with "-metadata"'),
        ({"LabelAttributeName": "brick-ref"}, 'must not end with "-ref"'),
        ({"human": {"UiConfig": {}}}, "must have a UiTemplateS3Uri"),
        ({"human": {"TaskTimeLimitInSeconds": 28_801}}, "28800 is the most"),
        ({"human": {"MaxConcurrentTaskCount": 1001}}, "1000 is the most"),
        ({"human": {"WorkteamArn": f"{ARN}:workteam/public-crowd/default"}}, "no work teams of public-crowd"),
        ({"human": {"WorkteamArn": f"{ARN}:workteam/private-crowd/none"}}, "does not exist or you do not have access"),
        ({"OutputConfig": {"S3OutputPath": "https://example.com/a"}}, "is no place in S3"),
        (
            {"human": {"PreHumanTaskLambdaArn": "arn:aws:lambda:us-east-1:432418664414:function:PRE-BoundingBox"}},
            "does not offer the task type BoundingBox",
        ),
        (
            {"human": {"PreHumanTaskLambdaArn": "arn:aws:lambda:us-east-1:432418664414:function:PRE-ImageMultiClass"}},
            "needs a LabelCategoryConfigS3Uri",
        ),
        (
            {"InputConfig": {"DataSource": {"SnsDataSource": {"SnsTopicArn": "arn:aws:sns:us-east-1:000000000000:t"}}}},
            "does not offer InputConfig.DataSource.SnsDataSource",
        ),
    ],
)
def test_a_labeling_job_that_is_refused(sagemaker: Any, more: dict[str, Any], said: str) -> None:
    """The sentence says what is wrong, and no job is made."""
    assert said in calls.refusal(lambda: calls.labeling_job(sagemaker, **more))[1]
    assert sagemaker.list_labeling_jobs()["LabelingJobSummaryList"] == []


def test_jobs_of_a_team(sagemaker: Any) -> None:
    """They are listed with their codes and counters, page by page."""
    for name in ("one", "two"):
        calls.labeling_job(sagemaker, name)
    team = {"WorkteamArn": f"{ARN}:workteam/private-crowd/team"}
    first = sagemaker.list_labeling_jobs_for_workteam(**team, MaxResults=1)
    [job] = first["LabelingJobSummaryList"]
    assert (job["LabelingJobName"], job["WorkRequesterAccountId"]) == ("one", "000000000000")
    assert job["JobReferenceCode"] == sagemaker.describe_labeling_job(LabelingJobName="one")["JobReferenceCode"]
    second = sagemaker.list_labeling_jobs_for_workteam(**team, MaxResults=1, NextToken=first["NextToken"])
    assert [each["LabelingJobName"] for each in second["LabelingJobSummaryList"]] == ["two"]
    sagemaker.stop_labeling_job(LabelingJobName="two")
    refused = calls.refusal(sagemaker.stop_labeling_job, LabelingJobName="two")
    assert refused == ("ValidationException", "The request was rejected because the labeling job is in status Stopped.")


def test_in_a_template_of_cloudformation(service: SageMaker, sagemaker: Any) -> None:
    """A workforce with its portal, a team whose members have other names there, and a template."""
    stack = Stack(service)
    ref, told = stack.create("Workforce", WorkforceName="people", CognitoConfig=POOL)
    assert ref == f"{ARN}:workforce/people"
    assert told["SubDomain"] == active(sagemaker)["SubDomain"]
    cognito = {"CognitoUserPool": POOL["UserPool"], "CognitoClientId": POOL["ClientId"], "CognitoUserGroup": "labelers"}
    team = {
        "WorkteamName": "team",
        "WorkforceName": "people",
        "Description": "us",
        "MemberDefinitions": [{"CognitoMemberDefinition": cognito}],
    }
    arn, _ = stack.create("Workteam", **team)
    assert sagemaker.describe_workteam(WorkteamName="team")["Workteam"]["MemberDefinitions"] == [MEMBER]
    stack.update("Workteam", arn, team, {**team, "Description": "they"})
    assert sagemaker.describe_workteam(WorkteamName="team")["Workteam"]["Description"] == "they"
    template, _ = stack.create(
        "HumanTaskUi", HumanTaskUiName="form", UiTemplate={"Content": "<crowd-form></crowd-form>"}
    )
    for resource_type, physical_id in (("HumanTaskUi", template), ("Workteam", arn), ("Workforce", ref)):
        stack.delete(resource_type, physical_id)
    assert not sagemaker.list_workforces()["Workforces"]
