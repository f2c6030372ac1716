"""Search: resources of a type whose properties pass an expression, in any property's order, page by page.

Sources: botocore's model of SearchExpression, Filter, NestedFilters, VisibilityConditions and SearchRequest. The
properties are those of the type's member of SearchRecord; a filter on a map's or a tag's key has the key behind the
map's name; one on a list passes if an element does; `Metrics.<name>` is a training job's final metric. A model is what
SageMaker's dashboard shows; its own members may be named with or without `Model.` before them.
Not compared with AWS: the sentences but that of the limit of Contains, which botocore's model quotes; that NotEquals
passes where there is no value; that text is compared with its case; where a resource without the property of SortBy
stands (before the others).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from embedded_aws.services.sagemaker import listing, tags
from embedded_aws.services.sagemaker.errors import validation_exception
from embedded_aws.services.sagemaker.model_registry import versions
from embedded_aws.services.sagemaker.pipelines import versions as pipeline_versions
from embedded_aws.services.sagemaker.resource_types import RESOURCE_TYPES
from embedded_aws.services.sagemaker.resource_types.endpoints import DEPLOYMENT
from embedded_aws.services.sagemaker.resource_types.members import DONE, Members, done

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.model import Shape

    from embedded_aws.services.sagemaker.store import Record, Store

RESOURCES = (
    "TrainingJob",
    "Endpoint",
    "Model",
    "ModelPackage",
    "ModelPackageGroup",
    "HyperParameterTuningJob",
    "ModelCard",
    "Pipeline",
    "PipelineExecution",
    "PipelineVersion",
)
"""The types that can be searched, each a member of SearchRecord."""
_FILTER: Members = {"Name": DONE, "Operator": DONE, "Value": DONE}
_EXPRESSION: Members = {
    "Filters": _FILTER,
    "NestedFilters": {"NestedPropertyName": DONE, "Filters": _FILTER},
    "SubExpressions": done("of the same members"),
    "Operator": DONE,
}
MEMBERS: Members = {
    "Resource": done(f"{', '.join(RESOURCES)}"),
    "SearchExpression": _EXPRESSION,
    "SortBy": DONE,
    "SortOrder": DONE,
    "NextToken": DONE,
    "MaxResults": DONE,
    "CrossAccountFilterOption": done("other accounts share nothing here"),
    "VisibilityConditions": {"Key": DONE, "Value": DONE},
}
_MOST = 50
_VERSIONED = ("PipelineVersion", "PipelineExecution")
_TAGS, _METRICS, _MODEL = "Tags", "Metrics", "Model"
_NUMBERS = ("integer", "long", "float", "double")
_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": lambda value, operand: value > operand,
    "GreaterThanOrEqualTo": lambda value, operand: value >= operand,
    "LessThan": lambda value, operand: value < operand,
    "LessThanOrEqualTo": lambda value, operand: value <= operand,
}
_OF_TEXT: dict[str, Callable[[Any, Any], bool]] = {
    "Contains": lambda value, operand: operand in value,
    "In": lambda value, operand: value in [each.strip() for each in operand.split(",")],
}


@dataclass(frozen=True)
class _Hit:
    """A resource as Search answers it: `properties` are what is filtered and sorted by."""

    record: Record
    properties: dict[str, Any]
    answer: dict[str, Any]


def search(store: Store, record_shape: Any, request: dict[str, Any], *, account: str, region: str) -> dict[str, Any]:
    """Answer Search; `record_shape` is botocore's SearchRecord. Raises ValidationException."""
    resource = request["Resource"]
    if resource not in RESOURCES:
        raise validation_exception(f"The embedded AWS searches {', '.join(RESOURCES)}, not {resource}; do this on AWS.")
    shape = record_shape.members[resource]
    shape = shape.members[_MODEL] if resource == _MODEL else shape
    expression = request.get("SearchExpression")
    if expression is not None:
        _check_size(expression)
    hits = [_hit(store, each) for each in store.all(resource, account=account, region=region)]
    if request.get("CrossAccountFilterOption") == "CrossAccount":
        hits = []
    passes = _expression(shape, expression) if expression is not None else lambda _properties: True
    found = [
        hit for hit in hits if passes(hit.properties) and _is_visible(hit, request.get("VisibilityConditions", ()))
    ]
    value = _property(shape, request["SortBy"])[0] if "SortBy" in request else _last_modified

    def position(hit: _Hit) -> list[Any]:
        values = value(hit.properties)
        return [[1, _sortable(values[0])] if values else [0], hit.record.name]

    descending = request.get("SortOrder", "Descending") == "Descending"
    found.sort(key=position, reverse=descending)
    placed = [(position(hit), hit) for hit in found]
    page, token = listing.page_of(placed, RESOURCE_TYPES[resource], request, descending=descending)
    answer: dict[str, Any] = {
        "Results": [{resource: hit.answer} for hit in page],
        "TotalHits": {"Value": len(found), "Relation": "EqualTo"},
    }
    return {**answer, "NextToken": token} if token else answer


