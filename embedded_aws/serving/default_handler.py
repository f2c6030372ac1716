"""Answer invocations of a model without code, as the container's nginx does.

Follows tensorflowServing.js (aws/deep-learning-containers, scripts/docker/tensorflow/inference/sagemaker), function by
function, its oddities included: whatever the caller would rather accept, the answer is JSON.
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from embedded_aws.serving.app import HttpResponse
from embedded_aws.serving.attributes import Attributes, InvalidAttributeError

if TYPE_CHECKING:
    from embedded_aws.serving.app import HttpRequest
    from embedded_aws.serving.tensorflow_serving import ModelServer

CSV = "text/csv"
CONTENT_TYPES = ("application/json", "application/jsonlines", "application/jsons", CSV)
_ROW_OR_COLUMN_FORM = re.compile(r'"(instances|inputs|examples)"\s*:')
_SEVERAL_DOCUMENTS = re.compile(r"[}\]]\s*[\[{]")
_LIST_OF_LISTS = re.compile(r"\s*\[\s*\[")
_LINE_END = re.compile(r"\r?\n")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")


class DefaultHandler:
    """Turn JSON, JSON lines and CSV into TensorFlow Serving's row form and pass its answer on."""

    def __init__(self, server: ModelServer) -> None:
        self._server = server

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer an invocation."""
        content_type = media_type(request.headers.get("content-type"))
        if content_type not in CONTENT_TYPES:
            return error(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Unsupported Media Type: {content_type or 'Unknown'}")
        text = request.body.decode(errors="replace")
        document = _from_csv(text) if content_type == CSV else _from_json(text)
        attributes = Attributes.read(request.headers.get("x-amzn-sagemaker-custom-attributes"))
        try:
            path = attributes.path(self._server.default)
        except InvalidAttributeError as refused:
            return error(HTTPStatus.BAD_REQUEST, str(refused))
        return self._server.predict(f"/v1/models/{path}", document.encode())


def media_type(content_type: str | None) -> str:
    """Return a Content-Type without its parameters, such as charset, in lower case."""
    return (content_type or "").partition(";")[0].strip().lower()


def error(status: HTTPStatus, message: str) -> HttpResponse:
    """Return an answer of the container's own: {"error": "…"}."""
    return HttpResponse(status, "application/json", json.dumps({"error": message}).encode())


def _from_json(text: str) -> str:
    if _ROW_OR_COLUMN_FORM.search(text):
        return text
    if _SEVERAL_DOCUMENTS.search(text):
        lines = [line.strip() for line in _LINE_END.split(text.strip())]
        items = ",".join(line for line in lines if line)
        return f'{{"instances":{items if len(lines) == 1 else f"[{items}]"}}}'
    return f'{{"instances":{text if _LIST_OF_LISTS.match(text) else f"[{text}]"}}}'


def _from_csv(text: str) -> str:
    rows = []
    for line in filter(None, (each.strip() for each in _LINE_END.split(text.strip()))):
        cells = [_cell(field) for field in _fields(line)]
        rows.append(f"[{','.join(cells)}]" if len(cells) > 1 else cells[0])
    return f'{{"instances":[{",".join(rows)}]}}'


def _fields(line: str) -> list[str]:
    """Return a line's fields. Quotation marks stand around commas that part nothing; two are one of the text."""
    if '"' not in line:
        return line.split(",")
    fields, quoted, position = [""], False, 0
    while position < len(line):
        character = line[position]
        if quoted and line.startswith('""', position):
            fields[-1] += '"'
            position += 1
        elif character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            fields.append("")
        else:
            fields[-1] += character
        position += 1
    return fields


def _cell(field: str) -> str:
    number = field.strip()
    if _NUMBER.fullmatch(number):
        return number
    return '"{}"'.format(field.replace("\\", "\\\\").replace('"', '\\"'))
