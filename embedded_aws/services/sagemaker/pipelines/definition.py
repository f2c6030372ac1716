"""A pipeline's definition, read from its JSON: parameters and steps, each step with what must come before it.

The members are those of the public pipeline definition schema and of what the SageMaker SDK 3 writes. Steps in the
branches of a condition step are steps like others that wait for it. AWS's sentences, as users quote them: `Unable to
parse pipeline definition.`, `Expecting start of Json Object.`, `… Array.`, `Cannot parse object, unknown property …`
(aws/sagemaker-python-sdk#3908, #2345, #2746). Not compared with AWS: the other sentences; that a string parameter's
empty default is taken.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker.pipelines import references

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TOP = ("Version", "Metadata", "Parameters", "PipelineExperimentConfig", "Steps")
_PARAMETER = ("Name", "Type", "DefaultValue", "EnumValues", "Description")
_STEP = ("Name", "Type", "Arguments", "DependsOn", "DisplayName", "Description")
_CACHED = ("CacheConfig",)
_OWN: dict[str, tuple[str, ...]] = {
    "Processing": ("PropertyFiles", "RetryPolicies", *_CACHED),
    "Training": ("RetryPolicies", *_CACHED),
    "Tuning": ("RetryPolicies", *_CACHED),
    "Transform": ("RetryPolicies", *_CACHED),
    "Model": ("RetryPolicies",),
    "RegisterModel": ("RetryPolicies",),
    "Lambda": ("FunctionArn", "OutputParameters", *_CACHED),
    "Callback": ("SqsQueueUrl", "OutputParameters", *_CACHED),
    "Condition": (),
    "Fail": (),
}
TYPES = tuple(_OWN)
PARAMETER_TYPES: dict[str, tuple[type, ...]] = {
    "String": (str,),
    "Integer": (int,),
    "Float": (int, float),
    "Boolean": (bool,),
}


class DefinitionError(Exception):
    """What is wrong with a definition, in one sentence."""


class NotOfferedError(DefinitionError):
    """What a definition asks for that only AWS has."""


@dataclass(frozen=True)
class Step:
    """One step; `condition` is the condition step that it is in a branch of, "" if none, `branch` which branch."""

    raw: Mapping[str, Any]
    condition: str = ""
    branch: bool = True

    @property
    def name(self) -> str:
        """Return the step's name."""
        return str(self.raw["Name"])

    @property
    def type(self) -> str:
        """Return the step's type."""
        return str(self.raw["Type"])

    @property
    def arguments(self) -> dict[str, Any]:
        """Return the step's own arguments: of a condition step, its conditions."""
        given = self.raw.get("Arguments") or {}
        return {name: value for name, value in given.items() if name not in ("IfSteps", "ElseSteps")}

    @cached_property
    def before(self) -> tuple[str, ...]:
        """Return the steps that must have succeeded before this one, but for its condition step."""
        named = {
            references.split(path)[1]: None
            for path in references.gets([self.arguments, self.raw.get("FunctionArn"), self.raw.get("SqsQueueUrl")])
            if path.startswith(f"{references.STEPS}.")
        }
        return tuple({**dict.fromkeys(self.raw.get("DependsOn", ())), **named})

    @cached_property
    def upstream(self) -> tuple[str, ...]:
        """Return all that it waits for."""
        return (*self.before, *([self.condition] if self.condition else []))


@dataclass(frozen=True)
class Definition:
    """A definition that could be read; `steps` are all of them, by name, in the order in which they stand."""

    parameters: Mapping[str, Mapping[str, Any]]
    steps: Mapping[str, Step]
    experiment: Mapping[str, Any]

    def above(self, names: set[str]) -> set[str]:
        """Return the steps that these wait for, directly or through others."""
        found: set[str] = set()
        waiting = [*names]
        while waiting:
            fresh = {each for each in self.steps[waiting.pop()].upstream if each in self.steps} - found
            found |= fresh
            waiting += fresh
        return found


