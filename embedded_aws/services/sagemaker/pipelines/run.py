"""One run of a pipeline execution: its steps started, watched and stopped, until none is left.

A step waits for those that its arguments refer to, those in DependsOn, and the condition step whose branch it is in;
one in a branch that is not taken never runs, and nothing that waits for it. `Step failure: One or multiple steps
failed.` is AWS's (users' logs). A callback or Lambda step is waited for when the execution is stopped: botocore's
model of StopPipelineExecution. That a Fail step ends the execution: the SageMaker SDK. Not compared with AWS: that
nothing new starts once a step has failed, and what runs then goes on to its end; that a Fail step stops what runs; that
a step whose job was stopped by somebody has failed; that after a start of the embedded AWS a Lambda step's function is
invoked again whose answer was lost, and a model registered again.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from embedded_aws import faults
from embedded_aws.services.sagemaker.failure import REASON_LENGTH
from embedded_aws.services.sagemaker.pipelines import caching, conditions, lookup, messages, resources, retries
from embedded_aws.services.sagemaker.pipelines.references import Scope, UnresolvedError, text
from embedded_aws.services.sagemaker.pipelines.retries import Failure
from embedded_aws.services.sagemaker.pipelines.step_types import RESOURCE_STEPS

if TYPE_CHECKING:
    from embedded_aws.runtime.credentials import Role
    from embedded_aws.services.sagemaker.pipelines.definition import Definition, Step
    from embedded_aws.services.sagemaker.provider import ControlPlane, ServiceContext
    from embedded_aws.services.sagemaker.store import Record

log = logging.getLogger(__name__)

ENDED = ("Succeeded", "Failed", "Stopped")
"""The statuses in which an execution or a step has ended."""
FAILED = "Step failure: One or multiple steps failed."
_POLL_SECONDS = 0.02
_IDLE_SECONDS = 1.0  # while nothing runs but what wakes the run itself


class PipelineRun:
    """A pipeline execution with its steps; `execute` returns when it has ended."""

    def __init__(
        self, record: Record, definition: Definition, role: Role, *, context: ServiceContext, service: ControlPlane
    ) -> None:
        """Go on where the record's steps say that the execution has come to."""
        self._record, self._definition, self._role = record, definition, role
        self._context = context
        self._resources = resources.Resources(record, role, context=context, service=service)
        self._messages = messages.Messages(record, role)
        self._retry_at: dict[str, float] = {}
        self._watched: set[str] = set()  # the running steps that this run has started, or has taken up
        self._wake = threading.Event()
        self._lock = threading.RLock()  # held while the record's steps or its status change
        self._stopping = record.status == "Stopping"
        self._killed = self._finished = False

    def stop(self) -> bool:
        """End early, with all that runs; return False if it has ended."""
        with self._lock:
            if self._finished:
                return False
            self._context.store.update(
                self._record, PipelineExecutionStatus="Stopping", PreviousStatus=self._record.status
            )
            self._stopping = True
        self._wake.set()
        return True

    def kill(self) -> None:
        """Start nothing more: the gateway ends."""
        self._killed = True
        self._wake.set()

    def answer(self, name: str, *, outputs: dict[str, str] | None = None, failure: str = "") -> bool:
        """Take the answer to a callback step; return False if the step has ended."""
        with self._lock:
            step, state = self._definition.steps[name], self._states[name]
            if self._finished or state["StepStatus"] in ENDED:
                return False
            if outputs is None:
                self._end(step, "Failed", FailureReason=failure or None)
            else:
                self._end(step, "Succeeded", **messages.told(step, state, outputs))
        self._wake.set()
        return True

    def execute(self) -> None:
        """Start steps until there are no more; the end is recorded in the execution's record."""
        try:
            status, reason = self._execute()
        except Exception as error:
            log.exception("pipeline execution %s", self._record.arn)
            status, reason = "Failed", faults.failure_reason(error)
        if self._killed:
            return
        with self._lock:
            self._finished = True
            self._context.store.update(
                self._record,
                PipelineExecutionStatus=status,
                PreviousStatus=self._record.status,
                ExecutionEndTime=self._context.clock.now(),
                FailureReason=reason or None,
                PipelineExecutionFailureReason=reason or None,
            )

    @property
    def _states(self) -> dict[str, dict[str, Any]]:
        states: dict[str, dict[str, Any]] = self._record.members["Steps"]
        return states

    def _execute(self) -> tuple[str, str]:
        while not self._killed:
            moved = False
            for step in self._running():
                self._watch(step)
                moved |= self._states[step.name]["StepStatus"] in ENDED
            if self._stopping or self._terminated():
                for step in self._running():
                    self._stop_step(step)
            elif not self._has_failed():
                moved |= self._start_ready()
            if not self._running() and not moved:
                return self._outcome()
            if not moved:
                polled = any(step.type in RESOURCE_STEPS for step in self._running())
                self._wake.wait(_POLL_SECONDS if polled else _IDLE_SECONDS)
                self._wake.clear()
        return "Stopped", ""

    def _outcome(self) -> tuple[str, str]:
        if self._has_failed():
            return "Failed", FAILED
        return ("Stopped", "") if self._stopping else ("Succeeded", "")

    def _running(self) -> list[Step]:
        steps = self._definition.steps
        return [steps[name] for name, state in self._states.items() if state["StepStatus"] not in ENDED]

    def _has_failed(self) -> bool:
        return any(state["StepStatus"] == "Failed" for state in self._states.values())

    def _terminated(self) -> bool:
        """Return whether a Fail step has ended the execution."""
        return any(
            self._definition.steps[name].type == "Fail" and state["StepStatus"] == "Failed"
            for name, state in self._states.items()
        )

    def _start_ready(self) -> bool:
        """Start the steps that can be, as many as may run at once; return whether any was."""
        parallel = self._record.members.get("ParallelismConfiguration", {}).get("MaxParallelExecutionSteps")
        started = False
        for step in self._definition.steps.values():
            if parallel is not None and len(self._running()) >= parallel:
                break
            if self._is_ready(step):
                self._start(step)
                started = True
                if self._has_failed() or self._stopping:
                    break
        return started

    def _is_ready(self, step: Step) -> bool:
        selected = self._record.members.get("SelectiveExecutionConfig", {}).get("SelectedSteps")
        if step.name in self._states or (selected and {"StepName": step.name} not in selected):
            return False
        if any(self._states.get(name, {}).get("StepStatus") != "Succeeded" for name in step.upstream):
            return False
        return not step.condition or self._states[step.condition]["Properties"]["Outcome"] is step.branch

    def _set(self, step: Step, **members: Any) -> None:
        """Record what is new of a step; None removes a member."""
        with self._lock:
            before = self._states.get(step.name) or self._fresh(step)
            after = {name: value for name, value in {**before, **members}.items() if value is not None}
            if before.get("StepStatus") != after.get("StepStatus"):
                after["PreviousStatus"] = before.get("StepStatus", "")
            self._context.store.update(self._record, Steps={**self._states, step.name: after}, ChangedStep=step.name)

    def _fresh(self, step: Step) -> dict[str, Any]:
        told = {"StepDisplayName": step.raw.get("DisplayName"), "StepDescription": step.raw.get("Description")}
        return {
            "StepName": step.name,
            "StepType": step.type,
            "StartTime": self._context.clock.now(),
            "Metadata": {},
            **{name: value for name, value in told.items() if value is not None},
        }

    def _end(self, step: Step, status: str, **members: Any) -> None:
        reason = members.pop("FailureReason", None)
        self._set(
            step,
            StepStatus=status,
            EndTime=self._context.clock.now(),
            FailureReason=reason[:REASON_LENGTH] if reason else None,
            **members,
        )

    def _start(self, step: Step) -> None:
        """Start a step; one that takes no time has ended then."""
        try:
            if step.type in RESOURCE_STEPS:
                self._attempt(step)
            elif step.type == "Condition":
                self._decide(step)
            elif step.type == "Fail":
                message = text(self._scope().resolve(step.arguments.get("ErrorMessage") or ""))
                self._end(step, "Failed", FailureReason=message, Metadata={"Fail": {"ErrorMessage": message}})
            else:
                self._send(step)
        except (UnresolvedError, conditions.ComparisonError) as error:
            self._end(step, "Failed", FailureReason=f"ClientError: {error}")

    def _decide(self, step: Step) -> None:
        given = self._scope().resolve(step.arguments)["Conditions"]
        self._set(step, StepStatus="Executing", AttemptCount=1)
        outcome = all(conditions.holds(each) for each in given)
        self._end(
            step,
            "Succeeded",
            Metadata={"Condition": {"Outcome": str(outcome)}},
            Properties={"Outcome": outcome},
        )

    def _send(self, step: Step) -> None:
        """Invoke a Lambda step's function, or send a callback step's message."""
        arguments = self._scope().resolve(step.arguments)
        where = text(self._scope().resolve(step.raw.get("FunctionArn") or step.raw.get("SqsQueueUrl")))
        if self._reuse(step, key := caching.key(step, arguments)):
            return
        self._watched.add(step.name)
        state = {"CacheKey": key, "AttemptCount": 1}
        if step.type == "Lambda":
            self._set(step, StepStatus="Executing", Metadata={"Lambda": {"Arn": where}}, **state)
            self._messages.invoke(where, arguments, then=lambda **answer: self._hear(step, **answer))
            return
        metadata = {"CallbackToken": messages.new_token(), "SqsQueueUrl": where}
        self._set(step, StepStatus="Starting", Metadata={"Callback": metadata}, CallbackArguments=arguments, **state)
        self._post(step, "Executing")

    def _post(self, step: Step, status: str) -> None:
        """Send a callback step's message, and record the step's status that it tells."""
        state = self._states[step.name]
        try:
            self._messages.send(state["Metadata"]["Callback"], state["CallbackArguments"], status)
        except messages.MessageError as error:
            self._end(step, "Failed", FailureReason=f"ClientError: {error}")
        else:
            with self._lock:  # who got the message may have answered already
                if self._states[step.name]["StepStatus"] not in ENDED:
                    self._set(step, StepStatus=status)

    def _hear(self, step: Step, *, outputs: dict[str, Any] | None = None, failure: str = "") -> None:
        """Take a function's answer."""
        with self._lock:
            if self._killed:
                return
            if outputs is None:
                self._end(step, "Failed", FailureReason=f"ClientError: {failure}")
            else:
                self._end(step, "Succeeded", **messages.told(step, self._states[step.name], outputs))
        self._wake.set()

    def _reuse(self, step: Step, key: str | None) -> bool:
        """Let an earlier run of a step serve again, if there is one."""
        executions = lookup.executions_of(self._context.store, self._record)
        found = caching.find(step, key, executions, self._context.clock.now())
        if found is None:
            return False
        execution, state = found
        self._end(
            step,
            "Succeeded",
            Metadata=state["Metadata"],
            Properties=state.get("Properties"),
            CacheHitResult={"SourcePipelineExecutionArn": execution.arn},
        )
        return True

    def _attempt(self, step: Step) -> None:
        """Make what a step makes, once more."""
        state = self._states.get(step.name, {})
        name = self._resources.new_name(step)
        arguments = self._scope(step, name).resolve(step.arguments)
        key = caching.key(step, arguments)
        if not state and self._reuse(step, key):
            return
        self._watched.add(step.name)
        self._set(
            step,
            StepStatus="Starting",
            ResourceName=name,
            AttemptCount=state.get("AttemptCount", 0) + 1,
            CacheKey=key,
        )
        arn = self._resources.make(step, name, arguments)
        if isinstance(arn, Failure):
            self._fail(step, arn)
            return
        self._set(step, StepStatus="Executing", Metadata={RESOURCE_STEPS[step.type].metadata: {"Arn": arn}})
        if step.type == "Model":
            self._watch(step)

    def _fail(self, step: Step, failure: Failure) -> None:
        """Let a step fail, or be tried again."""
        state = self._states[step.name]
        elapsed = (self._context.clock.now() - state["StartTime"]).total_seconds()
        delay = None if self._stopping else retries.delay(step, failure, state["AttemptCount"], elapsed)
        if delay is None:
            self._end(step, "Failed", FailureReason=retries.final_reason(step, failure, self._record.arn))
        else:
            self._retry_at[step.name] = time.monotonic() + self._context.clock.scaled(delay)

    def _watch(self, step: Step) -> None:
        """See what a running step has come to."""
        if step.name in self._retry_at:
            if time.monotonic() >= self._retry_at[step.name]:
                del self._retry_at[step.name]
                self._attempt(step)
        elif step.name not in self._watched:
            self._take_up(step)
        elif step.type in RESOURCE_STEPS:
            self._watch_resource(step)

    def _watch_resource(self, step: Step) -> None:
        state = self._states[step.name]
        found = self._resources.look(step, state)
        if found is None:
            return
        if isinstance(found, Failure):
            self._fail(step, found)
        elif found:
            self._end(step, "Succeeded", Properties=found)
        elif self._stopping or self._terminated():
            self._end(step, "Stopped")
        else:
            self._end(step, "Failed", FailureReason=f"ClientError: {state['ResourceName']} was stopped.")

    def _take_up(self, step: Step) -> None:
        """Go on with a step that ran when the embedded AWS ended."""
        state = self._states[step.name]
        self._watched.add(step.name)
        if step.type in RESOURCE_STEPS:
            arn = self._resources.arn_of(step, state)
            if arn is None:
                self._attempt(step)
            elif state["StepStatus"] == "Starting":
                self._set(step, StepStatus="Executing", Metadata={RESOURCE_STEPS[step.type].metadata: {"Arn": arn}})
        elif step.type == "Callback":
            if state["StepStatus"] == "Starting":
                self._post(step, "Executing")
        else:
            self._start(step)

    def _stop_step(self, step: Step) -> None:
        state = self._states[step.name]
        if state["StepStatus"] == "Stopping" or step.type == "Lambda":
            return
        if step.name in self._retry_at:
            del self._retry_at[step.name]
            self._end(step, "Stopped")
        elif step.type == "Callback":
            self._post(step, "Stopping")
        elif RESOURCE_STEPS[step.type].stops and self._resources.stop(step, state):
            self._set(step, StepStatus="Stopping")

    def _scope(self, step: Step | None = None, name: str = "") -> Scope:
        """Return what references mean now; in a step that makes a job, `name` is the job's."""
        members = self._record.members
        execution = {
            "StartDateTime": _iso(members["CreationTime"]),
            "CurrentDateTime": _iso(self._context.clock.now()),
            "PipelineName": self._record.name.partition("/")[0],
            "PipelineArn": members["PipelineArn"],
            "PipelineExecutionId": self._record.name.rpartition("/")[2],
            "PipelineExecutionArn": self._record.arn,
            **({f"{RESOURCE_STEPS[step.type].resource}Name": name} if step else {}),
        }
        return Scope(members["Parameters"], execution, self._properties, self._property_file, self._messages.read)

    def _properties(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self._states[name]["Properties"]
        return found

    def _property_file(self, name: str, file: str) -> str:
        declared = self._definition.steps[name].raw["PropertyFiles"]
        [wanted] = [each for each in declared if each["PropertyFileName"] == file]
        outputs = self._properties(name).get("ProcessingOutputConfig", {}).get("Outputs", ())
        for output in outputs:
            if output["OutputName"] == wanted["OutputName"]:
                return f"{output['S3Output']['S3Uri'].rstrip('/')}/{wanted['FilePath']}"
        raise UnresolvedError(f"The step {name} has no output {wanted['OutputName']}, which its property file is in.")


def _iso(moment: Any) -> str:
    return f"{moment.strftime('%Y-%m-%dT%H:%M:%S')}.{moment.microsecond // 1000:03d}Z"
