"""What the lab's REST API takes, and what it says of what it does not take.

It imports nothing of the CDK, so that command line tools can use it too.
"""

from __future__ import annotations

PATH = "predictions"
STAGE = "v1"
KEY_HEADER = "x-api-key"
ARRAY, JSON, PNG, JPEG = "application/x-npy", "application/json", "image/png", "image/jpeg"
BINARY = (ARRAY, PNG, JPEG)

LARGEST_BODY = 4_500_000
"""Bytes of a picture that fit through Lambda.

It takes an event of 6,291,456 bytes (Lambda's quotas, "Invocation payload"), in which the picture is in base64 and has
the request's headers beside it.
"""

BAD_BODY = (
    'The body is not JSON of the form {"instances": [image, …]} or [image, …], each image 48 rows of 48 numbers 0..1.'
)
"""As the endpoint itself says it (model_code/inference.py)."""

REFUSALS = {
    "BAD_REQUEST_BODY": BAD_BODY,
    "BAD_REQUEST_PARAMETERS": f"There is no Content-Type; send one of {JSON}, {ARRAY}, {PNG}, {JPEG}.",
    "INVALID_API_KEY": f"There is no API key of this lab in the header {KEY_HEADER}: `./lab web` shows it.",
    "MISSING_AUTHENTICATION_TOKEN": f"The API has one method: POST /{PATH}.",
    "THROTTLED": "Too many requests a second: try again in a moment.",
    "INTEGRATION_TIMEOUT": "The lab's endpoint gave no answer: try again in a moment.",
    "INTEGRATION_FAILURE": "The lab's endpoint gave no answer: try again in a moment.",
}
"""What is said of a request that doesn't get to the endpoint, by API Gateway's type of response."""

STATUSES = {"MISSING_AUTHENTICATION_TOKEN": "404"}
"""Statuses other than API Gateway's own: there is nothing to authenticate at another path."""
