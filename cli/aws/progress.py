"""The progress of a deployment while the CDK CLI runs: stacks that finish, epochs that end, an endpoint's update."""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING, Self

from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from cli.aws import endpoint, stacks
from cli.ui import screen
from infra.settings import HOSTINGS
from teardown import names
from teardown.names import is_seat_stack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.aws.session import Session

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
_POLL_SECONDS = 0.5
_UPDATES = {"Updating", "RollingBack"}
# Of what jobs write: an epoch of train.py's, and its test; a round of XGBoost's.
_PROGRESS = re.compile(r"epoch=|test_loss=|\[\d+\]")
_FEW = 5  # seats that get a line each; more are counted


class DeploymentProgress:
    """Prints each stack that is finished, each epoch of the training job, and each stage of the endpoint's update."""

    def __init__(self, session: Session, lab: str, wanted: Sequence[str]) -> None:
        self._session = session
        self._lab = lab
        self._names = wanted
        self._started = time.time()
        self._stood = {
            stack.name for stack in stacks.of_lab(session, lab)
        }  # before; what is new may be done in one look
        self._moving: set[str] = set()
        self._ready: set[str] = set()
        self._read: dict[str, str] = {}  # log stream -> where to go on reading
        self._stages: dict[str, str] = {}  # of an endpoint's update, as shown last
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        with screen.console.status("cdk deploy …") as status:
            while True:
                last = self._over.is_set()
                try:
                    self._epochs()
                    self._stacks()
                    self._endpoint()
                except (BotoCoreError, ClientError):
                    pass  # A look that failed is taken again; what fails for good, `cdk deploy` itself reports.
                status.update(f"cdk deploy: {self._doing()} …")
                if last:
                    return
                self._over.wait(_POLL_SECONDS)

    def _doing(self) -> str:
        """Say what CloudFormation is at work on: seats are counted when there are many."""
        ready, seats = (sum(map(is_seat_stack, each)) for each in (self._ready, self._names))
        moving = sorted(name for name in self._moving if seats <= _FEW or not is_seat_stack(name))
        counted = [f"{ready} of {seats} seats ready"] if seats > _FEW else []
        return ", ".join([*moving, *counted]) or "reading the stacks"

    def _endpoint(self) -> None:
        """Print each stage of the endpoint's update: new instances, traffic that moves, baking, and a rollback."""
        if names.endpoint_stack(self._lab) not in self._moving:
            return
        sagemaker = self._session.client("sagemaker")
        own = {names.endpoint(self._lab, hosting) for hosting in HOSTINGS}
        for listed in sagemaker.list_endpoints(NameContains=self._lab, MaxResults=100)["Endpoints"]:
            name, status = listed["EndpointName"], listed["EndpointStatus"]
            if name in own and status in _UPDATES:
                stage = endpoint.stage_of(sagemaker.describe_endpoint(EndpointName=name)) or status
                if stage != self._stages.get(name):
                    screen.console.print(f"    [cyan]{escape(f'{name}: {stage}')}[/]", soft_wrap=True)
                self._stages[name] = stage

    def _stacks(self) -> None:
        many = sum(map(is_seat_stack, self._names)) > _FEW
        for stack in stacks.of_lab(self._session, self._lab):
            if stack.name not in self._names:
                continue
            if stack.moving:
                self._moving.add(stack.name)
            elif stack.name in self._moving or (stack.complete and stack.name not in self._stood):
                self._moving.discard(stack.name)
                self._stood.add(stack.name)
                if stack.complete:
                    self._ready.add(stack.name)
                    if not (stack.seat and many):
                        screen.done(stack.name, time.time() - self._started)

    def _epochs(self) -> None:
        """Print the epochs of the jobs that this deployment started."""
        sagemaker, logs = self._session.client("sagemaker"), self._session.client("logs")
        jobs = sagemaker.list_training_jobs(NameContains=f"{self._lab}-", SortBy="CreationTime", MaxResults=5)
        for job in jobs["TrainingJobSummaries"]:
            if job["CreationTime"].timestamp() < self._started:
                continue
            for stream in self._streams(logs, job["TrainingJobName"]):
                self._tail(logs, stream)

    def _streams(self, logs: object, job: str) -> list[str]:
        try:
            answer = logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{job}/")  # type: ignore[attr-defined]
        except ClientError:
            return []  # the job has not written yet
        return [stream["logStreamName"] for stream in answer["logStreams"]]

    def _tail(self, logs: object, stream: str) -> None:
        position = {"nextToken": self._read[stream]} if stream in self._read else {"startFromHead": True}
        answer = logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=stream, **position)  # type: ignore[attr-defined]
        self._read[stream] = answer["nextForwardToken"]
        for event in answer["events"]:
            if _PROGRESS.match(event["message"]):
                told = event["message"].strip().replace("#011", "  ")  # as SageMaker writes a tab
                screen.console.print(f"    [cyan]{escape(told)}[/]", soft_wrap=True)
