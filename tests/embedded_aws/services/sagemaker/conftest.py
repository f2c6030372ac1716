"""The control plane behind HTTP on a free port, a fresh one for every test, with a hurried clock."""

from __future__ import annotations

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import boto3
import pytest
from botocore.config import Config

import embedded_aws
from embedded_aws.runtime.credentials import Role
from embedded_aws.services.sagemaker.clock import Clock
from embedded_aws.services.sagemaker.endpoints.models import Models
from embedded_aws.services.sagemaker.labeling.human_task_uis import HumanTaskUis
from embedded_aws.services.sagemaker.labeling.provider import LabelingJobs
from embedded_aws.services.sagemaker.labeling.workforces import Workforces
from embedded_aws.services.sagemaker.labeling.workteams import Workteams
from embedded_aws.services.sagemaker.model_registry.cards import ModelCards
from embedded_aws.services.sagemaker.model_registry.groups import ModelPackageGroups
from embedded_aws.services.sagemaker.model_registry.packages import ModelPackages
from embedded_aws.services.sagemaker.monitoring.executions import MonitoringExecutions
from embedded_aws.services.sagemaker.monitoring.provider import MonitoringSchedules
from embedded_aws.services.sagemaker.notebooks.provider import NotebookInstances
from embedded_aws.services.sagemaker.pipelines.executions import PipelineExecutions
from embedded_aws.services.sagemaker.pipelines.provider import Pipelines
from embedded_aws.services.sagemaker.pipelines.version_provider import PipelineVersions
from embedded_aws.services.sagemaker.provider import Provider, ServiceContext
from embedded_aws.services.sagemaker.resource_types.endpoints import DEPLOYMENT
from embedded_aws.services.sagemaker.service import SageMaker
from embedded_aws.services.sagemaker.store import Record, Store
from tests import conforming

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from embedded_aws.services.sagemaker.jobs import Run

ACCOUNT, REGION = "000000000000", "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lab"
PACE = 0.1
IMAGES = Path(embedded_aws.__file__).parent / "images"


class Jobs(Provider):
    """Training jobs that run until a test ends them."""

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Refuse what a test wants to see refused; set what DescribeTrainingJob must have."""
        artifact = f"{request['OutputDataConfig']['S3OutputPath']}/{record.name}/output/model.tar.gz"
        self.context.store.update(
            record,
            SecondaryStatus="Starting",
            ModelArtifacts={"S3ModelArtifacts": artifact},
            StoppingCondition=request.get("StoppingCondition", {}),
        )

    def stop(self, record: Record) -> None:
        """Stop at once."""
        self.context.store.update(record, TrainingJobStatus="Stopped", SecondaryStatus="Stopped")


class OtherJobs(Provider):
    """Jobs of another type that run until a test ends them."""

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Set what DescribeHyperParameterTuningJob must have."""
        config = request.get("HyperParameterTuningJobConfig")
        if config:
            none = {"Completed": 0, "InProgress": 0, "RetryableError": 0, "NonRetryableError": 0, "Stopped": 0}
            self.context.store.update(
                record,
                Strategy=config["Strategy"],
                TrainingJobStatusCounters=none,
                ObjectiveStatusCounters={"Succeeded": 0, "Pending": 0, "Failed": 0},
            )

    def stop(self, record: Record) -> None:
        """Stop at once."""
        self.context.store.update(record, **{str(record.resource_type.status): "Stopped"})


class Hosts(Provider):
    """Endpoints that come into service on the clock; a configuration named broken… fails, an endpoint held… waits."""

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Creating, then InService or Failed."""
        broken = request["EndpointConfigName"].startswith("broken")
        settled = {"EndpointStatus": "Failed", "FailureReason": "The model does not load."} if broken else {}
        scope = {"account": record.account, "region": record.region}
        config = self.context.store.get("EndpointConfig", request["EndpointConfigName"], **scope)
        self.context.store.update(record, **{DEPLOYMENT: config.members})
        if not record.name.startswith("held"):
            self._later(record, **{"EndpointStatus": "InService", **settled})

    def update(self, record: Record, request: dict[str, Any]) -> None:
        """Updating, then InService with the new configuration, or with the old one and a reason."""
        self.context.store.update(record, EndpointStatus="Updating")
        name = request["EndpointConfigName"]
        changed = {"FailureReason": "The model does not load."} if "broken" in name else {"EndpointConfigName": name}
        self._later(record, EndpointStatus="InService", **changed)

    def delete(self, record: Record) -> None:
        """Deleting, then gone."""
        self.context.store.update(record, EndpointStatus="Deleting")
        self.context.clock.after(1, lambda: self.context.store.remove(record))

    async def invoke(self, record: Record, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Answer the body."""
        return 200, {"Content-Type": headers["content-type"], "x-amzn-invoked-production-variant": record.name}, body

    def _later(self, record: Record, **members: Any) -> None:
        self.context.clock.after(1, lambda: self.context.store.update(record, **members))


class Notebooks(NotebookInstances):
    """Notebook instances whose role nobody is asked about: no IAM is there."""

    def role(self, record: Record, arn: str) -> Role:
        """Return a role that is not checked."""
        return Role(arn, account=record.account, region=record.region, endpoint_url=self.context.endpoint_url)


