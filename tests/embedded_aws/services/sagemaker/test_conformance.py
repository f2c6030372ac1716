"""Every operation's request is held to botocore's model, member by member: thousands of wrong ones, each in one way."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from embedded_aws.services.sagemaker import api
from tests.embedded_aws.services.sagemaker import samples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from embedded_aws.services.sagemaker.service import SageMaker

OPERATIONS = sorted(api.OPERATIONS)
# By type: a value of another one, and what AWS says of it.
WRONG: dict[str, tuple[Any, str]] = {
    "structure": ([], "Start of list found where not expected"),
    "list": ({}, "Start of structure or map found where not expected."),
    "map": ("seven", "Expected null"),
    "string": (7, "NUMBER_VALUE can not be converted to a String"),
    "integer": ("seven", "STRING_VALUE can not be converted to an Integer"),
    "long": (2**63, "NUMBER_VALUE can not be converted to a Long"),
    "float": ("seven", "STRING_VALUE can not be converted to a Float"),
    "double": (True, "TRUE_VALUE can not be converted to a Double"),
    "boolean": (1, "NUMBER_VALUE can not be converted to a Boolean"),
    "timestamp": ("yesterday", "STRING_VALUE can not be converted to milliseconds since epoch"),
}
ONE = "1 validation error detected: Value "
JSON = {"Content-Type": "application/x-amz-json-1.1"}


@pytest.fixture(scope="module")
def ask(empty: SageMaker) -> Iterator[Any]:
    """Answers one raw request as an HTTP client sees it: status, error code, message."""
    with asyncio.Runner() as runner:

        def send(operation: str, document: Any, **headers: str) -> tuple[int, str, str]:
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            given = {**JSON, "X-Amz-Target": f"SageMaker.{operation}", **headers}
            status, answered, content = runner.run(empty.handle("POST", "/", given, body, {}))
            answer = json.loads(content)
            assert answered["Content-Type"] == JSON["Content-Type"]
            assert answered.get("x-amzn-ErrorType") == answer.get("__type")
            return status, answer.get("__type", ""), answer.get("message", "")

        yield send


def shape_of(operation: str) -> Any:
    """Return the operation's input."""
    return api.operation_model(operation).input_shape


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_required_member_that_is_missing(ask: Any, operation: str) -> None:
    """Left out or null, wherever it stands, it is the one error, named by its path."""
    shape, wrong = shape_of(operation), []
    for path, _ in samples.places(shape):
        holder = samples.holder(shape, path)
        if path[-1] not in holder.required_members:
            continue
        for request in (samples.without(shape, path), samples.with_path(shape, path, null=True)):
            said = ask(operation, request)
            place = f"null at '{samples.wire(shape, path)}' failed to satisfy constraint: Member must not be null"
            if said != (400, "ValidationException", f"{ONE}{place}"):
                wrong.append((path, said))
    assert wrong == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_member_of_the_wrong_type(ask: Any, operation: str) -> None:
    """It is a SerializationException that says what was found, and what it can't be."""
    shape, wrong = shape_of(operation), []
    for path, member in samples.places(shape):
        value, sentence = WRONG[member.type_name]
        said = ask(operation, samples.with_path(shape, path, value))
        if said != (400, "SerializationException", sentence):
            wrong.append((path, said))
    assert wrong == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_value_that_the_model_forbids(ask: Any, operation: str) -> None:
    """Out of its range, too short, too long, of another pattern, no value of its enum: the sentence says which."""
    shape, wrong = shape_of(operation), []
    for path, member in samples.places(shape):
        for sentence, value in samples.broken(member):
            status, code, message = ask(operation, samples.with_path(shape, path, value))
            place = f"at '{samples.wire(shape, path)}' failed to satisfy constraint: Member must "
            if (status, code) != (400, "ValidationException") or place not in message or sentence not in message:
                wrong.append((path, value, message))
    assert wrong == []


@pytest.mark.parametrize("moment", [b"1e30", b"-1e30", b"NaN", b"Infinity", b"1e999"])
def test_a_time_that_is_none(ask: Any, moment: bytes) -> None:
    """A number that no time has is a SerializationException, not an accident."""
    assert ask("ListModels", b'{"CreationTimeAfter": ' + moment + b"}")[:2] == (400, "SerializationException")


def test_how_many_requests_these_are() -> None:
    """Every member of every operation is among them."""
    every = [(operation, path) for operation in OPERATIONS for path, _ in samples.places(shape_of(operation))]
    names = {name for operation in OPERATIONS for name in samples.names(shape_of(operation))}
    assert {path[-1] for _, path in every} == names


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"7", b'"text"', b"[" * 100_000])
def test_a_body_that_is_no_json_object(ask: Any, body: bytes) -> None:
    """It is a SerializationException, for every operation."""
    assert {ask(operation, body)[:2] for operation in OPERATIONS} == {(400, "SerializationException")}


@pytest.mark.parametrize(
    "target", ["", "SageMaker", "SageMaker.", "SageMaker.Nothing", "Wrong.ListModels", "ListModels"]
)
def test_a_target_that_is_not_there(ask: Any, target: str) -> None:
    """It is an UnknownOperationException; only `SageMaker.<operation>` names an operation."""
    assert ask("", {}, **{"X-Amz-Target": target})[:2] == (400, "UnknownOperationException")


@pytest.mark.parametrize("operation", ["CreateDomain", "GetSearchSuggestions", "CreateAutoMLJob", "InvokeEndpoint"])
def test_an_operation_that_is_not_claimed(ask: Any, operation: str) -> None:
    """It is refused by its name, with those that there are."""
    status, code, message = ask(operation, {})
    assert (status, code) == (400, "UnknownOperationException")
    assert message.startswith(f"The embedded AWS has not got the operation {operation}. It has: ")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded"])
def test_a_content_type_that_is_not_the_protocols(ask: Any, content_type: str) -> None:
    """Another than the JSON protocol's is refused, never read as if it were JSON."""
    assert ask("ListModels", {}, **{"Content-Type": content_type})[:2] == (400, "SerializationException")
