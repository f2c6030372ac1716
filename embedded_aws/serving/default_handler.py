"""Answer invocations of a model without inference.py, as the container does.

Follows tensorflowServing.js of aws/sagemaker-tensorflow-serving-container, function by function, its oddities included.
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from embedded_aws.serving.app import HttpResponse
from embedded_aws.serving.handlers import tfs_attributes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.serving.app import HttpRequest
    from embedded_aws.serving.tensorflow_serving import ModelServer

_JSON = ("application/json", "application/jsonlines", "application/jsons")
_ROW_OR_COLUMN_FORM = re.compile(r'"(instances|inputs|examples)"\s*:')
_SEVERAL_DOCUMENTS = re.compile(r"[}\]]\s*[\[{]")
_LIST_OF_LISTS = re.compile(r"\s*\[\s*\[")
_QUOTED_OR_NUMERIC = re.compile(r'\s*("|[\d.Ee+\-]+.*)')


class DefaultHandler:
    """Turn JSON, JSON lines and CSV into TensorFlow Serving's row form and pass its answer on."""

    def __init__(self, server: ModelServer) -> None:
        self._server = server

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer an invocation."""
        headers = request.headers
        content_type = headers.get("content-type")
        if content_type not in (*_JSON, "text/csv"):
            message = json.dumps({"error": f"Unsupported Media Type: {content_type or 'Unknown'}"})
            return HttpResponse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "application/json", message.encode())
        text = request.body.decode(errors="replace")
        document = _from_csv(text) if content_type == "text/csv" else _from_json(text)
        answer = self._server.predict(self._path(headers), document.encode())
        accepted = headers.get("accept", "").strip().replace(" ", "").split(",")
        wanted = {"application/json", "application/jsonlines"} & set(accepted)
        return HttpResponse(answer.status, accepted[0] if wanted else "application/json", answer.body)

    def _path(self, headers: Mapping[str, str]) -> str:
        attributes = tfs_attributes(headers.get("x-amzn-sagemaker-custom-attributes"))
        version = attributes.get("tfs-model-version")
        path = f"/v1/models/{attributes.get('tfs-model-name', self._server.default)}"
        return f"{path}{f'/versions/{version}' if version else ''}:{attributes.get('tfs-method', 'predict')}"


def _from_json(text: str) -> str:
    if _ROW_OR_COLUMN_FORM.search(text):
        return text
    if _SEVERAL_DOCUMENTS.search(text):
        lines = [line.strip() for line in text.strip().splitlines()]
        items = ",".join(line for line in lines if line)
        return f'{{"instances":{items if len(lines) == 1 else f"[{items}]"}}}'
    return f'{{"instances":{text if _LIST_OF_LISTS.match(text) else f"[{text}]"}}}'


def _from_csv(text: str) -> str:
    quote = not _QUOTED_OR_NUMERIC.match(text)
    rows = []
    for line in filter(None, (each.strip() for each in text.strip().splitlines())):
        cells = '"{}"'.format(line.replace('"', '\\"', 1).replace(",", '","', 1)) if quote else line
        rows.append(f"[{cells}]" if "," in line else cells)
    return f'{{"instances":[{",".join(rows)}]}}'
