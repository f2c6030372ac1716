"""A labeling job gives a team its manifest's objects, at their portal, and makes labels of what they say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests import functions
from tests.embedded_aws.account import BUCKET, Account, until
from tests.embedded_aws.labeler import Labeler, UserPool
from tests.embedded_aws.services.sagemaker import calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from embedded_aws.gateway import Gateway

OF_AWS = "arn:aws:lambda:us-east-1:432418664414:function:"
BUILT_IN = {
    "PreHumanTaskLambdaArn": f"{OF_AWS}PRE-ImageMultiClass",
    "AnnotationConsolidationConfig": {"AnnotationConsolidationLambdaArn": f"{OF_AWS}ACS-ImageMultiClass"},
}
LABELS = ("Cat", "Dog", "Bird", "Other")
# AWS's own template for images (aws-samples/amazon-sagemaker-ground-truth-task-uis), with the job's labels.
TEMPLATE = """<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
<crowd-form>
  <crowd-image-classifier
    name="crowd-image-classifier"
    src="{{ task.input.taskObject | grant_read_access }}"
    header="Please select the correct category for this image"
    categories="{{ task.input.labels | to_json | escape }}"
  >
    <full-instructions header="Classification Instructions"><p>Inspect the image.</p></full-instructions>
    <short-instructions><p>Choose the label that best suits the image.</p></short-instructions>
  </crowd-image-classifier>
</crowd-form>
"""
TEXT_TEMPLATE = """<crowd-form><crowd-classifier name="mood" categories="['good','bad']" header="Which?">
<classification-target>{{ task.input.text }}</classification-target></crowd-classifier></crowd-form>"""
BEFORE = """
def handler(event, context):
    assert event["version"] == "2018-10-16" and ":labeling-job/" in event["labelingJobArn"]
    text = event["dataObject"]["source"]
    return {"taskInput": {"text": text.upper()}, "isHumanAnnotationRequired": text != "nothing"}
"""
AFTER = """
import json, boto3

