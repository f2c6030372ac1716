"""botocore's models of services, read once each, as far as they say what requests are: a third of their size."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel, OperationNotFoundError, ServiceModel
from ministack.core import responses

from embedded_aws import botocore_models

if TYPE_CHECKING:
    from collections.abc import Iterator

_LABEL = re.compile(r"\{(\w+)(\+?)\}")


@cache
def model(service: str) -> ServiceModel | None:
    """Return the model of a service as ministack names it; None if botocore has none."""
    name = responses._BOTOCORE_NAME.get(service, service)
    try:
        found = botocore_models.read(name)
    except UnknownServiceError:
        return None
    return ServiceModel(_of_requests(found), name)


def operation(service: str, name: str) -> OperationModel | None:
    """Return the model of an operation; None if the service, or its model, has not got it."""
    found = model(service)
    try:
        return found.operation_model(name) if found else None
    except OperationNotFoundError:
        return None


def operation_at(service: str, method: str, path: str) -> OperationModel | None:
    """Return the operation of a service's REST interface that a method and a path name; None if they name none."""
    name = next((name for verb, pattern, name in _paths(service) if verb == method and pattern.fullmatch(path)), "")
    return operation(service, name)


@cache
def _paths(service: str) -> tuple[tuple[str, re.Pattern[str], str], ...]:
    """Return method, pattern of paths and name of each operation, of which the first that fits is meant."""
    found = model(service)
    if found is None or found.metadata.get("protocol") != "rest-json":
        return ()
    return tuple((verb, pattern, name) for _, verb, pattern, name in sorted(_requests(found), key=lambda each: each[0]))


def _requests(found: ServiceModel) -> Iterator[tuple[int, str, re.Pattern[str], str]]:
    for name in found.operation_names:
        http = found.operation_model(name).http
        path = http["requestUri"].partition("?")[0]
        literal, pattern, end = 0, "", 0
        for label in _LABEL.finditer(path):
            before = path[end : label.start()]
            pattern += re.escape(before) + (".+" if label[2] else "[^/]+")
            literal, end = literal + len(before), label.end()
        pattern += re.escape(path[end:].rstrip("/")) + "/?"
        yield -(literal + len(path) - end), http["method"], re.compile(pattern), name


def _of_requests(found: dict[str, Any]) -> dict[str, Any]:
    """Return a model without documentation, and without the shapes that only answers have."""
    operations = {name: _undocumented(each) for name, each in found["operations"].items()}
    shapes: dict[str, Any] = {}
    wanted = [each["input"] for each in operations.values() if "input" in each]
    wanted += [error for each in operations.values() for error in each.get("errors", ())]
    while wanted:
        reference = wanted.pop()
        if (name := reference["shape"]) not in shapes:
            shape = shapes[name] = _undocumented(found["shapes"][name])
            wanted += shape.get("members", {}).values()
            wanted += (shape[part] for part in ("member", "key", "value") if part in shape)
    return {"metadata": found["metadata"], "operations": operations, "shapes": shapes}


def _undocumented(part: Any) -> Any:
    if isinstance(part, dict):
        texts = ("documentation", "documentationUrl")
        return {name: _undocumented(each) for name, each in part.items() if name not in texts or isinstance(each, dict)}
    return [_undocumented(each) for each in part] if isinstance(part, list) else part
