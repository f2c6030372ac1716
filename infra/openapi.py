"""The lab's REST API as an OpenAPI 3.1 document: `python -m infra.openapi` prints it; docs/openapi.json holds it.

The API itself is made of the same parts: by its schema requests are validated, and by infra/rest.py's sentences they
are refused.
"""

from __future__ import annotations

import json
from typing import Any

from infra.rest import BAD_BODY, BINARY, JSON, KEY_HEADER, LARGEST_BODY, PATH, REFUSALS, STAGE
from model_code.data import LABELS, SIDE


def image_schema() -> dict[str, Any]:
    """Return the JSON schema of a picture in numbers."""
    return _rows(_rows({"type": "number", "minimum": 0, "maximum": 1}))


def body_schema(image: dict[str, Any] | None) -> dict[str, Any]:
    """Return the JSON schema of pictures in TensorFlow Serving's row form, or as a bare list.

    None: whatever each picture is. So the API validates, for of pictures the endpoint's own sentence says more.
    """
    images = {"type": "array", **({"minItems": 1, "items": image} if image else {})}
    instances = {
        "type": "object",
        "required": ["instances"],
        "properties": {"instances": images if image else {}, "signature_name": {"type": "string"}},
    }
    return {"anyOf": [instances, images]}


def document(version: str) -> dict[str, Any]:
    """Return the document; `version` is the lab's."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Which brick is it?",
            "version": version,
            "summary": "Sorts photos of toy bricks into ten classes, by the network that the lab has trained.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [
            {
                "url": f"https://{{api}}.execute-api.{{region}}.amazonaws.com/{STAGE}",
                "description": "The output RestUrl of the stack <lab>-endpoint is the lab's own.",
                "variables": {"api": {"default": "api"}, "region": {"default": "us-east-1"}},
            }
        ],
        "security": [{"key": []}],
        "paths": {f"/{PATH}": {"post": _post()}},
        "components": {
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": KEY_HEADER}},
            "schemas": {
                "Images": body_schema({"$ref": "#/components/schemas/Image"}),
                "Image": image_schema(),
                "Rows": {
                    "type": "object",
                    "description": "Of JSON, as TensorFlow Serving answers: the probabilities of each image.",
                    "required": ["predictions"],
                    "properties": {"predictions": {"type": "array", "items": _probabilities()}},
                },
                "Named": {
                    "type": "object",
                    "description": "Of all else: what each image shows, and which model says so.",
                    "required": ["predictions", "model"],
                    "properties": {
                        "predictions": {"type": "array", "items": _named()},
                        "model": {"type": "string", "description": "A hash of all that has made the model."},
                    },
                },
                "Error": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {"error": {"type": "string", "description": "One sentence: what is wrong."}},
                },
            },
        },
    }


def _post() -> dict[str, Any]:
    binary: dict[str, Any] = {mime: {"schema": {}} for mime in BINARY}
    images = {
        "schema": {"$ref": "#/components/schemas/Images"},
        "examples": {
            "dark": {"summary": "An empty picture", "value": {"instances": [_picture()]}},
            "bare list": {"summary": "A square, as a list without a name", "value": [_picture(bright=range(16, 32))]},
        },
    }
    return {
        "operationId": "predict",
        "summary": "Say which brick is in each picture.",
        "description": "A photo gets the lab's preparation; arrays and JSON are taken as they are. The whole request "
        f"may have {LARGEST_BODY:,} bytes: of larger ones Lambda, and API Gateway from 10 MB on, say so themselves.",
        "requestBody": {"required": True, "content": {JSON: images, **binary}},
        "responses": {
            "200": {
                "description": "What each picture shows.",
                "content": {
                    JSON: {
                        "schema": {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("Rows", "Named")]}
                    }
                },
            },
            "400": _refusal("The picture can't be used, or there is no Content-Type.", BAD_BODY),
            "403": _refusal("The key is missing or wrong.", REFUSALS["INVALID_API_KEY"]),
            "413": {"description": "The request is too large: API Gateway says so in a text, Lambda in JSON."},
            "429": _refusal("Too many requests a second.", REFUSALS["THROTTLED"]),
            "502": _refusal("The endpoint failed.", REFUSALS["INTEGRATION_FAILURE"]),
            "503": _refusal("The endpoint is paused, or has too much to do.", REFUSALS["INTEGRATION_FAILURE"]),
            "504": _refusal("The endpoint took too long.", REFUSALS["INTEGRATION_TIMEOUT"]),
        },
    }


def _refusal(description: str, example: str) -> dict[str, Any]:
    content = {"schema": {"$ref": "#/components/schemas/Error"}, "example": {"error": example}}
    return {"description": description, "content": {JSON: content}}


def _rows(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": SIDE, "maxItems": SIDE, "items": items}


def _probabilities() -> dict[str, Any]:
    probability = {"type": "number", "minimum": 0, "maximum": 1}
    return {"type": "array", "minItems": len(LABELS), "maxItems": len(LABELS), "items": probability}


def _named() -> dict[str, Any]:
    probability = {"type": "number", "minimum": 0, "maximum": 1}
    return {
        "type": "object",
        "required": ["class", "label", "probability", "probabilities"],
        "properties": {
            "class": {"type": "integer", "minimum": 0, "maximum": len(LABELS) - 1},
            "label": {"enum": list(LABELS)},
            "probability": probability,
            "probabilities": {
                "type": "object",
                "required": list(LABELS),
                "properties": dict.fromkeys(LABELS, probability),
            },
            "novelty": {
                "type": "number",
                "minimum": 0,
                "description": "How unlike the training images the picture is: above 1 it is no brick that the model "
                "knows. A network with other than dense layers does not tell.",
            },
            "known": {"type": "boolean", "description": "Whether the novelty is 1 at most."},
        },
    }


def _picture(bright: range = range(0)) -> list[list[int]]:
    """Return a dark picture with a bright square."""
    return [[int(row in bright and column in bright) for column in range(SIDE)] for row in range(SIDE)]


def text() -> str:
    """Return the document as docs/openapi.json holds it, with a line for each row of a picture's numbers."""
    return json.dumps(document("1"), ensure_ascii=False, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    print(text(), end="")