def _hit(store: Store, record: Record) -> _Hit:
    bears = versions.tags_of(store, record)
    answer = {**record.members, _TAGS: tags.write(bears)}
    if record.resource_type.name in _VERSIONED:
        answer |= pipeline_versions.found_by_search(store, record)
    properties = {**answer, _TAGS: bears}
    if record.resource_type.name == _MODEL:
        answer = {_MODEL: answer, "Endpoints": _endpoints(store, record), **_last_transform(store, record)}
    return _Hit(record, properties, answer)


def _endpoints(store: Store, model: Record) -> list[dict[str, Any]]:
    """Return the endpoints that a model serves behind."""
    found = store.all("Endpoint", account=model.account, region=model.region)
    return [
        each.members
        for each in found
        if any(used["ModelName"] == model.name for used in each.members.get(DEPLOYMENT, {}).get("Models", ()))
    ]


def _last_transform(store: Store, model: Record) -> dict[str, Any]:
    found = store.all("TransformJob", account=model.account, region=model.region)
    mine = [each for each in found if each.members["ModelName"] == model.name]
    if not mine:
        return {}
    return {"LastBatchTransformJob": {**mine[-1].members, _TAGS: tags.write(mine[-1].tags)}}


def _is_visible(hit: _Hit, conditions: Any) -> bool:
    """Return whether each tag that a condition is about has its value, if it is there."""
    bears = hit.properties[_TAGS]
    for condition in conditions:
        key = condition.get("Key", "").removeprefix(f"{_TAGS}.")
        if key in bears and bears[key] != condition.get("Value"):
            return False
    return True


def _check_size(expression: Mapping[str, Any]) -> None:
    """Raise ValidationException for an expression that is empty or too large, or has more than one Contains."""
    parts = [*_parts(expression)]
    if len(parts) > _MOST:
        raise validation_exception(f"A SearchExpression can have at most {_MOST} filters and expressions in all.")
    if sum(each.get("Operator") == "Contains" for each in parts) > 1:
        raise validation_exception("'CONTAINS' operator usage limit of 1 exceeded.")


