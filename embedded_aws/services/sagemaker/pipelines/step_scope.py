"""What references in a step's arguments mean at the moment: the execution's own values, and those of other steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.pipelines.references import Scope, UnresolvedError
from embedded_aws.services.sagemaker.pipelines.step_types import RESOURCE_STEPS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from embedded_aws.services.sagemaker.clock import Clock
    from embedded_aws.services.sagemaker.pipelines.definition import Step
    from embedded_aws.services.sagemaker.pipelines.step_states import StepStates
    from embedded_aws.services.sagemaker.store import Record


class StepScope:
    """The values of one execution's references; `read` returns the content of an object in S3."""

    def __init__(
        self,
        record: Record,
        steps: Mapping[str, Step],
        states: StepStates,
        *,
        clock: Clock,
        read: Callable[[str], bytes],
    ) -> None:
        self._record, self._steps, self._states = record, steps, states
        self._clock, self._read = clock, read

    def now(self, step: Step | None = None, name: str = "") -> Scope:
        """Return what references mean now; in a step that makes a job, `name` is the job's."""
        members = self._record.members
        execution = {
            "StartDateTime": _iso(members["CreationTime"]),
            "CurrentDateTime": _iso(self._clock.now()),
            "PipelineName": self._record.name.partition("/")[0],
            "PipelineArn": members["PipelineArn"],
            "PipelineExecutionId": self._record.name.rpartition("/")[2],
            "PipelineExecutionArn": self._record.arn,
            **({f"{RESOURCE_STEPS[step.type].resource}Name": name} if step else {}),
        }
        return Scope(members["Parameters"], execution, self._properties, self._property_file, self._read)

    def _properties(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self._states[name]["Properties"]
        return found

    def _property_file(self, name: str, file: str) -> str:
        declared = self._steps[name].raw["PropertyFiles"]
        [wanted] = [each for each in declared if each["PropertyFileName"] == file]
        outputs = self._properties(name).get("ProcessingOutputConfig", {}).get("Outputs", ())
        for output in outputs:
            if output["OutputName"] == wanted["OutputName"]:
                return f"{output['S3Output']['S3Uri'].rstrip('/')}/{wanted['FilePath']}"
        raise UnresolvedError(f"The step {name} has no output {wanted['OutputName']}, which its property file is in.")


def _iso(moment: datetime) -> str:
    return f"{moment.strftime('%Y-%m-%dT%H:%M:%S')}.{moment.microsecond // 1000:03d}Z"
