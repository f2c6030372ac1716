"""A transform job's invocations of its model: the payloads made of an input object, and how they are sent.

Source: reference of TransformInput and CreateTransformJob. Numbers of retries and seconds are the defaults of
ModelClientConfig. The lines of the log are AWS's, as users quote them (aws/amazon-sagemaker-examples#1620,
aws/sagemaker-tensorflow-serving-container#93, aws/sagemaker-python-sdk#753). Not compared with AWS: that a record keeps
its line's end; the sentences; how long it waits before it tries again.
"""

from __future__ import annotations

import gzip
import http.client
import io
import json
import zlib
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from embedded_aws.algorithms import recordio

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping

    from embedded_aws.services.sagemaker.endpoints.hosts import ModelHost

CLIENT = "ClientError"
ALGORITHM = "AlgorithmError"
_SECONDS, _RETRIES = 600, 3
_WAIT_SECONDS = 1.0
DEFAULT_MB = 6
_MB = 1024 * 1024


class TransformError(Exception):
    """A record could not be transformed: `fault` says whose error it is, `lines` are for the job's log."""

    def __init__(self, fault: str, *lines: str) -> None:
        super().__init__(*lines)
        self.fault, self.lines = fault, lines


def payloads(content: bytes, request: Mapping[str, Any]) -> list[bytes]:
    """Return the payloads made of an object, in the order of its records. Raises TransformError.

    The object is decompressed, split into records and, unless the strategy is SingleRecord, put into batches.
    """
    source = request["TransformInput"]
    limit = request.get("MaxPayloadInMB", DEFAULT_MB) * _MB
    if source.get("CompressionType") == "Gzip":
        content = _decompressed(content)
    records = _records(content, source.get("SplitType", "None"))
    # Without a limit, everything is sent at once.
    if limit and any(len(record) > limit for record in records):
        raise TransformError(CLIENT, f"{CLIENT}: Too much data for max payload size")
    if request.get("BatchStrategy") == "SingleRecord":
        return records
    return [*_batches(records, limit)]


def execution_parameters(port: int, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a container says of how much it is to be sent at once, of what the request leaves out.

    Its format: SageMaker's guide, "Use Your Own Inference Code with Batch Transform". A container need not have it.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        connection.request("GET", "/execution-parameters")
        answer = connection.getresponse()
        document = json.loads(answer.read()) if answer.status == HTTPStatus.OK else {}
    except (OSError, ValueError, http.client.HTTPException):
        return {}
    finally:
        connection.close()
    if not isinstance(document, dict):
        return {}
    strategies = {"MULTI_RECORD": "MultiRecord", "SINGLE_RECORD": "SingleRecord"}
    found = {
        "MaxConcurrentTransforms": document.get("MaxConcurrentTransforms"),
        "MaxPayloadInMB": document.get("MaxPayloadInMB"),
        "BatchStrategy": strategies.get(document.get("BatchStrategy", "")),
    }
    given = {name for name, value in request.items() if name != "MaxConcurrentTransforms" or value}  # 0: not said
    return {name: value for name, value in found.items() if value is not None and name not in given}


def _records(content: bytes, split: str) -> list[bytes]:
    """Return what an object is split into. Raises TransformError."""
    if split == "Line":
        return io.BytesIO(content).readlines()
    try:
        return recordio.split(content) if split == "RecordIO" else [content]
    except recordio.RecordIOError as error:
        raise TransformError(CLIENT, f"{CLIENT}: The object is not in RecordIO's format: {error}") from error


def _batches(records: list[bytes], limit: int) -> Iterator[bytes]:
    batch: list[bytes] = []
    size = 0
    for record in records:
        if batch and limit and size + len(record) > limit:
            yield b"".join(batch)
            batch, size = [], 0
        batch.append(record)
        size += len(record)
    if batch:
        yield b"".join(batch)


def _decompressed(content: bytes) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise TransformError(CLIENT, f"{CLIENT}: The object is not in gzip's format: {error}") from error


class ModelClient:
    """Posts payloads to a host's /invocations, from any thread, until `stopping` is set."""

    def __init__(self, host: ModelHost, request: Mapping[str, Any], stopping: threading.Event) -> None:
        self._host, self._stopping = host, stopping
        config = request.get("ModelClientConfig", {})
        self._seconds = config.get("InvocationsTimeoutInSeconds", _SECONDS)
        self._retries = config.get("InvocationsMaxRetries", _RETRIES)
        headers = {
            "Content-Type": request["TransformInput"].get("ContentType"),
            "Accept": request["TransformOutput"].get("Accept"),
        }
        self._headers = {name: value for name, value in headers.items() if value}

    def send(self, payload: bytes) -> bytes:
        """Return the model's answer; try again what is not the request's fault. Raises TransformError."""
        for left in range(self._retries, -1, -1):
            try:
                return self._post(payload)
            except TransformError as error:
                if error.fault == CLIENT or not left or self._stopping.wait(_WAIT_SECONDS):
                    raise
        raise AssertionError  # the last attempt returns or raises

    def _post(self, payload: bytes) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self._host.port, timeout=self._seconds)
        try:
            connection.request("POST", "/invocations", payload, self._headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise TransformError(ALGORITHM, "Unable to get response from algorithm") from error
        finally:
            connection.close()
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return content
        message = ("", "Message:", *content.decode(errors="replace").splitlines())
        if HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise TransformError(CLIENT, f"{CLIENT}: {answer.status}", *message)
        raise TransformError(ALGORITHM, f"Bad HTTP status received from algorithm: {answer.status}", *message)
