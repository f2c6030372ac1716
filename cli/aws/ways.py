"""The ways in which the lab's model can be asked: at its endpoint, and wherever else `lab.serve_also` has it serve."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from cli.aws.edge_device import Edge
from cli.aws.endpoint import Endpoint
from cli.aws.function_url import FunctionUrl
from cli.aws.rest_api import RestApi

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cli.aws.session import Session
    from infra.settings import Settings


class Way(StrEnum):
    """A way, as `--via` names it."""

    ENDPOINT = "endpoint"
    LAMBDA = "lambda"
    REST = "rest"
    EDGE = "edge"


class Answering(Protocol):
    """What answers, one way or another; `called` is what it is in a sentence."""

    called: str

    def ask(self, body: bytes, content_type: str, *, notice: Callable[[str], None]) -> bytes:
        """Return the answer. Raises FailedRequestError, NoAnswerError, or boto3's error."""


LARGEST: Mapping[Way, int] = {
    Way.ENDPOINT: 6_291_456,  # InvokeEndpoint, botocore
    Way.LAMBDA: FunctionUrl.largest,
    Way.REST: RestApi.largest,
    Way.EDGE: Edge.largest,
}
"""Bytes of a picture that may be asked for at once."""


def of(way: Way, session: Session, lab: Settings, outputs: Mapping[str, str]) -> Answering:
    """Return what answers that way. Raises LabError if the lab has no such thing."""
    match way:
        case Way.LAMBDA:
            return FunctionUrl(session, outputs)
        case Way.REST:
            return RestApi(session, outputs)
        case Way.EDGE:
            return Edge(session, lab, outputs)
        case Way.ENDPOINT:
            return Endpoint(session, lab)
