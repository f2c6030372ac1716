"""What a definition may say: steps, references and arguments, checked when a pipeline is created or updated.

AWS's sentences, as users quote them: `Unknown Argument member …` (aws/sagemaker-python-sdk#3472), `Model Validation
failed: Value 'FastFile' for 'ProcessingS3InputMode' failed to satisfy enum value set: [Pipe, File]` and `Cannot assign
property reference … to argument of type …` (users' code), `CondStep can not depends on FailStep` (the SDK's integration
tests). Rules without such a sentence stand in SageMaker's guide. Not compared with AWS: the wording of the others;
that only a parameter's type is held against an argument's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws import serialization
from embedded_aws.services.sagemaker import api
from embedded_aws.services.sagemaker.errors import ServiceError, validation_exception
from embedded_aws.services.sagemaker.pipelines import caching, conditions, definition, references, retries
from embedded_aws.services.sagemaker.pipelines.definition import DefinitionError, NotOfferedError
from embedded_aws.services.sagemaker.pipelines.step_types import RESOURCE_STEPS
from embedded_aws.services.sagemaker.resource_types import RESOURCE_TYPES, members

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embedded_aws.services.sagemaker.pipelines.definition import Definition, Step

EXECUTION_VARIABLES = (
    "StartDateTime",
    "CurrentDateTime",
    "PipelineName",
    "PipelineArn",
    "PipelineExecutionId",
    "PipelineExecutionArn",
    "TrainingJobName",
    "ProcessingJobName",
)
# The types of parameters that an argument of each type takes.
_TAKES = {
    "string": ("String",),
    "integer": ("Integer",),
    "long": ("Integer",),
    "float": ("Integer", "Float"),
    "double": ("Integer", "Float"),
    "boolean": ("Boolean",),
}
_NEEDED = {"Lambda": "FunctionArn", "Callback": "SqsQueueUrl"}
_NOT_GIVEN = {"RegisterModel": ("ModelPackageName",)}
_TRAINING_JOBS = "ListTrainingJobsForHyperParameterTuningJob"


def read(text: str) -> Definition:
    """Return a definition that can be carried out. Raises AWS's ValidationException for the first thing wrong in it."""
    try:
        found = definition.read(text)
        for step in found.steps.values():
            _check_step(step, found)
        _check_cycles(found)
    except NotOfferedError as error:
        raise validation_exception(f"The embedded AWS does not offer {error}; do this on AWS.") from error
    except (DefinitionError, serialization.SerializationError) as error:
        raise validation_exception(f"Unable to parse pipeline definition. {error}") from error
    return found


def _check_step(step: Step, whole: Definition) -> None:
    for name in step.raw.get("DependsOn", ()):
        if name not in whole.steps:
            raise DefinitionError(f"The step {step.name} depends on {name}, and there is no step of that name.")
        if whole.steps[name].type == "Fail":
            raise DefinitionError(f"{step.name} can not depends on {name}")
    _check_references(step, whole)
    if step.type in RESOURCE_STEPS:
        _check_resource(step, whole)
    for problem in _own_problems(step):
        raise DefinitionError(problem)


def _own_problems(step: Step) -> Iterator[str]:
    """Yield what is wrong with a step beside its references and a resource's arguments."""
    yield from caching.problems(step.raw)
    yield from retries.problems(step)
    given = step.arguments.get("Conditions", [])
    if step.type == "Condition" and not isinstance(given, list):
        yield "Expecting start of Json Array."
    elif step.type == "Condition":
        for condition in given:
            yield from conditions.problems(condition)
    needed = _NEEDED.get(step.type)
    if needed and not step.raw.get(needed):
        yield f"The {step.type} step {step.name} needs the property '{needed}'."


def _check_resource(step: Step, whole: Definition) -> None:
    step_type = RESOURCE_STEPS[step.type]
    if step_type.create not in api.OPERATIONS:
        raise NotOfferedError(f"the step type {step.type} (step {step.name})")
    shape = api.operation_model(step_type.create).input_shape
    for name in _NOT_GIVEN.get(step.type, ()):
        if name in step.arguments:
            raise DefinitionError(f"Unknown Argument member '{name}'.")
    _check_value(shape, step.arguments, whole)
    try:
        members.check(RESOURCE_TYPES[step_type.resource].members["Create"], _closed(step.arguments))
    except ServiceError as error:
        raise validation_exception(f"The step {step.name}: {error.message}") from error


def _closed(value: Any) -> Any:
    """Return a value without what it leaves open."""
    match value:
        case dict():
            return {name: _closed(each) for name, each in value.items() if not references.is_open(each)}
        case list():
            return [_closed(each) for each in value if not references.is_open(each)]
    return value


