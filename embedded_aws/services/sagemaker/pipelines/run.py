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

import time
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.orchestration import Orchestration
from embedded_aws.services.sagemaker.pipelines import caching, conditions, lookup, messages, resources, retries
from embedded_aws.services.sagemaker.pipelines.references import UnresolvedError, text
from embedded_aws.services.sagemaker.pipelines.retries import Failure
from embedded_aws.services.sagemaker.pipelines.step_scope import StepScope
from embedded_aws.services.sagemaker.pipelines.step_states import StepStates
from embedded_aws.services.sagemaker.pipelines.step_types import RESOURCE_STEPS

if TYPE_CHECKING:
    from embedded_aws.runtime.credentials import Role
    from embedded_aws.services.sagemaker.pipelines.definition import Definition, Step
    from embedded_aws.services.sagemaker.provider import ControlPlane, ServiceContext
    from embedded_aws.services.sagemaker.store import Record

FAILED = "Step failure: One or multiple steps failed."
_POLL_SECONDS = 0.02
_IDLE_SECONDS = 1.0  # while nothing runs but what wakes the run itself


class PipelineRun(Orchestration):
    """A pipeline execution with its steps; `execute` returns when it has ended."""

    def __init__(
        self,
        record: Record,
        definition: Definition,
        role: Role,
        *,
        end_time: str,
        context: ServiceContext,
        service: ControlPlane,
    ) -> None:
        """Go on where the record's steps say that the execution has come to."""
        super().__init__(record, end_time=end_time, context=context, service=service)
        self._definition = definition
        self._resources = resources.Resources(record, role, context=context, service=service)
        self._messages = messages.Messages(record, role)
        self._steps = StepStates(record, definition.steps, context=context, lock=self._lock)
        self._scope = StepScope(record, definition.steps, self._steps, clock=context.clock, read=self._messages.read)
        self._retry_at: dict[str, float] = {}
        self._watched: set[str] = set()  # the running steps that this run has started, or has taken up

    def answer(self, name: str, *, outputs: dict[str, str] | None = None, failure: str = "") -> bool:
        """Take the answer to a callback step; return False if the step has ended."""
        with self._lock:
            step, state = self._definition.steps[name], self._steps[name]
            if self._finished or self._steps.has_ended(name):
                return False
            if outputs is None:
                self._steps.end(step, "Failed", FailureReason=failure or None)
            else:
                self._steps.end(step, "Succeeded", **messages.told(step, state, outputs))
        self._wake.set()
        return True

    def _members(self, reason: str) -> dict[str, Any]:
        return {"PreviousStatus": self._record.status, "PipelineExecutionFailureReason": reason or None}

    def _execute(self) -> tuple[str, str]:
        while not self._killed:
            moved = False
            for step in self._steps.running():
                self._watch(step)
                moved |= self._steps.has_ended(step.name)
            if self._stopping or self._steps.terminated():
                for step in self._steps.running():
                    self._stop_step(step)
            elif not self._steps.has_failed():
                moved |= self._start_ready()
            if not self._steps.running() and not moved:
                return self._outcome()
            if not moved:
                polled = any(step.type in RESOURCE_STEPS for step in self._steps.running())
                self._wake.wait(_POLL_SECONDS if polled else _IDLE_SECONDS)
                self._wake.clear()
        return "Stopped", ""

    def _outcome(self) -> tuple[str, str]:
        if self._steps.has_failed():
            return "Failed", FAILED
        return ("Stopped", "") if self._stopping else ("Succeeded", "")

    def _start_ready(self) -> bool:
        """Start the steps that can be, as many as may run at once; return whether any was."""
        parallel = self._record.members.get("ParallelismConfiguration", {}).get("MaxParallelExecutionSteps")
        started = False
        for step in self._definition.steps.values():
            if parallel is not None and len(self._steps.running()) >= parallel:
                break
            if self._is_ready(step):
                self._start(step)
                started = True
                if self._steps.has_failed() or self._stopping:
                    break
        return started

    def _is_ready(self, step: Step) -> bool:
        selected = self._record.members.get("SelectiveExecutionConfig", {}).get("SelectedSteps")
        if step.name in self._steps.all or (selected and {"StepName": step.name} not in selected):
            return False
        if not all(self._steps.has_succeeded(name) for name in step.upstream):
            return False
        return not step.condition or self._steps[step.condition]["Properties"]["Outcome"] is step.branch

    def _start(self, step: Step) -> None:
        """Start a step; one that takes no time has ended then."""
        try:
            if step.type in RESOURCE_STEPS:
                self._attempt(step)
            elif step.type == "Condition":
                self._decide(step)
            elif step.type == "Fail":
                message = text(self._scope.now().resolve(step.arguments.get("ErrorMessage") or ""))
                self._steps.end(step, "Failed", FailureReason=message, Metadata={"Fail": {"ErrorMessage": message}})
            else:
                self._send(step)
        except (UnresolvedError, conditions.ComparisonError) as error:
            self._steps.end(step, "Failed", FailureReason=f"ClientError: {error}")

    def _decide(self, step: Step) -> None:
        given = self._scope.now().resolve(step.arguments)["Conditions"]
        self._steps.set(step, StepStatus="Executing", AttemptCount=1)
        outcome = all(conditions.holds(each) for each in given)
        self._steps.end(
            step,
            "Succeeded",
            Metadata={"Condition": {"Outcome": str(outcome)}},
            Properties={"Outcome": outcome},
        )

    def _send(self, step: Step) -> None:
        """Invoke a Lambda step's function, or send a callback step's message."""
        arguments = self._scope.now().resolve(step.arguments)
        where = text(self._scope.now().resolve(step.raw.get("FunctionArn") or step.raw.get("SqsQueueUrl")))
        if self._reuse(step, key := caching.key(step, arguments)):
            return
        self._watched.add(step.name)
        state = {"CacheKey": key, "AttemptCount": 1}
        if step.type == "Lambda":
            self._steps.set(step, StepStatus="Executing", Metadata={"Lambda": {"Arn": where}}, **state)
            self._messages.invoke(where, arguments, then=lambda **answer: self._hear(step, **answer))
            return
        metadata = {"CallbackToken": messages.new_token(), "SqsQueueUrl": where}
        self._steps.set(
            step, StepStatus="Starting", Metadata={"Callback": metadata}, CallbackArguments=arguments, **state
        )
        self._post(step, "Executing")

    def _post(self, step: Step, status: str) -> None:
        """Send a callback step's message, and record the step's status that it tells."""
        state = self._steps[step.name]
        try:
            self._messages.send(state["Metadata"]["Callback"], state["CallbackArguments"], status)
        except messages.MessageError as error:
            self._steps.end(step, "Failed", FailureReason=f"ClientError: {error}")
        else:
            with self._lock:  # who got the message may have answered already
                if not self._steps.has_ended(step.name):
                    self._steps.set(step, StepStatus=status)

    def _hear(self, step: Step, *, outputs: dict[str, Any] | None = None, failure: str = "") -> None:
        """Take a function's answer."""
        with self._lock:
            if self._killed:
                return
            if outputs is None:
                self._steps.end(step, "Failed", FailureReason=f"ClientError: {failure}")
            else:
                self._steps.end(step, "Succeeded", **messages.told(step, self._steps[step.name], outputs))
        self._wake.set()

    def _reuse(self, step: Step, key: str | None) -> bool:
        """Let an earlier run of a step serve again, if there is one."""
        executions = lookup.executions_of(self._context.store, self._record)
        found = caching.find(step, key, executions, self._context.clock.now())
        if found is None:
            return False
        execution, state = found
        self._steps.end(
            step,
            "Succeeded",
            Metadata=state["Metadata"],
            Properties=state.get("Properties"),
            CacheHitResult={"SourcePipelineExecutionArn": execution.arn},
        )
        return True

    def _attempt(self, step: Step) -> None:
        """Make what a step makes, once more."""
        state = self._steps.all.get(step.name, {})
        name = self._resources.new_name(step)
        arguments = self._scope.now(step, name).resolve(step.arguments)
        key = caching.key(step, arguments)
        if not state and self._reuse(step, key):
            return
        self._watched.add(step.name)
        self._steps.set(
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
        self._steps.set(step, StepStatus="Executing", Metadata={RESOURCE_STEPS[step.type].metadata: {"Arn": arn}})
        if step.type == "Model":
            self._watch(step)

    def _fail(self, step: Step, failure: Failure) -> None:
        """Let a step fail, or be tried again."""
        state = self._steps[step.name]
        elapsed = (self._context.clock.now() - state["StartTime"]).total_seconds()
        delay = None if self._stopping else retries.delay(step, failure, state["AttemptCount"], elapsed)
        if delay is None:
            self._steps.end(step, "Failed", FailureReason=retries.final_reason(step, failure, self._record.arn))
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
        state = self._steps[step.name]
        found = self._resources.look(step, state)
        if found is None:
            return
        if isinstance(found, Failure):
            self._fail(step, found)
        elif found:
            self._steps.end(step, "Succeeded", Properties=found)
        elif self._stopping or self._steps.terminated():
            self._steps.end(step, "Stopped")
        else:
            self._steps.end(step, "Failed", FailureReason=f"ClientError: {state['ResourceName']} was stopped.")

    def _take_up(self, step: Step) -> None:
        """Go on with a step that ran when the embedded AWS ended."""
        state = self._steps[step.name]
        self._watched.add(step.name)
        if step.type in RESOURCE_STEPS:
            arn = self._resources.arn_of(step, state)
            if arn is None:
                self._attempt(step)
            elif state["StepStatus"] == "Starting":
                self._steps.set(
                    step, StepStatus="Executing", Metadata={RESOURCE_STEPS[step.type].metadata: {"Arn": arn}}
                )
        elif step.type == "Callback":
            if state["StepStatus"] == "Starting":
                self._post(step, "Executing")
        else:
            self._start(step)

    def _stop_step(self, step: Step) -> None:
        state = self._steps[step.name]
        if state["StepStatus"] == "Stopping" or step.type == "Lambda":
            return
        if step.name in self._retry_at:
            del self._retry_at[step.name]
            self._steps.end(step, "Stopped")
        elif step.type == "Callback":
            self._post(step, "Stopping")
        elif RESOURCE_STEPS[step.type].stops and self._resources.stop(step, state):
            self._steps.set(step, StepStatus="Stopping")
