"""AWS's protocol restJson1, for services of ours: method and path name the operation; errors are JSON with its code.

Source: botocore's models, whose `http` traits say what stands in a path, in the query and in the body.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import botocore.session

from embedded_aws.database import StateError
from embedded_aws.services.sagemaker import shapes
from embedded_aws.services.sagemaker.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from botocore.model import OperationModel, StructureShape

    Response = tuple[int, dict[str, str], bytes]
    Request = Mapping[str, Any]
    Query = Mapping[str, list[str]]

_JSON = "application/json"
_LABEL = re.compile(r"\{(\w+)(\+?)\}")


@dataclass(frozen=True)
class _Route:
    method: str
    path: re.Pattern[str]
    operation: str


class RestProtocol:
    """The protocol of a service, by its name in botocore; `title` is what people call it.

    `operations` are those that there are; `unavailable` is the code for state that can't be written.
    """

    def __init__(self, name: str, *, title: str, operations: Collection[str], unavailable: str) -> None:
        self._title, self._operations, self._unavailable = title, frozenset(operations), unavailable
        self.model = botocore.session.get_session().get_service_model(name)
        # Of two that fit a path the one that says more of it is meant.
        self._routes = sorted(self._all(), key=lambda route: len(route.path.pattern), reverse=True)

    def answer(
        self, method: str, path: str, body: bytes, query: Query, carry_out: Callable[[str, Request], Request]
    ) -> Response:
        """Answer an HTTP request with what `carry_out` returns for an operation and its request."""
        try:
            operation, labels = self._named(method, path)
            request = self._read(operation, labels, body, query)
            answer = self._write(operation, carry_out(operation.name, request))
        except ServiceError as error:
            return _refusal(error)
        except StateError as error:
            return _refusal(ServiceError(self._unavailable, str(error), HTTPStatus.INTERNAL_SERVER_ERROR))
        status = operation.http.get("responseCode", HTTPStatus.OK)
        return status, {"Content-Type": _JSON}, b"" if answer is None else json.dumps(answer).encode()

    def _all(self) -> Iterator[_Route]:
        for name in self.model.operation_names:
            http = self.model.operation_model(name).http
            pattern = _LABEL.sub(
                lambda label: f"(?P<{label[1]}>{'.+' if label[2] else '[^/]+'})", http["requestUri"].partition("?")[0]
            )
            yield _Route(http["method"], re.compile(pattern), name)

    def _named(self, method: str, path: str) -> tuple[OperationModel, Mapping[str, str]]:
        for route in self._routes:
            if route.method == method and (found := route.path.fullmatch(path)):
                if route.operation not in self._operations:
                    known = ", ".join(sorted(self._operations))
                    raise ServiceError(
                        "UnknownOperationException",
                        f"The embedded AWS has not got the operation {route.operation} of {self._title}. It has: "
                        f"{known}.",
                    )
                labels = {name: unquote(value) for name, value in found.groupdict().items()}
                return self.model.operation_model(route.operation), labels
        raise ServiceError(
            "UnknownOperationException",
            f"{self._title} has no operation for {method} {path}.",
            HTTPStatus.NOT_FOUND,
        )

    def _read(self, operation: OperationModel, labels: Mapping[str, str], body: bytes, query: Query) -> Request:
        """Return an operation's request as Python values. Raises ServiceError."""
        shape: StructureShape | None = operation.input_shape
        if shape is None:
            return {}
        document = shapes.parse(body) if body else {}
        for name, member in shape.members.items():
            wire = member.serialization.get("name", name)
            match member.serialization.get("location"):
                case "uri":
                    document[name] = labels[wire]
                case "querystring" if wire in query:
                    document[name] = _of_query(member.type_name, query[wire])
        return shapes.read(shape, document)  # type: ignore[no-any-return]  # of a structure: a dict

    def _write(self, operation: OperationModel, members: Request) -> Any:
        """Return an operation's answer as a JSON document, None if it has none."""
        if operation.output_shape is None:
            return None
        blobs = {name for name, member in operation.output_shape.members.items() if member.type_name == "blob"}
        given = {name: base64.b64encode(value).decode() if name in blobs else value for name, value in members.items()}
        return shapes.write(operation.output_shape, given)


def _of_query(kind: str, values: list[str]) -> Any:
    if kind == "list":
        return values
    return int(values[0]) if kind == "integer" and values[0].isdigit() else values[0]


def _refusal(error: ServiceError) -> Response:
    headers = {"Content-Type": _JSON, "x-amzn-ErrorType": error.code}
    return error.status, headers, json.dumps({"message": error.message, **error.details}).encode()