class Executions(PipelineExecutions):
    """Pipeline executions whose role nobody is asked about."""

    def role(self, record: Record, arn: str) -> Role:
        """Return a role that is not checked."""
        return Role(arn, account=record.account, region=record.region, endpoint_url=self.context.endpoint_url)


class Schedules(MonitoringSchedules):
    """Monitoring schedules whose role nobody is asked about; one named held… stays Pending."""

    def role(self, record: Record, arn: str) -> None:
        """Ask nobody."""

    def settle(self, record: Record) -> None:
        """Hold it, or let it settle."""
        if not record.name.startswith("held"):
            super().settle(record)


class People(Workforces):
    """Workforces whose user pools nobody is asked about: no Cognito is there."""

    def let_sign_in(self, record: Record, config: Mapping[str, str], sub_domain: str) -> None:
        """Ask nobody."""


class Teams(Workteams):
    """Work teams whose groups nobody is asked about."""

    def check_groups(self, record: Record, members: Sequence[Mapping[str, str]]) -> None:
        """Ask nobody."""


class Labelings(LabelingJobs):
    """Labeling jobs that run until a test ends them."""

    def role(self, record: Record, arn: str) -> Role:
        """Return a role that is not checked."""
        return Role(arn, account=record.account, region=record.region, endpoint_url=self.context.endpoint_url)

    def begin(self, record: Record, run: Run) -> None:
        """Be at work, and do nothing."""
        del run
        self.context.store.update(record, LabelingJobStatus="InProgress")

    def stop(self, record: Record) -> None:
        """Stop at once."""
        self.context.store.update(record, LabelingJobStatus="Stopped")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet, or each answer waits for an acknowledgement
    service: ClassVar[SageMaker]
    loop: ClassVar[asyncio.AbstractEventLoop]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.service.handle("POST", self.path, dict(self.headers), body, {})
        status, headers, content = asyncio.run_coroutine_threadsafe(answer, self.loop).result(30)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
        """Say nothing."""


@pytest.fixture(scope="session")
def control_url() -> Iterator[str]:
    """Yield the address at which each test's own service answers."""
    loop = asyncio.new_event_loop()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    _Handler.loop = loop
    threads = [threading.Thread(target=loop.run_forever), threading.Thread(target=server.serve_forever)]
    for thread in threads:
        thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    loop.call_soon_threadsafe(loop.stop)
    for thread in threads:
        thread.join()
    server.server_close()
    loop.close()


@pytest.fixture(scope="session")
def clients(control_url: str) -> Iterator[dict[str, Any]]:
    """Yield clients by name; answers are held to the model; `unchecked` sends what botocore itself would refuse."""
    session = boto3.Session("test", "test", region_name=REGION)
    unchecked = Config(parameter_validation=False)
    made = {
        "sagemaker": conforming.watch(session.client("sagemaker", endpoint_url=control_url)),
        "runtime": session.client("sagemaker-runtime", endpoint_url=control_url),
        "unchecked": session.client("sagemaker", endpoint_url=control_url, config=unchecked),
    }
    yield made
    for client in made.values():
        client.close()


@pytest.fixture
def providers() -> dict[str, type[Provider]]:
    """Return the providers of the resource types; a module of tests may have others."""
    return {
        "TrainingJob": Jobs,
        "TransformJob": OtherJobs,
        "ProcessingJob": OtherJobs,
        "HyperParameterTuningJob": OtherJobs,
        "Endpoint": Hosts,
        "NotebookInstance": Notebooks,
        "Model": Models,
        "ModelPackageGroup": ModelPackageGroups,
        "ModelPackage": ModelPackages,
        "Pipeline": Pipelines,
        "PipelineVersion": PipelineVersions,
        "PipelineExecution": Executions,
        "ModelCard": ModelCards,
        "MonitoringSchedule": Schedules,
        "MonitoringExecution": MonitoringExecutions,
        "Workforce": People,
        "Workteam": Teams,
        "HumanTaskUi": HumanTaskUis,
        "LabelingJob": Labelings,
    }


def _service(folder: Path, providers: dict[str, type[Provider]]) -> SageMaker:
    context = ServiceContext(Store(), Clock(PACE), "http://127.0.0.1:1", folder, IMAGES, folder)
    return SageMaker(context, caller=lambda: (ACCOUNT, REGION), providers=providers)


def serve(service: SageMaker) -> None:
    """Let this service answer at `control_url`."""
    _Handler.service = service


@pytest.fixture
def service(tmp_path: Path, providers: dict[str, type[Provider]]) -> Iterator[SageMaker]:
    """Yield a service with nothing in it."""
    made = _service(tmp_path, providers)
    serve(made)
    yield made
    made.close()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SageMaker]:
    """Yield a service in which nothing is ever made: for requests that are refused."""
    made = _service(tmp_path_factory.mktemp("empty"), {})
    yield made
    made.close()


@pytest.fixture
def sagemaker(service: SageMaker, clients: dict[str, Any]) -> Any:
    """Return a boto3 client of that service."""
    assert service
    return clients["sagemaker"]


@pytest.fixture
def unchecked(service: SageMaker, clients: dict[str, Any]) -> Any:
    """Return a boto3 client that leaves all validation to the service."""
    assert service
    return clients["unchecked"]


@pytest.fixture
def runtime(service: SageMaker, clients: dict[str, Any]) -> Any:
    """Return a boto3 client of the runtime."""
    assert service
    return clients["runtime"]
