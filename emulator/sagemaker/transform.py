"""Transform jobs: what is checked before one starts, and which of them run."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from emulator.sagemaker import transform_offer
from emulator.sagemaker.behaviour import Behaviour
from emulator.sagemaker.errors import validation
from emulator.sagemaker.metadata import CredentialsEndpoint
from emulator.sagemaker.models import hosted
from emulator.sagemaker.transform_run import TransformRun, variant

if TYPE_CHECKING:
    from emulator.sagemaker.behaviour import Context
    from emulator.sagemaker.store import Record


class TransformJobs(Behaviour):
    """Each job is a `TransformRun` on a thread of its own."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._credentials = CredentialsEndpoint()
        self._runs: dict[Record, TransformRun] = {}
        self._lock = threading.Lock()

    def create(self, record: Record, request: dict[str, Any]) -> None:
        """Check what is asked for and the model's role, then start.

        Asks IAM about the role: not to be called on the gateway's event loop. Raises ServiceError.
        """
        transform_offer.check(request)
        model = self.context.store.get("Model", request["ModelName"], account=record.account, region=record.region)
        served = hosted(model, variant(request), endpoint_url=self.context.endpoint_url)
        self.context.store.update(record, **_filled(request))
        run = TransformRun(record, request, served, context=self.context, credentials=self._credentials)
        with self._lock:
            self._runs[record] = run
        threading.Thread(target=self._run, args=(record, run), name=f"transform {record.name}", daemon=True).start()

    def stop(self, record: Record) -> None:
        """Stop a job that runs. Raises AWS's ValidationException if it has ended."""
        if record.status == "Stopping":
            return
        with self._lock:
            run = self._runs.get(record)
        if run is None or not run.stop():
            raise validation(f"The request was rejected because the transform job is in status {record.status}.")

    def close(self) -> None:
        """Kill every job."""
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            run.kill()
        self._credentials.close()

    def _run(self, record: Record, run: TransformRun) -> None:
        try:
            run.execute()
        finally:
            with self._lock:
                self._runs.pop(record, None)


def _filled(request: dict[str, Any]) -> dict[str, Any]:
    """The members that DescribeTransformJob tells in full, whatever was left out of them.

    Source: the example of `aws sagemaker describe-transform-job` in the AWS CLI's reference.
    """
    return {
        "TransformInput": {"CompressionType": "None", "SplitType": "None", **request["TransformInput"]},
        "TransformOutput": {"AssembleWith": "None", "KmsKeyId": "", **request["TransformOutput"]},
        "DataProcessing": {
            "InputFilter": "$",
            "OutputFilter": "$",
            "JoinSource": "None",
            **request.get("DataProcessing", {}),
        },
    }
