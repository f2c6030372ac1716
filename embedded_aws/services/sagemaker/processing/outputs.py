"""The outputs of a processing job: folders of its hosts that go to S3, while it runs or when it has completed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from embedded_aws.runtime.mirror import Mirror, MirrorError, Mirrors
from embedded_aws.services.sagemaker.failure import FailedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from embedded_aws.services.sagemaker.processing.folder import ProcessingFolder


class Outputs:
    """All outputs of all hosts; hosts that write a file of the same name overwrite each other's, as in any bucket."""

    def __init__(self, s3: Any, request: Mapping[str, Any], machines: Iterable[ProcessingFolder]) -> None:
        key_id = request.get("ProcessingOutputConfig", {}).get("KmsKeyId")
        self._outputs = [
            (each, Mirror(s3, folder, each["S3Output"]["S3Uri"], key_id=key_id))
            for machine in machines
            for each, folder in machine.outputs
        ]
        self._during = Mirrors([mirror for each, mirror in self._outputs if _continuous(each)])

    def start(self) -> None:
        """Put those that go continuously from now on."""
        self._during.start()

    def stop(self) -> None:
        """Nothing writes to them any more."""
        self._during.stop(last=False)

    def finish(self, *, completed: bool) -> None:
        """Put what is left: of a job that has not completed only what goes continuously. Raises FailedError."""
        for each, mirror in self._outputs:
            if completed or _continuous(each):
                try:
                    mirror.keep(last=True)
                except MirrorError as error:
                    raise FailedError(f"ClientError: Failed to upload output {each['OutputName']}. {error}") from error


def _continuous(output: Mapping[str, Any]) -> bool:
    return bool(output["S3Output"]["S3UploadMode"] == "Continuous")
