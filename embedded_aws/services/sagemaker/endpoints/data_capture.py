"""Write requests and answers of an endpoint to S3 as JSON lines: data capture.

Format: https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html; without spaces between
members, and these in this order, as in lines that users published (aws/sagemaker-python-sdk#2634).
Not compared with AWS: where inferenceId and customAttributes stand in eventMetadata.
"""

from __future__ import annotations

import base64
import json
import logging
import random
import threading
import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.runtime import s3_objects, s3_uris

if TYPE_CHECKING:
    from collections.abc import Mapping

    from embedded_aws.runtime.credentials import Role
    from embedded_aws.services.sagemaker.endpoints.invocation import Invocation

log = logging.getLogger(__name__)

_FLUSH_SECONDS = 1.0


@dataclass(frozen=True)
class _Message:
    """One side of an invocation: the request or the answer."""

    content_type: str
    body: bytes


class DataCapture:
    """Writes what a DataCaptureConfig asks for, a file a second and variant at most."""

    def __init__(self, config: Mapping[str, Any], *, endpoint: str, role: Role) -> None:
        self._config, self._endpoint, self._role = config, endpoint, role
        self._modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
        types = config.get("CaptureContentTypeHeader", {})
        self._json = set(types.get("JsonContentTypes", ()))
        self._csv = set(types.get("CsvContentTypes", ()))
        self._lines: dict[str, list[str]] = defaultdict(list)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._writer = threading.Thread(target=self._write, name=f"capture {endpoint}", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._writer.start()

    def describe(self) -> dict[str, Any]:
        """Return DescribeEndpoint's DataCaptureConfig."""
        return {
            "EnableCapture": True,
            "CaptureStatus": "Started",
            "CurrentSamplingPercentage": self._config["InitialSamplingPercentage"],
            "DestinationS3Uri": self._config["DestinationS3Uri"],
            "KmsKeyId": self._config.get("KmsKeyId"),
        }

    def takes(self) -> bool:
        """Return whether the next request falls into the sample."""
        return bool(random.random() * 100 < self._config["InitialSamplingPercentage"])  # noqa: S311 - a sample, not a secret

    def put(self, variant: str, invocation: Invocation, answered: Mapping[str, str], content: bytes) -> None:
        """Keep an invocation of the sample, with its answer's headers and body. Never blocks on the network."""
        request = _Message(invocation.headers.get("content-type", ""), invocation.body)
        answer = _Message(answered.get("Content-Type", ""), content)
        line = json.dumps(self._record(request, answer, invocation.headers), separators=(",", ":"))
        with self._lock:
            self._lines[variant].append(line)

    def close(self) -> None:
        """Write what is left and end."""
        self._closing.set()
        if self._writer.is_alive():
            self._writer.join()

    def _record(self, request: _Message, answer: _Message, headers: Mapping[str, str]) -> dict[str, Any]:
        data: dict[str, Any] = {}
        if "Input" in self._modes or "InputAndOutput" in self._modes:
            data["endpointInput"] = self._side(request, "INPUT")
        if "Output" in self._modes or "InputAndOutput" in self._modes:
            data["endpointOutput"] = self._side(answer, "OUTPUT")
        event = {"eventId": str(uuid.uuid4()), "inferenceTime": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
        for member, header in (("inferenceId", "inference-id"), ("customAttributes", "custom-attributes")):
            if value := headers.get(f"x-amzn-sagemaker-{header}"):
                event[member] = value
        return {"captureData": data, "eventMetadata": event, "eventVersion": "0"}

    def _side(self, message: _Message, mode: str) -> dict[str, str]:
        plain = message.content_type.partition(";")[0].strip()
        encoding = "JSON" if plain in self._json else "CSV" if plain in self._csv else "BASE64"
        body = base64.b64encode(message.body) if encoding == "BASE64" else message.body
        return {
            "observedContentType": message.content_type,
            "mode": mode,
            "data": body.decode(errors="replace"),
            "encoding": encoding,
        }

    def _write(self) -> None:
        client: Any = None
        closing = False
        while not closing:
            closing = self._closing.wait(_FLUSH_SECONDS)
            with self._lock:
                lines, self._lines = self._lines, defaultdict(list)
            for variant, each in lines.items():
                try:
                    client = client or self._role.client("s3")
                    self._put(client, variant, each)
                except (ClientError, BotoCoreError) as error:
                    log.warning(
                        "%d captured invocations of endpoint %s were lost: %s", len(each), self._endpoint, error
                    )

    def _put(self, client: Any, variant: str, lines: list[str]) -> None:
        bucket, prefix = s3_uris.split(self._config["DestinationS3Uri"].rstrip("/"))
        now = datetime.now(UTC)
        name = f"{now:%Y/%m/%d/%H/%M-%S}-{now.microsecond // 1000:03}-{uuid.uuid4()}.jsonl"
        client.put_object(
            Bucket=bucket,
            Key=f"{prefix}/{self._endpoint}/{variant}/{name}".lstrip("/"),
            Body="".join(f"{line}\n" for line in lines).encode(),
            **s3_objects.encryption(self._config.get("KmsKeyId")),
        )
