"""`./lab pause` ends what costs, `./lab resume` brings back exactly that. The tests build on one another, in order."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from cli import paths
from cli.programs import tool_environment
from embedded_aws import gateway
from tests.embedded_aws.account import Account, answering, until
from tests.embedded_aws.services.application_autoscaling.scaling import Scaling

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Lab

NAME = "pausing"
OF = ("-c", f"lab.name={NAME}")
OTHER = "pausing-two"  # a lab whose name begins like ours
STRANGERS = ["pausinghouse", "pausing-eve", f"{OTHER}-ada"]
TOPIC = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
QUICK = {"Delay": 0.1, "MaxAttempts": 600}


class Class:
    """The account that the commands find: our lab, another one's, and what SageMaker says of them."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.account = Account(lab.client)
        self.sagemaker, self.ssm = self.account.sagemaker, lab.client("ssm")
        self.scaled_before: list[Any] = []

    def notebook(self, name: str, **tags: str) -> None:
        """A notebook instance in service."""
        self.sagemaker.create_notebook_instance(
            NotebookInstanceName=name,
            InstanceType="ml.t3.medium",
            RoleArn=self.account.role,
            Tags=[{"Key": f"bricklab:{key}", "Value": value} for key, value in tags.items()],
        )
        waiter = self.sagemaker.get_waiter("notebook_instance_in_service")
        waiter.wait(NotebookInstanceName=name, WaiterConfig=QUICK)

    def stop(self, name: str) -> None:
        """Stop a notebook instance."""
        self.sagemaker.stop_notebook_instance(NotebookInstanceName=name)
        waiter = self.sagemaker.get_waiter("notebook_instance_stopped")
        waiter.wait(NotebookInstanceName=name, WaiterConfig=QUICK)

    def endpoint(self, name: str, config: str, **tags: str) -> None:
        """An endpoint that serves, or has failed."""
        given = [{"Key": key, "Value": value} for key, value in tags.items()]
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config, Tags=given)
        self.account.settled(name)

    def scale(self, endpoint: str) -> None:
        """Let an endpoint be scaled by its load."""
        scaling = Scaling(self.lab.client("application-autoscaling"), endpoint)
        scaling.register(1, 3, Tags={"seat": "ada"}, SuspendedState={"DynamicScalingInSuspended": True})
        scaling.track(70, ScaleInCooldown=600)

    def scaled(self) -> list[Any]:
        """What Application Auto Scaling knows of it, but for what is another each time."""
        client = self.lab.client("application-autoscaling")
        targets = client.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
        policies = client.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
        tags = [client.list_tags_for_resource(ResourceARN=each["ScalableTargetARN"])["Tags"] for each in targets]
        ever_new = ("CreationTime", "ScalableTargetARN", "PolicyARN", "Alarms")
        found = [{name: each[name] for name in each.keys() - {*ever_new}} for each in (*targets, *policies)]
        return [*found, *tags]

    def pool(self, job: str, *, volume: int) -> None:
        """A training job that leaves a warm pool; with a volume of another size, no other job takes it over."""
        resources = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": volume}
        kept = {**resources, "KeepAlivePeriodInSeconds": 3600}
        ended = self.account.train(TrainingJobName=job, program="", ResourceConfig=kept)
        assert ended["TrainingJobStatus"] == "Completed", ended

    def pools(self) -> set[str]:
        """The jobs whose pools are kept."""
        found = self.sagemaker.list_training_jobs(WarmPoolStatusEquals="Available")["TrainingJobSummaries"]
        return {each["TrainingJobName"] for each in found}

    def notebooks(self) -> dict[str, str]:
        """The state of each notebook instance."""
        found = self.sagemaker.list_notebook_instances(MaxResults=100)["NotebookInstances"]
        return {each["NotebookInstanceName"]: each["NotebookInstanceStatus"] for each in found}

    def endpoints(self) -> dict[str, str]:
        """The state of each endpoint."""
        found = self.sagemaker.list_endpoints(MaxResults=100)["Endpoints"]
        return {each["EndpointName"]: each["EndpointStatus"] for each in found}

    def paused(self) -> dict[str, Any]:
        """What the lab's parameters hold, by what follows /<lab>/paused/."""
        found = self.ssm.get_parameters_by_path(Path=f"/{NAME}/paused", Recursive=True)["Parameters"]
        return {one["Name"].removeprefix(f"/{NAME}/paused/"): json.loads(one["Value"]) for one in found}

    def done(self, command: str) -> dict[tuple[str, str], str]:
        """What a command says that it did, by kind and name."""
        answer = json.loads(self.lab(command, *OF, "--json"))
        return {(each["kind"], each["name"]): each["done"] for each in answer["done"]}