def handler(event, context):
    bucket, _, key = event["payload"]["s3Uri"].removeprefix("s3://").partition("/")
    found = json.loads(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    return [
        {
            "datasetObjectId": one["datasetObjectId"],
            "consolidatedAnnotation": {"content": {event["labelAttributeName"]: {
                "said": [json.loads(a["annotationData"]["content"]) for a in one["annotations"]],
                "text": one["dataObject"]["content"],
            }}},
        }
        for one in found
    ]
"""


@pytest.fixture(scope="module")
def team(client: Callable[[str], Any], account: Account) -> Iterator[UserPool]:
    """A team of three, with the templates and the labels of their jobs in the bucket."""
    account.put("labeling/template.html", TEMPLATE.encode())
    account.put("labeling/text.html", TEXT_TEMPLATE.encode())
    labels = {"document-version": "2018-11-28", "labels": [{"label": label} for label in LABELS]}
    account.put("labeling/labels.json", json.dumps(labels).encode())
    made = UserPool(client, "labelers", "ann", "ben", "cleo")
    made.add("stranger")
    yield made
    made.close()


@pytest.fixture(scope="module")
def people(embedded: Gateway, team: UserPool) -> list[Labeler]:
    """The three, signed in."""
    made = [Labeler(embedded.url, team.portal, name) for name in ("ann", "ben", "cleo")]
    for person in made:
        assert "Sign out" in person.sign_in()
    return made


@pytest.fixture
def start(account: Account, team: UserPool) -> Callable[..., str]:
    """Starts a job over these lines; the code by which its people know it."""

    def begin(
        name: str, lines: list[str], *, workers: int = 1, human: dict[str, Any] | None = None, **more: Any
    ) -> str:
        manifest = account.put(f"labeling/{name}.manifest", "\n".join(lines).encode())
        request = {
            "LabelAttributeName": "animal",
            "OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/labels"},
            "LabelCategoryConfigS3Uri": f"s3://{BUCKET}/labeling/labels.json",
            "RoleArn": account.role,
        }
        task = {
            "WorkteamArn": team.arn,
            "TaskTitle": name,
            "TaskDescription": "Which animal is it?",
            "NumberOfHumanWorkersPerDataObject": workers,
            "TaskTimeLimitInSeconds": 3600,
            **(BUILT_IN if human is None else human),
        }
        template = f"s3://{BUCKET}/labeling/template.html"
        calls.labeling_job(account.sagemaker, name, task, manifest=manifest, template=template, **{**request, **more})
        return str(described(account, name)["JobReferenceCode"])

    return begin


def described(account: Account, name: str) -> dict[str, Any]:
    """What Describe answers."""
    return dict(account.sagemaker.describe_labeling_job(LabelingJobName=name))


def ended(account: Account, name: str, status: str = "Completed") -> dict[str, Any]:
    """Wait until a job has ended; what Describe answers then."""

    def end() -> dict[str, Any] | None:
        found = described(account, name)
        return found if found["LabelingJobStatus"] in ("Completed", "Failed", "Stopped") else None

    found: dict[str, Any] = until(end)
    assert found["LabelingJobStatus"] == status, found
    return found


def manifest(account: Account, job: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines of a job's output manifest."""
    lines = account.get(job["LabelingJobOutput"]["OutputDatasetS3Uri"]).decode().splitlines()
    return [json.loads(line) for line in lines]


def photos(count: int) -> list[str]:
    """Lines of a manifest with so many photos, and a number that is passed on."""
    return [json.dumps({"source-ref": f"s3://{BUCKET}/photos/{n}.png", "number": n}) for n in range(count)]


def truth(page: str) -> str:
    """The label that the photo of a page has by its number."""
    number = int(page.partition("/photos/")[2].partition(".png")[0])
    return LABELS[number % len(LABELS)]


def wait_for(person: Labeler, code: str) -> None:
    """Wait until a job has something to do."""
    until(lambda: code in person.jobs())


def test_three_people_label_photos(account: Account, people: list[Labeler], start: Callable[..., str]) -> None:
    """Each photo goes to all three, once; two who are right outvote one, and everything is where AWS has it."""
    code = start("votes", photos(24), workers=3)
    ann, ben, cleo = people
    wait_for(ann, code)
    where, page = ann.task(code)
    assert ann.task(code)[0] == where  # the same until it is answered
    assert "X-Amz-Signature" in page
    assert "assets.crowd.aws" not in page

    def all_have_voted() -> bool:  # on a batch of ten, and one of all the rest
        for person, choose in ((ann, truth), (ben, truth), (cleo, lambda _page: "Other")):
            if code in person.jobs():
                person.label(code, choose)
        return bool(described(account, "votes")["LabelCounters"]["TotalLabeled"] == 24)

    until(all_have_voted)
    job = ended(account, "votes")
    assert job["LabelCounters"] == {
        "TotalLabeled": 24,
        "HumanLabeled": 24,
        "MachineLabeled": 0,
        "FailedNonRetryableError": 0,
        "Unlabeled": 0,
    }
    lines = manifest(account, job)
    assert [line["number"] for line in lines] == [*range(24)]
    assert [line["animal"] for line in lines] == [number % 4 for number in range(24)]
    metadata = lines[0]["animal-metadata"]
    assert {name: metadata[name] for name in ("class-name", "job-name", "human-annotated", "type")} == {
        "class-name": "Cat",
        "job-name": "labeling-job/votes",
        "human-annotated": "yes",
        "type": "groundtruth/image-classification",
    }
    assert 0 < metadata["confidence"] <= 1
    [file] = account.keys("labels/votes/annotations/worker-response/iteration-1/7/")
    answers = json.loads(account.get(f"s3://{BUCKET}/{file}"))["answers"]
    assert [each["answerContent"]["crowd-image-classifier"]["label"] for each in answers] == ["Other"] * 3
    assert {each["workerMetadata"]["identityData"]["identityProviderType"] for each in answers} == {"Cognito"}
    assert len({each["workerId"] for each in answers}) == 3
    requests = account.keys("labels/votes/annotations/consolidated-annotation/consolidation-request/iteration-1/")
    asked = [one for key in requests for one in json.loads(account.get(f"s3://{BUCKET}/{key}"))]
    assert len(requests) == 2
    assert {one["datasetObjectId"] for one in asked} == {str(number) for number in range(24)}
    assert asked[0]["dataObject"]["s3Uri"].endswith(".png")


def test_an_answer_is_taken_once(people: list[Labeler], account: Account, start: Callable[..., str]) -> None:
    """Sent again it is no error and changes nothing, after the job's end too; a task that is another's is refused."""
    code = start("once", photos(1))
    ann, ben, _ = people
    wait_for(ann, code)
    where, _ = ann.task(code)
    assert ben.task(code)[0] == ""  # it is Ann's
    assert ben.answer(where, {"crowd-image-classifier": {"label": "Dog"}}) == 409
    assert ann.answer(where, []) == 400
    assert ann.answer(where, {"crowd-image-classifier": {"label": "Cat"}}) == 200
    job = ended(account, "once")
    assert [line["animal-metadata"]["class-name"] for line in manifest(account, job)] == ["Cat"]
    assert manifest(account, job)[0]["animal-metadata"]["confidence"] == 0.0
    assert ann.answer(where, {"crowd-image-classifier": {"label": "Dog"}}) == 200
    assert ben.answer(where, {"crowd-image-classifier": {"label": "Dog"}}) == 409
    assert [line["animal-metadata"]["class-name"] for line in manifest(account, job)] == ["Cat"]


def test_a_task_is_released(account: Account, people: list[Labeler], start: Callable[..., str]) -> None:
    """Others get it, whoever released it after all others alone; a release that is sent again changes nothing."""
    code = start("released", photos(3))
    ann, ben, _ = people
    wait_for(ann, code)
    first, page = ann.task(code)
    assert ann.release(first, page)
    assert not ann.release(first, page)
    second, _ = ann.task(code)
    assert second != first
    assert not ben.release(second, page)  # it is Ann's
    assert ben.task(code)[0] == first
    assert ben.release(*ben.task(code))
    for where in (second, f"/jobs/{code}/tasks/2", first):
        assert ann.task(code)[0] == where
        assert not ann.release(where, page)  # it is an earlier one's receipt that got lost
        assert ann.answer(where, {"crowd-image-classifier": {"label": "Cat"}}) == 200
    assert described(account, "released")["LabelingJobStatus"] in {"InProgress", "Completed"}
    ended(account, "released")


def test_nobody_answers_for_another(people: list[Labeler], start: Callable[..., str]) -> None:
    """A script says for whom it asks, since somebody else may have signed in meanwhile: it is told so, and keeps it."""
    code = start("whose", photos(1), workers=2)
    ann, ben, _ = people
    wait_for(ann, code)
    where, _ = ann.task(code)
    assert ben.task(code)[0] == where
    said = {"crowd-image-classifier": {"label": "Cat"}}
    assert ben.answer(where, said, worker=ann.worker(code)) == 401
    assert ann.answer(where, said, worker=ann.worker(code)) == 200
    assert ben.answer(where, said) == 200


def test_who_may_come(embedded: Gateway, team: UserPool, people: list[Labeler], start: Callable[..., str]) -> None:
    """A wrong password, no password, and a user of no group get no task; nobody else's name is a portal."""
    code = start("closed", photos(1))
    wait_for(people[0], code)
    assert "Incorrect username or password" in Labeler(embedded.url, team.portal, "ann").sign_in("wrong")
    stranger = Labeler(embedded.url, team.portal, "stranger")
    stranger.sign_in()
    assert stranger.jobs() == []
    assert stranger.task(code) == ("", "")
    assert Labeler(embedded.url, team.portal, "ann").answer(f"/jobs/{code}/tasks/0", {"a": 1}) == 401
    assert Labeler(embedded.url, f"abcdefghij{team.portal[10:]}", "ann").ask("GET", "/")[0] == 404
    policy = people[0].ask("GET", "/")[1]["content-security-policy"]
    assert "script-src 'self';" in policy
    people[0].label(code, lambda _page: "Cat")


def test_functions_of_ones_own(
    client: Callable[[str], Any], account: Account, people: list[Labeler], start: Callable[..., str]
) -> None:
    """One makes the task's input, and may leave an object out; one makes the label of what was said."""
    before, after = (
        functions.make(client("lambda"), name, role=account.role, source=source)
        for name, source in (("label-before", BEFORE), ("label-after", AFTER))
    )
    human = {
        "PreHumanTaskLambdaArn": before,
        "AnnotationConsolidationConfig": {"AnnotationConsolidationLambdaArn": after},
        "UiConfig": {"UiTemplateS3Uri": f"s3://{BUCKET}/labeling/text.html"},
    }
    lines = [json.dumps({"source": text}) for text in ("it is fine", "nothing")]
    allow(client, account)
    code = start("own", lines, human=human)
    ann = people[0]
    wait_for(ann, code)
    where, page = ann.task(code)
    assert "IT IS FINE" in page
    ann.answer(where, {"mood": {"label": "good"}})
    job = ended(account, "own")
    first, second = manifest(account, job)
    assert first["animal"] == {"said": [{"mood": {"label": "good"}}], "text": "it is fine"}
    assert first["animal-metadata"]["type"] == "groundtruth/custom"
    assert second == {"source": "nothing"}
    assert job["LabelCounters"]["FailedNonRetryableError"] == 1


def allow(client: Callable[[str], Any], account: Account) -> None:
    """Let the account's role invoke functions."""
    statement = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}
    client("iam").put_role_policy(
        RoleName=account.role.rpartition("/")[2],
        PolicyName="functions",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


def test_without_functions(account: Account, people: list[Labeler], start: Callable[..., str]) -> None:
    """The label is empty, and the metadata says where the answers are."""
    human = {"UiConfig": {"UiTemplateS3Uri": f"s3://{BUCKET}/labeling/text.html"}}
    code = start("plain", [json.dumps({"source": "it is fine"})], human=human)
    wait_for(people[0], code)
    people[0].answer(people[0].task(code)[0], {"mood": {"label": "bad"}})
    [line] = manifest(account, ended(account, "plain"))
    assert line["animal"] == {}
    answers = json.loads(account.get(line["animal-metadata"]["worker-response-ref"]))["answers"]
    assert answers[0]["answerContent"] == {"mood": {"label": "bad"}}


@pytest.mark.parametrize(
    ("lines", "template", "said"),
    [
        (
            ['{"source-ref": "s3://b/k"}', "{", '{"a": 1}'],
            TEMPLATE,
            "line 2 is not valid JSON; line 3 must have one of",
        ),
        ([], TEMPLATE, "has no data objects"),
        (photos(1), "<crowd-form>{% if %}</crowd-form>", "can't be rendered"),
        (
            photos(1),
            "<crowd-form><crowd-keypoint></crowd-keypoint></crowd-form>",
            "has not got the crowd elements crowd-keypoint",
        ),
        (photos(1), "<crowd-form><script>alert(1)</script></crowd-form>", "runs no script of a template's own"),
        (photos(1), "<p>nothing</p>", "has no crowd-form"),
    ],
)
def test_a_job_that_fails(
    account: Account, start: Callable[..., str], lines: list[str], template: str, said: str
) -> None:
    """Its FailureReason is one sentence: what, where, and the rule."""
    name = f"fails-{len(template)}-{len(lines)}"
    uri = account.put(f"labeling/{name}.html", template.encode())
    start(name, lines, human={**BUILT_IN, "UiConfig": {"UiTemplateS3Uri": uri}})
    assert said in ended(account, name, "Failed")["FailureReason"]


def test_a_function_that_fails(client: Callable[[str], Any], account: Account, start: Callable[..., str]) -> None:
    """The reason is AWS's sentence."""
    allow(client, account)
    broken = functions.make(
        client("lambda"), "label-broken", role=account.role, source="def handler(e, c): return 1 / 0"
    )
    start("broken", photos(1), human={"PreHumanTaskLambdaArn": broken})
    reason = ended(account, "broken", "Failed")["FailureReason"]
    assert reason.startswith(
        f"ClientError: Exception invoking the Lambda function {broken}. LambdaErrorCode: Unhandled. Ensure the Lambda "
        f"function exists, that the role {account.role} has permissions to invoke it"
    )


def test_a_job_that_is_stopped(account: Account, people: list[Labeler], start: Callable[..., str]) -> None:
    """What was labeled is put out, the rest is as it was."""
    code = start("stopped", photos(3))
    wait_for(people[0], code)
    people[0].answer(people[0].task(code)[0], {"crowd-image-classifier": {"label": "Bird"}})
    account.sagemaker.stop_labeling_job(LabelingJobName="stopped")
    job = ended(account, "stopped", "Stopped")
    assert [line.get("animal") for line in manifest(account, job)] == [2, None, None]
    assert (job["LabelCounters"]["HumanLabeled"], job["LabelCounters"]["Unlabeled"]) == (1, 2)


def test_a_stopping_condition(account: Account, people: list[Labeler], start: Callable[..., str]) -> None:
    """Half of the objects are given out, and no more."""
    code = start("half", photos(4), StoppingConditions={"MaxPercentageOfInputDatasetLabeled": 50})
    wait_for(people[0], code)
    assert people[0].label(code, truth) == 2
    job = ended(account, "half", "Stopped")
    assert [line.get("animal") for line in manifest(account, job)] == [0, 1, None, None]


def test_what_cloudwatch_hears(
    account: Account, team: UserPool, people: list[Labeler], start: Callable[..., str]
) -> None:
    """Of the job how many are labeled, how it ended and a log; of the worker what she did, by the user pool's names."""
    code = start("watched", photos(2))
    wait_for(people[0], code)
    people[0].release(*people[0].task(code))
    people[0].label(code, truth)
    arn = ended(account, "watched")["LabelingJobArn"]

    def greatest(metric: str, **dimensions: str) -> float:
        points = account.statistics("AWS/SageMaker", metric, dimensions, "Maximum")
        return max((point["Maximum"] for point in points), default=-1)

    until(lambda: greatest("JobsSucceeded") == 1)
    of_objects = ("TotalDatasetObjectsLabeled", "DatasetObjectsHumanAnnotated", "DatasetObjectsLabelingFailed")
    assert [greatest(name, LabelingJobName="watched") for name in of_objects] == [2, 2, 0]
    log = "/aws/sagemaker/LabelingJobs"
    until(lambda: len(account.printed(log, "watched")) == 3)
    events = [json.loads(line) for line in account.lines(log, "watched")]
    batch, exported = "BATCH_ANNOTATION_STATUS_EVALUATED", "EXPORTED_LABELED_MANIFEST"
    assert [event["event-name"] for event in events] == [batch, batch, exported]
    assert "SUBMITTED" in events[0]["event-log-message"]
    assert "COMPLETED" in events[1]["event-log-message"]

    def told() -> list[dict[str, Any]]:
        group = "/aws/sagemaker/groundtruth/WorkerActivity"
        lines = account.printed(group, group.removeprefix("/").replace("WorkerActivity", "worker-activity/"))
        return [event for event in map(json.loads, lines) if event["labeling_job_arn"] == arn]

    until(lambda: len(told()) == 3)
    returned, event, _ = told()
    assert (returned["event_type"], returned["task_submitted_time"]) == ("TasksReturned", "")
    assert returned["task_returned_time"].partition(" UTC ")[0]
    assert returned.keys() == event.keys()
    assert (event["event_type"], event["cognito_user_pool_id"]) == ("TasksSubmitted", team.id)
    assert event["task_returned_time"] == ""
    worker = {"CognitoUserPool": team.id, "LabelingJob": "watched", "WorkerId": event["cognito_sub_id"]}

    def total(metric: str) -> float:
        points = account.statistics("AWS/SageMaker/Workteam", metric, worker, "Sum")
        return float(sum(point["Sum"] for point in points))

    until(lambda: total("TasksSubmitted") == 2)
    assert (total("TasksAccepted"), total("ActiveWorkers"), total("TasksReturned")) == (3, 2, 1)
    assert total("TimeSpent") > 0


def test_time_that_runs_out(account: Account, people: list[Labeler], start: Callable[..., str]) -> None:
    """An object that nobody answers in time has failed; one that one of two has answered has a label."""
    human = {**BUILT_IN, "TaskAvailabilityLifetimeInSeconds": 60, "TaskTimeLimitInSeconds": 30}
    code = start("late", photos(2), workers=2, human=human)
    wait_for(people[0], code)
    where, page = people[0].task(code)
    people[0].answer(where, {"crowd-image-classifier": {"label": truth(page)}})
    job = ended(account, "late")
    assert [line.get("animal") for line in manifest(account, job)] == [0, None]
    assert job["LabelCounters"]["FailedNonRetryableError"] == 1


def test_the_change_of_a_status_is_an_event(
    client: Callable[[str], Any], account: Account, people: list[Labeler], start: Callable[..., str]
) -> None:
    """Its detail tells the status alone, in those that users have got."""
    sqs, events = client("sqs"), client("events")
    url = sqs.create_queue(QueueName="labeling-events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Ground Truth Labeling Job State Change"]}
    events.put_rule(Name="labeling-events", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="labeling-events", Targets=[{"Id": "queue", "Arn": arn}])
    code = start("told", photos(1))
    wait_for(people[0], code)
    people[0].label(code, truth)
    ended(account, "told")
    heard: list[dict[str, Any]] = []

    def all_heard() -> bool:
        received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", ())
        heard.extend(json.loads(message["Body"]) for message in received)
        return len(heard) == 3

    until(all_heard)
    events.remove_targets(Rule="labeling-events", Ids=["queue"])
    events.delete_rule(Name="labeling-events")
    assert {tuple(event["resources"]) for event in heard} == {
        ("arn:aws:sagemaker:us-east-1:000000000000:labeling-job/told",)
    }
    said = sorted(json.dumps(event["detail"]) for event in heard)
    assert said == [json.dumps({"LabelingJobStatus": status}) for status in ("Completed", "InProgress", "Initializing")]
