"""What a labeling job leaves in S3.

Sources: SageMaker's guide, "Labeling job output data"; what users read of it: an object's answers in one file below
`annotations/worker-response/iteration-1/NUMBER/`, a batch's in one of
`annotations/consolidated-annotation/consolidation-request/iteration-1/`, whose names are the time; output manifests.
Not compared with AWS: that all batches are of iteration-1 where no labels are machine-made; the name of the manifest in
`annotations/intermediate/`.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.runtime import s3_uris
from embedded_aws.services.sagemaker.failure import FailedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ITERATION = "iteration-1"
_CONSOLIDATED = "annotations/consolidated-annotation"
_WAIT_SECONDS = 0.05


class Output:
    """The folder of a job in S3, below its S3OutputPath."""

    def __init__(self, s3: Any, config: Mapping[str, str], name: str) -> None:
        self._s3 = s3
        bucket, prefix = s3_uris.split(config["S3OutputPath"])
        self._bucket, self._folder = bucket, "/".join(part for part in (prefix.strip("/"), name) if part)
        key_id = config.get("KmsKeyId")
        self._used: set[str] = set()
        self._encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id} if key_id else {}

    @property
    def annotations(self) -> str:
        """Return where the annotations are."""
        return self._uri("annotations")

    @property
    def manifest(self) -> str:
        """Return where the output manifest is."""
        return self._uri("manifests/output/output.manifest")

    def put_answers(self, number: int, answers: Sequence[Mapping[str, Any]]) -> str:
        """Put what workers said of an object; return where."""
        return self._put(self._unused(f"annotations/worker-response/{_ITERATION}/{number}"), {"answers": list(answers)})

    def put_request(self, objects: Sequence[Mapping[str, Any]]) -> str:
        """Put a batch's answers, for the function that makes labels of them; return where."""
        return self._put(self._unused(f"{_CONSOLIDATED}/consolidation-request/{_ITERATION}"), objects)

    def put_response(self, labels: Sequence[Mapping[str, Any]]) -> str:
        """Put what that function answered; return where."""
        return self._put(self._unused(f"{_CONSOLIDATED}/consolidation-response/{_ITERATION}"), labels)

    def put_manifest(self, objects: Sequence[Mapping[str, Any]], outcomes: Mapping[int, Mapping[str, Any]]) -> None:
        """Put the manifest with the labels that there are."""
        lines = [
            json.dumps({**each, **outcomes.get(number, {})}, separators=(",", ":"), ensure_ascii=False)
            for number, each in enumerate(objects)
        ]
        content = "".join(f"{line}\n" for line in lines).encode()
        for key in ("annotations/intermediate/1/annotations.manifest", "manifests/output/output.manifest"):
            self._put_bytes(key, content)

    def _put(self, key: str, content: Any) -> str:
        self._put_bytes(key, json.dumps(content, ensure_ascii=False).encode())
        return self._uri(key)

    def _put_bytes(self, key: str, content: bytes) -> None:
        where = {"Bucket": self._bucket, "Key": f"{self._folder}/{key}"}
        try:
            self._s3.put_object(**where, Body=content, **self._encryption)
        except (ClientError, BotoCoreError) as error:
            raise FailedError(
                f"ClientError: Unable to write to {self._uri(key)}. Error message from S3: {error}"
            ) from error

    def _uri(self, key: str) -> str:
        return f"s3://{self._bucket}/{self._folder}/{key}"

    def _unused(self, folder: str) -> str:
        """Return a key below a folder whose name is the time, to the second as AWS has it, which no other has yet."""
        while (key := f"{folder}/{datetime.now(UTC):%Y-%m-%d_%H:%M:%S}.json") in self._used:
            time.sleep(_WAIT_SECONDS)
        self._used.add(key)
        return key