@pytest.fixture(scope="module")
def lab(lab: Lab) -> Lab:
    """The command line, with an embedded AWS that hurries."""
    gateway.start(lab.home / "aws", cache=paths.cache(), environment=tool_environment(), pace=0.1, port=0)
    return lab


@pytest.fixture(scope="module")
def school(lab: Lab) -> Iterator[Class]:
    """Our lab with its endpoint, a student's and a failed one; seats that run and one that does not; and strangers."""
    made = Class(lab)
    cloudformation = lab.client("cloudformation")
    cloudformation.create_stack(
        StackName=f"{OTHER}-storage", TemplateBody=TOPIC, Tags=[{"Key": "bricklab:lab", "Value": OTHER}]
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=f"{OTHER}-storage", WaiterConfig=QUICK)
    config = made.account.config(made.account.model(answering()))
    made.endpoint(NAME, config, **{"bricklab:lab": NAME, "größe": "klein"})
    made.endpoint(f"{NAME}-ada-test", made.account.config(made.account.model(answering())))
    made.scale(f"{NAME}-ada-test")
    made.endpoint(f"{NAME}-broken", made.account.config(made.account.model({"nothing.txt": b""})))
    for name in (f"{NAME}-ada", f"{NAME}-grace", STRANGERS[0], STRANGERS[2]):
        made.notebook(name)
    made.notebook(STRANGERS[1], lab="another")
    made.stop(f"{NAME}-grace")
    for volume, job in enumerate((f"{NAME}-ada-job", f"{OTHER}-job"), start=1):
        made.pool(job, volume=volume)
    yield made
    for client in (cloudformation, made.ssm):
        client.close()


def test_nothing_is_paused_at_first(school: Class) -> None:
    """`resume` says so, and `status` has nothing of it."""
    assert f"Nothing of {NAME} is paused" in school.lab("resume", *OF)
    assert json.loads(school.lab("status", *OF, "--json"))["paused"] == []


def test_pause_ends_what_costs(school: Class) -> None:
    """Endpoints are deleted, notebooks stopped, warm pools ended; what failed is left out, strangers are left alone."""
    config = school.sagemaker.describe_endpoint(EndpointName=NAME)["EndpointConfigName"]
    school.scaled_before = school.scaled()
    assert len(school.scaled_before) == 3
    assert school.done("pause") == {
        ("endpoint", NAME): "deleted, its config is kept",
        ("endpoint", f"{NAME}-ada-test"): "deleted, its config is kept",
        ("endpoint", f"{NAME}-broken"): "",
        ("notebook instance", f"{NAME}-ada"): "stopped",
        ("warm pool", f"{NAME}-ada-job"): "ended",
    }
    assert school.pools() == {f"{OTHER}-job"}
    assert school.endpoints() == {f"{NAME}-broken": "Failed"}
    stopped = {name for name, state in school.notebooks().items() if state == "Stopped"}
    assert stopped == {f"{NAME}-ada", f"{NAME}-grace"}
    kept = school.paused()
    assert kept.keys() == {f"endpoint/{NAME}", f"endpoint/{NAME}-ada-test", f"notebook-instance/{NAME}-ada"}
    assert kept[f"endpoint/{NAME}"] == {"config": config, "tags": {"bricklab:lab": NAME, "größe": "klein"}}
    tags = school.ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=f"/{NAME}/paused/endpoint/{NAME}")
    assert tags["TagList"] == [{"Key": "bricklab:lab", "Value": NAME}]


def test_a_second_pause_is_a_no_op(school: Class) -> None:
    """It says that the lab is paused, and how that ends."""
    before = school.paused()
    shown = school.lab("pause", *OF)
    assert "it is paused already" in shown
    assert "./lab resume" in shown
    assert school.paused() == before


def test_a_paused_lab_says_so(school: Class, tmp_path: Path) -> None:
    """`predict` names the way back, `status` what is paused."""
    (tmp_path / "photo.png").write_bytes(b"")
    assert f"{NAME} is paused: `./lab resume`" in school.lab("predict", str(tmp_path / "photo.png"), *OF, code=1)
    found = json.loads(school.lab("status", *OF, "--json"))["paused"]
    assert {"kind": "endpoint", "name": NAME} in found
    assert re.search(rf"paused +{NAME}-ada +notebook instance", school.lab("status", *OF))


