"""Invocations of an endpoint with the lab's model: right ones, wrong ones, and what is wrong with an answer."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import numpy as np
from botocore.exceptions import BotoCoreError, ClientError
from PIL import Image

from bench.support.wrong_requests import Request
from bench.support.wrong_requests import make as wrong

__all__ = ["Request", "ask", "right", "wrong"]

_COUNTS = (1, 2, 4, 8, 16, 32, 64)  # pictures a request
_SAID = re.compile(r'^(Content-Type is|The body is not|The picture has|"instances" |The array )')


def right() -> list[tuple[Request, int]]:
    """Requests that are in order, with how many predictions each has."""
    rng = np.random.default_rng(0)
    made = []
    for count in _COUNTS:
        pictures = rng.integers(0, 256, (count, 48, 48), dtype=np.uint8)
        file = io.BytesIO()
        np.save(file, pictures)
        shares = np.round(pictures / 255, 4).tolist()
        made.append((Request("application/x-npy", file.getvalue()), count))
        made.append((Request("application/json", json.dumps({"instances": shares}).encode()), count))
    for form in ("png", "jpeg") * len(_COUNTS):
        file = io.BytesIO()
        side = int(rng.integers(48, 480))
        Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(file, form)
        made.append((Request(f"image/{form}", file.getvalue()), 1))
    return made


def ask(runtime: Any, members: dict[str, Any], predictions: int | None) -> tuple[str, str]:
    """Return the answer in a word, and what is wrong with it; None: the request is not known to be right."""
    try:
        with runtime.invoke_endpoint(**members)["Body"] as body:
            found = len(json.load(body)["predictions"])
    except ClientError as error:
        answer, fault = _refusal(error)
        return answer, fault if predictions is None else f"refused, though it is right: {error}"
    except (BotoCoreError, ValueError, KeyError, TypeError) as error:
        return "no answer", f"{type(error).__name__}: {error}"
    is_wrong = predictions is not None and found != predictions
    return "200", f"{found} predictions, not {predictions}" if is_wrong else ""


def _refusal(error: ClientError) -> tuple[str, str]:
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    code, message = error.response["Error"]["Code"], str(error)
    answer = f"{status} {code}"
    if code == "ValidationError":
        return answer, ""
    if code != "ModelError":
        return answer, message
    original: dict[str, Any] = {"error": ""}
    try:
        original = json.loads(str(error.response.get("OriginalMessage")))
    except ValueError:
        return answer, message
    by_contract = error.response.get("OriginalStatusCode") == 500 and _SAID.match(str(original.get("error")))  # noqa: PLR2004
    return answer, "" if by_contract else message