def _check_value(shape: Any, value: Any, whole: Definition) -> None:
    """Raise DefinitionError, or SerializationError, unless a value can be one of that shape."""
    if references.is_open(value):
        _check_type(shape, value, whole)
    elif shape.type_name in ("structure", "list", "map"):
        for inner, each in _parts(shape, value):
            _check_value(inner, each, whole)
    else:
        serialization.check_type(shape, value)
        allowed = shape.metadata.get("enum", ())
        if allowed and value not in allowed:
            raise DefinitionError(
                f"Model Validation failed: Value '{value}' for '{shape.name}' failed to satisfy enum value set: "
                f"[{', '.join(allowed)}]"
            )


def _parts(shape: Any, value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield what a structure, a list or a map holds, each with its shape."""
    match shape.type_name, value:
        case "list", list():
            yield from ((shape.member, each) for each in value)
        case "map", dict():
            yield from ((shape.value, each) for each in value.values())
        case "structure", dict():
            for name, each in value.items():
                if name not in shape.members:
                    raise DefinitionError(f"Unknown Argument member '{name}'.")
                if each is not None:
                    yield shape.members[name], each
        case _:
            raise DefinitionError(f"Expecting start of Json {'Array' if shape.type_name == 'list' else 'Object'}.")


def _check_type(shape: Any, value: dict[str, Any], whole: Definition) -> None:
    path = value.get(references.GET)
    if isinstance(path, str) and path.startswith(f"{references.PARAMETERS}."):
        name = references.split(path)[1]
        kind = whole.parameters[name]["Type"]
        if shape.type_name in _TAKES and kind not in _TAKES[shape.type_name]:
            raise DefinitionError(
                f"Cannot assign property reference [{path}] to argument of type [{shape.type_name.capitalize()}]"
            )


def _check_references(step: Step, whole: Definition) -> None:
    """Raise DefinitionError for the first reference of a step's to what is not there."""
    for path in references.gets([step.arguments, step.raw.get("FunctionArn"), step.raw.get("SqsQueueUrl")]):
        try:
            root, name, rest = references.split(path)
        except ValueError as error:
            raise DefinitionError(
                f"The reference {path} of the step {step.name} must begin with Parameters., Steps. or Execution."
            ) from error
        known: Any = {
            references.PARAMETERS: whole.parameters,
            references.EXECUTION: EXECUTION_VARIABLES,
            references.STEPS: whole.steps,
        }[root]
        if name not in known:
            what = {"Parameters": "parameter", "Execution": "execution variable", "Steps": "step"}[root]
            raise DefinitionError(f"The step {step.name} refers to {path}, and there is no {what} {name}.")
        if root == references.STEPS:
            for problem in _property_problems(whole.steps[name], rest, path):
                raise DefinitionError(f"The step {step.name} refers to {path}: {problem}")


def _property_problems(step: Step, rest: list[str | int], path: str) -> Iterator[str]:
    """Yield why a step has no such property."""
    if rest[:1] == [references.PROPERTY_FILES]:
        files = [each.get("PropertyFileName") for each in step.raw.get("PropertyFiles", ())]
        if len(rest) != 2 or rest[1] not in files:  # noqa: PLR2004 - PropertyFiles and the name
            yield f"the step {step.name} has no such property file."
        return
    match step.type:
        case "Condition":
            if rest != ["Outcome"]:
                yield "a condition step has the property Outcome alone."
        case "Fail":
            yield f"{step.name} is a Fail step, which has no properties."
        case "Lambda" | "Callback":
            names = [each.get("OutputName") for each in step.raw.get("OutputParameters", ())]
            if len(rest) != 2 or rest[0] != "OutputParameters" or rest[1] not in names:  # noqa: PLR2004 - as above
                yield f"the step {step.name} has no such output parameter."
        case _:
            operations = [RESOURCE_STEPS[step.type].describe, *([_TRAINING_JOBS] if step.type == "Tuning" else [])]
            shapes = [api.operation_model(each).output_shape for each in operations if each in api.OPERATIONS]
            if not any(_leads(shape, rest) for shape in shapes):
                yield f"{path.partition(f'{step.name}.')[2] or 'it'} is no property of a {step.type} step."


def _leads(shape: Any, rest: list[str | int]) -> bool:
    for part in rest:
        match shape.type_name:
            case "structure" if part in shape.members:
                shape = shape.members[part]
            case "list":
                shape = shape.member
            case "map":
                shape = shape.value
            case _:
                return False
    return bool(rest)


def _check_cycles(whole: Definition) -> None:
    for name in whole.steps:
        if name in whole.above({name}):
            raise DefinitionError(f"Its steps depend on each other in a cycle, which the step {name} is in.")
