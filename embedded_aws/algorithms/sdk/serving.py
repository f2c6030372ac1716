"""A model behind an endpoint: requests read, answered and refused as AWS's SDK of algorithms does.

Source: `invocations` in serve.py of that SDK (vw_serving): 415 and its sentence, 204 for an empty body, a content type
that is JSON where none is named.
Not compared with AWS: 400 and its sentence for a body that can't be read, which is XGBoost's in small letters; 406 for
an Accept that it can't answer; what is written to the log.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from embedded_aws.algorithms import content_types
from embedded_aws.algorithms.sdk import answers, content
from embedded_aws.algorithms.sdk.content import ContentError
from embedded_aws.serving.app import HttpResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from embedded_aws.algorithms.records import Matrix
    from embedded_aws.algorithms.sdk.answers import Answer
    from embedded_aws.serving.app import HttpRequest

log = logging.getLogger(__name__)

_TEXT = "text/html; charset=utf-8"
COMMON = (content_types.JSON, content_types.JSON_LINES, content_types.RECORDIO_PROTOBUF)
DENSE = (content_types.CSV, *COMMON)


@dataclass(frozen=True)
class HostedModel:
    """A model that answers: `predict` gives one answer for each record, with the parameters of the Accept header.

    `takes` and `gives` are the content types of requests and answers; `title` names the answers' list in JSON.
    """

    feature_dim: int
    predict: Callable[[Matrix, Mapping[str, str]], Iterable[Answer]]
    title: str = "predictions"
    takes: tuple[str, ...] = DENSE
    gives: tuple[str, ...] = COMMON

    def invoke(self, request: HttpRequest) -> HttpResponse:
        """Return the answer to a POST to /invocations."""
        header = request.headers.get("content-type") or content_types.JSON
        kind, _ = content_types.parse(header.lower())
        if kind not in self.takes:
            return _text(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"content-type {kind} not supported")
        default = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "")
        accept = answers.accepted(request.headers.get("accept") or default, self.gives)
        if accept is None:
            return _text(HTTPStatus.NOT_ACCEPTABLE, f"accept type {request.headers['accept']} not supported")
        if not request.body:
            return _text(HTTPStatus.NO_CONTENT, "")
        try:
            features = self._features(request.body, header)
        except ContentError as error:
            log.error("Customer Error: unable to evaluate payload provided: %s", error)  # noqa: TRY400 - no fault of ours
            return _text(HTTPStatus.BAD_REQUEST, "unable to evaluate payload provided")
        answer, parameters = accept
        body = answers.encode(self.predict(features, parameters), answer, title=self.title)
        return HttpResponse(HTTPStatus.OK, answer, body)

    def _features(self, body: bytes, header: str) -> Matrix:
        features: Any = content.read(body, header, label_size=0).features
        if features.shape[1] != self.feature_dim:
            raise ContentError(f"records have {features.shape[1]} features, and the model {self.feature_dim}")
        if wrong := content.check_finite(features):
            raise ContentError(f"there are values that are {wrong}")
        return features


def _text(status: HTTPStatus, sentence: str) -> HttpResponse:
    return HttpResponse(status, _TEXT, sentence.encode())