def _parts(expression: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return all filters, nested filters and expressions within an expression, at any depth."""
    nested = expression.get("NestedFilters", [])
    below = expression.get("SubExpressions", [])
    filters = expression.get("Filters", [])
    if not (nested or below or filters):
        raise validation_exception(
            "A SearchExpression needs at least one of Filters, NestedFilters and SubExpressions."
        )
    return [
        *filters,
        *(part for each in nested for part in (each, *each["Filters"])),
        *(part for each in below for part in (each, *_parts(each))),
    ]


def _expression(shape: Any, expression: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], bool]:
    """Return what tells whether properties pass an expression."""
    conditions = [
        *(_filter(shape, each) for each in expression.get("Filters", ())),
        *(_nested(shape, each) for each in expression.get("NestedFilters", ())),
        *(_expression(shape, each) for each in expression.get("SubExpressions", ())),
    ]
    combine = any if expression.get("Operator") == "Or" else all
    return lambda properties: combine(passes(properties) for passes in conditions)


def _nested(shape: Any, nested: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], bool]:
    """Return what tells whether one element of a list passes all of the filters."""
    name = nested["NestedPropertyName"]
    elements, element = _property(shape, name)
    if element.type_name != "structure":
        raise validation_exception(f"NestedPropertyName {name} is no list of structures.")
    filters = []
    for each in nested["Filters"]:
        inner = each["Name"].removeprefix(f"{name}.")
        if inner == each["Name"]:
            raise validation_exception(f"Name {each['Name']} does not begin with its NestedPropertyName, {name}.")
        filters.append(_filter(element, {**each, "Name": inner}))
    return lambda properties: any(all(passes(one) for passes in filters) for one in elements(properties))


def _filter(shape: Any, given: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], bool]:
    """Return what tells whether properties pass a filter."""
    name = given["Name"]
    values, leaf = _property(shape, name)
    operator = given.get("Operator", "Equals")
    if operator in ("Exists", "NotExists"):
        return lambda properties: bool(values(properties)) == (operator == "Exists")
    if "Value" not in given:
        raise validation_exception(f"The filter on {name} needs a Value for {operator}.")
    kind = _kind(name, leaf)
    numeric = kind in ("number", "time")
    if (operator in _ORDERED and kind not in ("number", "time", "either")) or (operator in _OF_TEXT and numeric):
        raise validation_exception(f"{operator} is not supported for the property {name}.")
    operand = _operand(kind, name, given["Value"])
    if operator in ("Equals", "NotEquals"):
        return lambda properties: any(_like(each, operand) for each in values(properties)) == (operator == "Equals")
    if operator in _OF_TEXT:
        return lambda properties: any(_OF_TEXT[operator](str(each), given["Value"]) for each in values(properties))

    def compares(properties: Mapping[str, Any]) -> bool:
        numbers = [_number(each) for each in values(properties)]
        return any(each is not None and _ORDERED[operator](each, operand) for each in numbers)

    return compares


def _property(shape: Any, path: str) -> tuple[Callable[[Any], list[Any]], Any]:
    """Return what finds a property's values in a structure, and their shape (of a list, its elements').

    Raises ValidationException for one that there is not.
    """
    first, _, rest = path.partition(".")
    if first == _METRICS and "FinalMetricDataList" in shape.members and rest:
        metric = shape.members["FinalMetricDataList"].member.members["Value"]
        return lambda value: [
            m["Value"] for m in value.get("FinalMetricDataList", ()) if m["MetricName"] == rest
        ], metric
    if first == _TAGS and rest:
        return lambda value: [value[_TAGS][rest]] if rest in value.get(_TAGS, {}) else [], _Text
    if first == _MODEL and _MODEL not in shape.members and "ModelName" in shape.members and rest:
        return _property(shape, rest)
    if first not in shape.members:
        raise validation_exception(f"Unknown property name: {path}.")
    return _below(lambda value: [value[first]] if first in value else [], shape.members[first], rest, path)


def _below(
    values: Callable[[Any], list[Any]], shape: Any, rest: str, path: str
) -> tuple[Callable[[Any], list[Any]], Any]:
    """Return what finds the rest of a path below these values, and its shape; `path` is the whole."""
    while shape.type_name == "list":
        values, shape = _elements(values), shape.member
    if not rest:
        return values, shape
    if shape.type_name == "map":
        return lambda value: [each[rest] for each in values(value) if rest in each], shape.value
    if shape.type_name != "structure":
        raise validation_exception(f"Unknown property name: {path}.")
    inner, leaf = _property(shape, rest)
    return lambda value: [one for each in values(value) for one in inner(each)], leaf


def _elements(lists: Callable[[Any], list[Any]]) -> Callable[[Any], list[Any]]:
    return lambda value: [one for many in lists(value) for one in many]


class _Text:
    """The shape of a tag's value."""

    type_name = "string"


def _kind(name: str, shape: Shape) -> str:
    """Return what is compared: a hyperparameter is text, and a number where both sides are."""
    if name.startswith("HyperParameters."):
        return "either"
    if shape.type_name in _NUMBERS:
        return "number"
    return {"timestamp": "time", "boolean": "boolean"}.get(shape.type_name, "text")


def _operand(kind: str, name: str, text: str) -> Any:
    try:
        match kind:
            case "number":
                return float(text)
            case "time":
                moment = datetime.fromisoformat(text)
                return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
            case "boolean":
                return text.lower() == "true"
    except ValueError as error:
        what = "a number" if kind == "number" else "a time like 2026-11-29T10:00:00"
        raise validation_exception(f"The Value of the filter on {name} must be {what}: {text}.") from error
    number = _number(text)
    return number if kind == "either" and number is not None else text


def _like(value: Any, operand: Any) -> bool:
    if isinstance(operand, float):
        return _number(value) == operand
    return bool(value == operand)


def _number(value: Any) -> float | None:
    if isinstance(value, datetime):
        return value.timestamp()
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _sortable(value: Any) -> Any:
    return value.timestamp() if isinstance(value, datetime) else value


def _last_modified(properties: Mapping[str, Any]) -> list[Any]:
    return [properties["LastModifiedTime"]]