def test_resume_brings_back_what_was_paused(school: Class) -> None:
    """Endpoints serve under their names, configs and tags; the notebook that ran runs, the other one does not."""
    kept = school.paused()[f"endpoint/{NAME}"]
    assert school.scaled() == []  # it goes with the endpoint
    assert set(school.done("resume").values()) == {"in service"}
    assert school.scaled() == school.scaled_before
    endpoint = school.sagemaker.describe_endpoint(EndpointName=NAME)
    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", kept["config"])
    tags = school.sagemaker.list_tags(ResourceArn=endpoint["EndpointArn"])["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == kept["tags"]
    assert school.account.invoke(NAME, {"instances": [[1, 2, 3]]}) == {"predictions": [[6.0]]}
    assert school.notebooks() == {
        **dict.fromkeys([f"{NAME}-ada", *STRANGERS], "InService"),
        f"{NAME}-grace": "Stopped",
    }
    assert school.paused() == {}


def test_an_interrupted_pause_is_finished_by_the_next(school: Class) -> None:
    """What was written down before the interruption is written anew: the endpoint may have changed since."""
    stale = json.dumps({"config": "gone", "tags": {}})
    school.ssm.put_parameter(Name=f"/{NAME}/paused/endpoint/{NAME}", Value=stale, Type="String")
    config = school.sagemaker.describe_endpoint(EndpointName=NAME)["EndpointConfigName"]
    school.sagemaker.delete_endpoint(EndpointName=f"{NAME}-ada-test")
    assert ("endpoint", NAME) in school.done("pause")
    assert school.paused()[f"endpoint/{NAME}"]["config"] == config


def test_an_interrupted_resume_is_finished_by_the_next(school: Class) -> None:
    """An endpoint that is on its way is waited for, one that is back is left alone."""
    kept = school.paused()[f"endpoint/{NAME}"]
    school.sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=kept["config"])
    school.sagemaker.start_notebook_instance(NotebookInstanceName=f"{NAME}-ada")
    shown = school.lab("resume", *OF)
    assert "in service" in shown
    assert school.endpoints()[NAME] == "InService"
    assert school.notebooks()[f"{NAME}-ada"] == "InService"
    assert school.paused() == {}


def test_what_nothing_could_bring_back_is_not_ended(school: Class) -> None:
    """An endpoint whose config or model has been deleted serves on: paused, it would be lost."""
    orphans = {}
    for kind in ("endpoint config", "model"):
        model = school.account.model(answering())
        config = school.account.config(model)
        name = f"{NAME}-no-{kind.replace(' ', '-')}"
        school.endpoint(name, config)
        if kind == "model":
            school.sagemaker.delete_model(ModelName=model)
        else:
            school.sagemaker.delete_endpoint_config(EndpointConfigName=config)
        orphans[name] = f"{kind} {model if kind == 'model' else config}"
    shown = school.lab("pause", *OF)
    for name, gone in orphans.items():
        assert f"nothing could bring it back, for its {gone} is gone" in shown
        assert school.endpoints()[name] == "InService"
    school.lab("resume", *OF)
    for name in orphans:
        school.sagemaker.delete_endpoint(EndpointName=name)


def test_what_cannot_come_back_is_said(school: Class) -> None:
    """A config and a notebook that are gone cost one sentence each, and the rest comes back."""
    config = school.sagemaker.describe_endpoint(EndpointName=NAME)["EndpointConfigName"]
    school.endpoint(f"{NAME}-ada-test", school.account.config(school.account.model(answering())))
    own = school.sagemaker.describe_endpoint(EndpointName=f"{NAME}-ada-test")["EndpointConfigName"]
    assert own != config
    school.lab("pause", *OF)
    school.sagemaker.delete_endpoint_config(EndpointConfigName=own)
    school.sagemaker.delete_notebook_instance(NotebookInstanceName=f"{NAME}-ada")
    until(lambda: f"{NAME}-ada" not in school.notebooks())
    said = school.lab("resume", *OF, code=1)
    assert f"endpoint {NAME}-ada-test is not back: its endpoint config {own} is gone" in said
    assert f"notebook instance {NAME}-ada is not back: it was deleted meanwhile" in said
    assert school.endpoints()[NAME] == "InService"
    assert school.paused() == {}


def test_what_fails_to_come_back_is_tried_again(school: Class) -> None:
    """It stays paused, with the reason on the screen, and comes back when that is mended."""
    uri = school.sagemaker.describe_model(ModelName=_model_of(school))["PrimaryContainer"]["ModelDataUrl"]
    artifact = school.account.get(uri)
    school.lab("pause", *OF)
    school.account.put(uri.split("/", 3)[3], b"no archive")
    assert "`./lab resume` tries it again" in school.lab("resume", *OF, code=1)
    assert f"endpoint/{NAME}" in school.paused()
    school.account.put(uri.split("/", 3)[3], artifact)
    school.lab("resume", *OF)
    assert school.endpoints()[NAME] == "InService"
    assert school.paused() == {}


def _model_of(school: Class) -> str:
    config = school.sagemaker.describe_endpoint(EndpointName=NAME)["EndpointConfigName"]
    described = school.sagemaker.describe_endpoint_config(EndpointConfigName=config)
    return str(described["ProductionVariants"][0]["ModelName"])