def read(text: str) -> Definition:
    """Return the definition that a text is. Raises DefinitionError."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise DefinitionError(f"It is not JSON: {error}.") from error
    _check_members(document, (*_TOP, "MlflowConfig"))
    if document.get("MlflowConfig") is not None:  # the SDK writes a null
        raise NotOfferedError("MlflowConfig")
    if document.get("Version", "2020-12-01") != "2020-12-01":
        raise DefinitionError(f"Version '{document['Version']}' is not supported. It must be 2020-12-01.")
    if not _list(document.get("Steps", [])):
        raise DefinitionError("It needs Steps, at least one.")
    steps: dict[str, Step] = {}
    for step in _steps(document["Steps"]):
        if step.name in steps:
            raise DefinitionError(f"The step name {step.name} is given twice. Step names must be unique in a pipeline.")
        steps[step.name] = step
    experiment = document.get("PipelineExperimentConfig") or {}
    return Definition(_parameters(document.get("Parameters") or []), steps, experiment)


def _steps(given: Any, condition: str = "", *, branch: bool = True) -> Iterator[Step]:
    for raw in _list(given):
        _check_step(raw)
        yield Step(raw, condition, branch)
        if raw["Type"] == "Condition":
            if condition:
                raise DefinitionError(
                    f"The condition step {raw['Name']} is in a branch of the condition step {condition}. "
                    "Condition steps can't be nested."
                )
            arguments = raw["Arguments"]
            _check_members(arguments, ("Conditions", "IfSteps", "ElseSteps"))
            yield from _steps(arguments.get("IfSteps") or [], raw["Name"])
            yield from _steps(arguments.get("ElseSteps") or [], raw["Name"], branch=False)


def _check_step(raw: Any) -> None:
    if not isinstance(raw, dict):
        raise DefinitionError("Expecting start of Json Object.")
    name, kind = raw.get("Name"), raw.get("Type")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise DefinitionError(f"The step name '{name}' must match {_NAME.pattern}.")
    if kind not in _OWN:
        raise NotOfferedError(f"the step type {kind} (step {name})")
    _check_members(raw, (*_STEP, *_OWN[kind]))
    arguments = raw.get("Arguments")
    if not isinstance(arguments, dict) and not (arguments is None and kind in ("Lambda", "Callback", "Fail")):
        raise DefinitionError("Expecting start of Json Object.")
    for each in _list(raw.get("DependsOn", [])):
        if isinstance(each, dict) and "Trigger" in each:
            raise NotOfferedError(f"DependsOn with the trigger {each['Trigger']} (step {name})")
        if not isinstance(each, str):
            raise DefinitionError(f"DependsOn of the step {name} must hold names of steps.")


def _parameters(given: Any) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for raw in _list(given):
        _check_members(raw, _PARAMETER)
        name, kind = raw.get("Name"), raw.get("Type", "String")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise DefinitionError(f"The parameter name '{name}' must match {_NAME.pattern}.")
        if name in found:
            raise DefinitionError(f"The parameter {name} is given twice.")
        if kind not in PARAMETER_TYPES:
            raise DefinitionError(
                f"The parameter {name} has the type '{kind}'. It is one of {', '.join(PARAMETER_TYPES)}."
            )
        default = raw.get("DefaultValue")
        if default is not None and (
            not isinstance(default, PARAMETER_TYPES[kind]) or (isinstance(default, bool) and kind != "Boolean")
        ):
            raise DefinitionError(f"The DefaultValue of the parameter {name} is not of its type, {kind}.")
        found[name] = {**raw, "Type": kind}
    return found


def _check_members(given: Any, known: tuple[str, ...]) -> None:
    if not isinstance(given, dict):
        raise DefinitionError("Expecting start of Json Object.")
    for name in given:
        if name not in known:
            raise DefinitionError(f"Cannot parse object, unknown property '{name}'.")


def _list(given: Any) -> list[Any]:
    if not isinstance(given, list):
        raise DefinitionError("Expecting start of Json Array.")
    return given
