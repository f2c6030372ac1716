"""AWS's protocol awsJson1.1, for the services of ours that are small.

Requests are read and answers written by botocore's model; what goes wrong is answered as an error of AWS's.
"""

from __future__ import annotations

import base64
import binascii
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from embedded_aws.botocore_models import service_model
from embedded_aws.database import StateError
from embedded_aws.services.sagemaker import shapes
from embedded_aws.services.sagemaker.errors import JSON, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    Response = tuple[int, dict[str, str], bytes]
    Request = Mapping[str, Any]


class JsonProtocol:
    """The protocol of a service, by its name in botocore; `title` is what people call it.

    `operations` are those that there are; `unavailable` is the code for state that can't be written.
    """

    def __init__(self, name: str, *, title: str, operations: Collection[str], unavailable: str) -> None:
        self._title = title
        self._operations = frozenset(operations)
        self._unavailable = unavailable
        self.model = service_model(name)

    def answer(self, headers: Mapping[str, str], body: bytes, carry_out: Callable[[str, Request], Request]) -> Response:
        """Answer an HTTP request with what `carry_out` returns for an operation and its request."""
        target = {name.lower(): value for name, value in headers.items()}.get("x-amz-target", "")
        operation = target.rpartition(".")[2]
        try:
            request = self.read(operation, shapes.parse(body))
            answer = self.write(operation, carry_out(operation, request))
        except ServiceError as error:
            return error.response()
        except StateError as error:
            return ServiceError(self._unavailable, str(error), HTTPStatus.INTERNAL_SERVER_ERROR).response()
        return 200, {"Content-Type": JSON}, json.dumps(answer).encode()

    def read(self, operation: str, document: Any) -> Request:
        """Return an operation's request as Python values. Raises ServiceError."""
        if operation not in self._operations:
            known = ", ".join(sorted(self._operations))
            raise ServiceError(
                "UnknownOperationException",
                f"The embedded AWS has not got the operation {operation} of {self._title}. It has: {known}.",
            )
        shape = self.model.operation_model(operation).input_shape
        return shapes.read(shape, document) if shape else {}

    def write(self, operation: str, members: Request) -> Any:
        """Return an operation's answer as a JSON document."""
        shape = self.model.operation_model(operation).output_shape
        return shapes.write(shape, members) if shape else {}


def page(member: str, items: Sequence[Any], request: Request, *, size: int, invalid_token: ServiceError) -> Request:
    """Return the page that the request's NextToken begins, and the token of the next: how many items came before.

    `size` is how many there are on a page unless MaxResults says otherwise.
    """
    start = _position(request["NextToken"], invalid_token) if "NextToken" in request else 0
    end = start + (request.get("MaxResults") or size)
    token = {"NextToken": base64.b64encode(str(end).encode()).decode()} if end < len(items) else {}
    return {member: list(items[start:end]), **token}


def _position(token: str, invalid_token: ServiceError) -> int:
    try:
        return int(base64.b64decode(token, validate=True))
    except (binascii.Error, ValueError) as error:
        raise invalid_token from error
