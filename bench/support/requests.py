"""Whole HTTP requests for a picture, as the callers of a benchmark send them."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np

from bench.support.embedded_aws import REGION

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON, NPY = "application/json", "application/x-npy"


def bodies() -> dict[str, bytes]:
    """Return one picture of noise by content type: as JSON (45 KB), and as an array (2 KB)."""
    picture = np.random.default_rng(0).integers(0, 256, (1, 48, 48), dtype=np.uint8)
    file = io.BytesIO()
    np.save(file, picture)
    return {
        JSON: json.dumps({"instances": (picture / 255).astype(np.float32).tolist()}).encode(),
        NPY: file.getvalue(),
    }


def to_host(content_type: str, body: bytes) -> bytes:
    """Return the request as a host gets it."""
    return _message("/invocations", {"Host": "host", "Content-Type": content_type}, body)


def to_endpoint(url: str, endpoint: str, content_type: str, body: bytes) -> bytes:
    """Return the request as boto3 sends it to InvokeEndpoint."""
    sent: list[Any] = []

    def keep(request: Any, **_: Any) -> None:
        sent.append(request)

    client = boto3.client(
        "sagemaker-runtime",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - the embedded AWS's own
    )
    client.meta.events.register("before-send", keep)
    client.invoke_endpoint(EndpointName=endpoint, ContentType=content_type, Body=body)
    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in sent[0].headers.items()}
    return _message(f"/endpoints/{endpoint}/invocations", {"Host": url.rpartition("/")[2], **headers}, body)


def _message(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if "Content-Length" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
