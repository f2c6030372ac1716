"""The lab's retraining as its state machines run it: a run started, followed, stopped, and what it came to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli.aws import stacks
from cli.ui.errors import LabError
from teardown import names, refusals
from teardown.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.aws.session import Session

RUNNING = "RUNNING"
_BY = "./lab retrain"
# The states that a person hears of, in the order of a run.
STEPS = {
    "Snapshot": "taking the data down",
    "Training": "training",
    "Comparison": "comparing with the model that serves",
    "Register": "registering",
    "Tell": "telling what came of it",
}
_SHOWN = 1000  # events of an execution that are looked at, the newest first: a run has some sixty


@dataclass(frozen=True)
class Run:
    """An execution of a state machine, as DescribeExecution answers it."""

    described: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Return its name."""
        return str(self.described["name"])

    @property
    def status(self) -> str:
        """Return RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED."""
        return str(self.described["status"])

    @property
    def outcome(self) -> str:
        """Return what it came to in a word: pending, approved, stopped, nothing-new, paused, joined, failed, …."""
        return str(self._output.get("outcome", self.status.lower()))

    @property
    def sentence(self) -> str:
        """Return what it came to, as its topic has heard it."""
        if said := self._output.get("sentence") or self.described.get("cause"):
            return str(said)
        return f"The run {self.name} is {self.status}."

    @property
    def package(self) -> str:
        """Return the ARN of the version that it has registered, "" if none."""
        return str(self._output.get("package", ""))

    @property
    def _output(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = json.loads(self.described.get("output") or "{}")
        return found

    def document(self) -> dict[str, Any]:
        """Return it for programs."""
        ended = self.described.get("stopDate")
        return {
            "run": self.name,
            "arn": self.described["executionArn"],
            "status": self.status,
            "outcome": self.outcome if self.status != RUNNING else None,
            "sentence": self.sentence if self.status != RUNNING else None,
            "version": self.package.rpartition("/")[2] or None,
            "started": self.described["startDate"].isoformat(),
            "ended": ended.isoformat() if ended else None,
        }


class Retraining:
    """The retraining of one lab. Raises LabError if it has none."""

    def __init__(self, session: Session, lab: str) -> None:
        self._states = session.client("stepfunctions")
        machines = _machines(session, lab)
        if not machines:
            standing = {stack.name for stack in stacks.of_lab(session, lab)}
            if names.endpoint_stack(lab) not in standing:
                raise LabError(f"The lab {lab} is not deployed: `./lab up -c lab.retraining=true` does it.")
            raise LabError(
                f"The lab {lab} does not retrain, for lab.retraining is false: `./lab up -c lab.retraining=true` "
                "changes that."
            )
        self._machine = machines[names.retraining(lab)]
        self._deployment = machines[names.model_deployment(lab)]

    def start(self) -> Run:
        """Start a run."""
        started = self._states.start_execution(stateMachineArn=self._machine, input=json.dumps({"by": _BY}))
        return self.run(started["executionArn"])

    def run(self, arn: str) -> Run:
        """Return an execution as it is now."""
        return Run(self._states.describe_execution(executionArn=arn))

    def running(self) -> list[Run]:
        """Return the runs that go on, newest first."""
        pages = self._states.get_paginator("list_executions")
        found = pages.paginate(stateMachineArn=self._machine, statusFilter=RUNNING)
        return [self.run(each["executionArn"]) for page in found for each in page["executions"]]

    def stop(self, run: Run) -> None:
        """Stop a run, and with it the job that it waits for."""
        with refusals.suppress(Refusal.GONE):
            self._states.stop_execution(
                executionArn=run.described["executionArn"], error="Stopped", cause="Somebody has stopped it."
            )

    def steps(self, run: Run) -> list[str]:
        """Return the steps that it has begun, in their order."""
        events = self._states.get_execution_history(
            executionArn=run.described["executionArn"], reverseOrder=True, maxResults=_SHOWN
        )["events"]
        entered = [each["stateEnteredEventDetails"]["name"] for each in events if "stateEnteredEventDetails" in each]
        return [name for name in reversed(entered) if name in STEPS]

    def deployment_of(self, run: Run) -> Run | None:
        """Return the execution that has the endpoint serve what a run has approved; None while there is none."""
        pages = self._states.get_paginator("list_executions").paginate(stateMachineArn=self._deployment)
        for each in (each for page in pages for each in page["executions"]):
            if each["startDate"] < run.described["startDate"]:
                return None
            found = self.run(each["executionArn"])
            if json.loads(found.described["input"])["detail"]["ModelPackageArn"] == run.package:
                return found
        return None


def _machines(session: Session, lab: str) -> dict[str, str]:
    """Return the ARNs of the state machines by name."""
    pages = session.client("stepfunctions").get_paginator("list_state_machines").paginate()
    own = {names.retraining(lab), names.model_deployment(lab)}
    found = {each["name"]: each["stateMachineArn"] for page in pages for each in page["stateMachines"]}
    return {name: arn for name, arn in found.items() if name in own} if own <= found.keys() else {}


def latest(session: Session, lab: str) -> Run | None:
    """Return the newest run of the lab's, None if it does not retrain or has not yet."""
    machine = _machines(session, lab).get(names.retraining(lab))
    if machine is None:
        return None
    states = session.client("stepfunctions")
    found = states.list_executions(stateMachineArn=machine, maxResults=1)["executions"]
    return Run(states.describe_execution(executionArn=found[0]["executionArn"])) if found else None
