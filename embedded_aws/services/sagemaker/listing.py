"""List operations: filters, order and pages of the records of a resource type.

Not compared with AWS: that `NameContains` minds case; that `…After` includes its instant and `…Before` does not.
Ten resources a page unless MaxResults says otherwise: botocore's model for ListEndpoints and others.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from embedded_aws.services.sagemaker.errors import ServiceError, validation_exception

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from embedded_aws.services.sagemaker.resource_types import ResourceType
    from embedded_aws.services.sagemaker.store import Record

_Position = list[Any]
_Item = TypeVar("_Item")

PAGE = 10
_PAGING = ("NextToken", "MaxResults")
_ORDERING = ("SortBy", "SortOrder")
_SECRET = secrets.token_bytes(32)
_CRITERIA: dict[str, Callable[[Any, Any], bool]] = {
    "Contains": lambda value, operand: operand in value,
    "Equals": lambda value, operand: operand in value if isinstance(value, list) else value == operand,
    "After": lambda value, operand: value >= operand,
    "Before": lambda value, operand: value < operand,
    "Prefix": lambda value, operand: value.startswith(operand),
}
# Filters whose member has another name than the filter without its criterion.
_FILTERED_MEMBERS = {"AdditionalCodeRepository": "AdditionalCodeRepositories", "Created": "CreationTime"}


def select(resource_type: ResourceType, records: Sequence[Record], request: dict[str, Any]) -> list[Record]:
    """Return the records that pass the request's filters, in the order it asks for."""
    own = resource_type.filters
    filters = {name: operand for name, operand in request.items() if name not in {*_PAGING, *_ORDERING, *own}}
    matching = [
        r
        for r in records
        if all(_passes(r, name, operand) for name, operand in filters.items())
        and all(passes(r.members, request) for passes in own.values())
    ]
    return sorted(matching, key=_order(resource_type, request), reverse=_descending(resource_type, request))


def page(
    resource_type: ResourceType, records: Sequence[Record], request: dict[str, Any]
) -> tuple[list[Record], str | None]:
    """Return the page that the request's NextToken begins, and the token of the next; `records` are from `select`.

    A token says behind which record it goes on, so that nothing is skipped or repeated when others come or go.
    Raises ValidationException for a token that was not made for this very request.
    """
    order, descending = _order(resource_type, request), _descending(resource_type, request)
    return page_of([(order(each), each) for each in records], resource_type, request, descending=descending)


def page_of(
    items: Sequence[tuple[_Position, _Item]],
    resource_type: ResourceType,
    request: dict[str, Any],
    *,
    descending: bool = False,
) -> tuple[list[_Item], str | None]:
    """Return a page, as `page` does, of what stands in the order of these positions; the token is a type's."""
    rest = list(items)
    if "NextToken" in request:
        after = _read_token(request["NextToken"], resource_type, request)
        rest = [each for each in rest if (each[0] < after if descending else each[0] > after)]
    size = int(request.get("MaxResults", PAGE))
    token = _token(rest[size - 1][0], resource_type, request) if len(rest) > size else None
    return [item for _, item in rest[:size]], token


def _passes(record: Record, name: str, operand: Any) -> bool:
    criterion = next((criterion for criterion in _CRITERIA if name.endswith(criterion)), "Equals")
    value = _value(record, name.removesuffix(criterion))
    return value is not None and _CRITERIA[criterion](value, operand)


def _value(record: Record, subject: str) -> Any:
    """Return the value that a filter or an order is about; `Name` and `Status` stand for the type's own members."""
    if subject == "Name":
        return record.name
    if subject == "Status":
        return record.status
    if subject == "WarmPoolStatus":  # a structure; what is asked for is its Status
        return record.members.get(subject, {}).get("Status")
    return record.members.get(_FILTERED_MEMBERS.get(subject, subject))


def _order(resource_type: ResourceType, request: dict[str, Any]) -> Callable[[Record], _Position]:
    subject = request.get("SortBy", resource_type.sort_by)

    def position(record: Record) -> _Position:
        value = _value(record, subject)
        return [value.timestamp() if isinstance(value, datetime) else value, record.name]

    return position


def _descending(resource_type: ResourceType, request: dict[str, Any]) -> bool:
    return bool(request.get("SortOrder", resource_type.sort_order) == "Descending")


def _token(position: _Position, resource_type: ResourceType, request: dict[str, Any]) -> str:
    content = json.dumps(position).encode()
    return base64.urlsafe_b64encode(_signature(content, resource_type, request) + content).decode()


def _read_token(token: str, resource_type: ResourceType, request: dict[str, Any]) -> _Position:
    try:
        raw = base64.urlsafe_b64decode(token)
    except ValueError as error:
        raise _bad_token() from error
    signature, content = raw[:32], raw[32:]
    if not hmac.compare_digest(signature, _signature(content, resource_type, request)):
        raise _bad_token()
    return list(json.loads(content))


def _signature(content: bytes, resource_type: ResourceType, request: dict[str, Any]) -> bytes:
    query = {name: str(value) for name, value in request.items() if name not in _PAGING}
    about = json.dumps([resource_type.name, query], sort_keys=True).encode()
    return hmac.new(_SECRET, about + b"\0" + content, hashlib.sha256).digest()


def _bad_token() -> ServiceError:
    return validation_exception(
        "Invalid pagination token. Pass the NextToken of the last answer with the same filters."
    )
