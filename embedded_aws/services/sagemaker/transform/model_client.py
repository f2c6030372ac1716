"""A transform job's requests to its host: answered, or given up with what the job's log says of them.

The lines of the log are AWS's, as users quote them (aws/amazon-sagemaker-examples#1620,
aws/sagemaker-tensorflow-serving-container#93, aws/sagemaker-python-sdk#753). Numbers of retries and seconds are the
defaults of ModelClientConfig. Not compared with AWS: how long it waits before it tries again.
"""

from __future__ import annotations

import http.client
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping

    from embedded_aws.services.sagemaker.endpoints.hosts import ModelHost

CLIENT = "ClientError"
ALGORITHM = "AlgorithmError"
_SECONDS, _RETRIES = 600, 3
_WAIT_SECONDS = 1.0


class TransformError(Exception):
    """A record that could not be transformed: whose fault it is, and the lines that the log says of it."""

    def __init__(self, fault: str, *lines: str) -> None:
        super().__init__(*lines)
        self.fault, self.lines = fault, lines


class ModelClient:
    """Posts payloads to a host's /invocations, from any thread, until `stopping` is set."""

    def __init__(self, host: ModelHost, request: Mapping[str, Any], stopping: threading.Event) -> None:
        self._host, self._stopping = host, stopping
        config = request.get("ModelClientConfig", {})
        self._seconds = config.get("InvocationsTimeoutInSeconds", _SECONDS)
        self._retries = config.get("InvocationsMaxRetries", _RETRIES)
        wanted = {
            "Content-Type": request["TransformInput"].get("ContentType"),
            "Accept": request["TransformOutput"].get("Accept"),
        }
        self._headers = {name: value for name, value in wanted.items() if value}

    def send(self, payload: bytes) -> bytes:
        """The model's answer; what is not the request's fault is tried again. Raises TransformError."""
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
