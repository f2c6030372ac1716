"""One asynchronous invocation: its payload comes from S3, goes to a container, and the answer goes to S3.

Sources: SageMaker's guide, "Asynchronous Inference" and its troubleshooting (1 GB at most, an hour at most; a container
that answers an error is not asked again). That an answer needs a Content-Length, and that sentence:
deepjavalibrary/djl-serving#2567. The other failures' reasons are AWS's as far as awslabs/osml-model-runner quotes them
(a model's error). Not compared with AWS: the other sentences; what S3FailurePath gets if the model did not answer (here
the reason); that a request whose instance is taken away is asked once more of another.
"""

from __future__ import annotations

import http.client
import io
import shutil
import tempfile
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.runtime import s3_objects, s3_uris

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from embedded_aws.services.sagemaker.endpoints.async_requests import AsyncRequest

PAYLOAD_BYTES = 1024**3
_MEMORY_BYTES = 1024**2  # of an answer, before it goes to a file
_CUSTOM = "X-Amzn-SageMaker-Custom-Attributes"


@dataclass
class Outcome:
    """How an invocation went. `status` is the model's, 0 without an answer; times are in seconds.

    `lost` says that the connection broke before there was an answer.
    """

    status: int = 0
    content_type: str = ""
    reason: str = ""
    answer: bytes | None = None  # if it is small
    lost: bool = False
    download_failed: bool = False
    upload_failed: bool = False
    download_seconds: float | None = None
    model_seconds: float | None = None
    upload_seconds: float | None = None


class AsyncInvocation:
    """Brings one request to a container and its answer to S3. `s3` returns a client that acts as the execution role."""

    def __init__(self, request: AsyncRequest, s3: Callable[[], Any], folder: Path, key_id: str | None) -> None:
        self._request, self._s3, self._folder, self._key_id = request, s3, folder, key_id

    def run(self, port: int, keep_bytes: int) -> Outcome:
        """Return how it went; an answer of up to `keep_bytes` is in it."""
        outcome = Outcome()
        self._folder.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryFile(dir=self._folder) as payload,
            tempfile.SpooledTemporaryFile(_MEMORY_BYTES, dir=str(self._folder)) as answer,
        ):
            if self._download(payload, outcome):
                good = self._ask(port, payload, answer, outcome)
                answer.seek(0)
                content = answer.read(keep_bytes + 1)
                outcome.answer = content if outcome.status and len(content) <= keep_bytes else None
                if good:
                    self._upload(answer, outcome)  # which closes it
        if outcome.reason and not outcome.lost:
            self._tell_failure(outcome)
        return outcome

    def _download(self, payload: IO[bytes], outcome: Outcome) -> bool:
        began = time.perf_counter()
        if self._request.body is not None:
            payload.write(self._request.body)
            return True
        uri = self._request.input_location or ""
        try:
            bucket, key = s3_uris.split(uri)
            found = self._s3().get_object(Bucket=bucket, Key=key)
            if found["ContentLength"] > PAYLOAD_BYTES:
                raise ValueError(f"it has {found['ContentLength']} bytes, more than {PAYLOAD_BYTES}")  # noqa: TRY301
            shutil.copyfileobj(found["Body"], payload)
        except (ClientError, BotoCoreError, ValueError, OSError) as error:
            outcome.download_failed = True
            outcome.reason = f"ClientError: Failed to download the request from {uri}: {error}"
            return False
        outcome.download_seconds = time.perf_counter() - began
        return True

    def _ask(self, port: int, payload: IO[bytes], answer: IO[bytes], outcome: Outcome) -> bool:
        """Return whether there is a good answer, in its file."""
        size = payload.tell()
        payload.seek(0)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=self._request.timeout)
        began = time.perf_counter()
        try:
            headers = {**self._request.headers, "Content-Length": str(size)}
            connection.request("POST", "/invocations", body=payload, headers=headers)
            response = connection.getresponse()
            shutil.copyfileobj(response, answer)
        except TimeoutError:
            outcome.reason = f"ClientError: The model did not answer within {self._request.timeout:.0f} seconds."
            return False
        except (OSError, http.client.HTTPException):
            outcome.lost = True
            outcome.reason = "InternalServerError: The connection to the model broke before it answered."
            return False
        finally:
            outcome.model_seconds = time.perf_counter() - began
            connection.close()
        outcome.status = response.status
        outcome.content_type = response.headers.get("Content-Type", "")
        if response.headers.get("Content-Length") is None:
            outcome.reason = "The response from container primary did not specify the required Content-Length header"
        elif not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
            side = "client" if response.status < HTTPStatus.INTERNAL_SERVER_ERROR else "server"
            outcome.reason = (
                f"ClientError: Received {side} error ({response.status}) from model. See the SageMaker Endpoint logs "
                "in your account for more information."
            )
        return not outcome.reason

    def _upload(self, answer: IO[bytes], outcome: Outcome) -> None:
        began = time.perf_counter()
        answer.seek(0)
        try:
            self._put(self._request.output, answer, outcome.content_type)
        except (ClientError, BotoCoreError, OSError) as error:
            outcome.upload_failed = True
            outcome.reason = f"ClientError: Failed to upload the response to {self._request.output}: {error}"
        else:
            outcome.upload_seconds = time.perf_counter() - began

    def _tell_failure(self, outcome: Outcome) -> None:
        """Write the model's answer, or the reason if there is none, where failures go."""
        if self._request.failure:
            content = outcome.answer if outcome.status else outcome.reason.encode()
            try:
                self._put(self._request.failure, io.BytesIO(content or b""), outcome.content_type)
            except (ClientError, BotoCoreError, OSError):
                outcome.upload_failed = True

    def _put(self, uri: str, content: IO[bytes], content_type: str) -> None:
        bucket, key = s3_uris.split(uri)
        more = {"ContentType": content_type} if content_type else {}
        self._s3().upload_fileobj(
            content, bucket, key, ExtraArgs={**more, **s3_objects.encryption(self._key_id)}, Config=s3_objects.TRANSFER
        )
